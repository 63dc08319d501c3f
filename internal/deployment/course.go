package deployment

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// seenEvery is how often it is kept until when a verification was looked at.
const seenEvery = time.Second

// course is one verification on its way to the verdict. The desk's lock guards it, but for what is never changed.
type course struct {
	timeline *timeline     // never changed, as is decided
	decided  chan struct{} // closed once it is

	plan     Plan
	v        *Verification
	rules    Rules
	skipHook bool
	source   verdict.Source // whoever announced it, where it was detected first
	release  string
	named    bool // who announced it said which release it is, or another one was seen; else it is a guess

	doc    verdict.Document // as it was looked at last
	stored verdict.Document // as it was kept last
	kept   time.Time        // when that was
	over   bool
}

func newCourse(plan Plan, rules Rules, skipHook bool) *course {
	plan.ID = cmp.Or(plan.ID, newID())
	return &course{
		plan: plan, rules: rules, skipHook: skipHook, source: plan.Source, release: plan.Release,
		timeline: newTimeline(plan.told()), decided: make(chan struct{}),
	}
}

// is reports whether an announcement is of this deployment: of the same release, or of one that nobody named. Who announces
// it after the start may find it detected.
func (c *course) is(a Announcement, now time.Time) bool {
	switch {
	case c.plan.RollbackOf != "":
		return false
	case a.Release == "" || a.Release == c.release:
		return true
	default:
		return !c.named && now.Sub(c.plan.began()) < c.plan.Policy.SettleTimeout
	}
}

// join makes an announcement one of a deployment that is known.
func (d *Desk) join(c *course, a Announcement, now time.Time) error {
	if c.source == verdict.Detected && a.Policy != nil && *a.Policy != c.plan.Policy {
		if err := d.beginAgain(c, *a.Policy, now); err != nil {
			return err
		}
	}
	source, release := c.source, c.release
	c.skipHook = c.skipHook || a.SkipHook // two would roll back else
	if c.source == verdict.Detected {
		c.source = a.Source
	}
	if a.Release != "" {
		c.release, c.named = a.Release, true
	}
	if c.source != source || c.release != release {
		d.refresh(c, now)
	} else {
		d.keep(c, now)
	}
	return nil
}

// beginAgain begins to look at a deployment that was detected as who announces it wants it looked at. Restarts since its
// start count.
func (d *Desk) beginAgain(c *course, policy verdict.Policy, now time.Time) error {
	plan := c.plan
	plan.Policy, plan.Start = policy, now
	resume := c.v.resume()
	resume.Seen = now
	plan.Resumed = &state.Deployment{Document: c.doc, Resume: resume}
	v, err := d.o.Begin(plan)
	if err != nil {
		return err
	}
	d.o.End(c.v)
	c.plan, c.v = plan, v
	d.look(c, now)
	return nil
}

// begin begins to look. What was running until now is superseded, unless nothing can be begun.
func (d *Desk) begin(c *course, now time.Time) error {
	service := c.plan.Service
	v, err := d.o.Begin(c.plan)
	if err != nil {
		return err
	}
	c.v = v
	before := d.running[service]
	d.running[service], d.courses[c.plan.ID] = c, c
	if before != nil {
		d.abandon(before, verdict.Superseded, now)
	}
	if doc, _ := c.at(now); !doc.State.Decided() {
		c.doc = doc
		d.change(c, now)
	}
	d.look(c, now)
	d.work.Go(func() { d.attend(c) })
	return nil
}

// attend looks at a course whenever something has come, or time alone changes it, and tells the verdict.
func (d *Desk) attend(c *course) {
	for {
		began := time.Now()
		d.mu.Lock()
		next := d.look(c, began)
		over, came := c.over, c.v.progressed
		d.mu.Unlock()
		if over {
			d.tellVerdict(c)
			return
		}
		// Of ten thousand checks results come faster than looking at them all takes: a tenth of the time has to do.
		if !d.sleep(c, 9*time.Since(began), nil) || !d.sleep(c, time.Until(next), came) {
			return
		}
	}
}

// sleep returns when this much time has passed, something has come, or the course has been decided. It reports whether
// the desk goes on.
func (d *Desk) sleep(c *course, long time.Duration, came <-chan struct{}) bool {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-came:
	case <-c.decided:
	case <-d.life.Done():
		return false
	}
	return true
}

// look takes up how a course stands now, and returns when to look again at the latest. Once the desk has been stopped
// nothing is decided any more.
func (d *Desk) look(c *course, now time.Time) (next time.Time) {
	if c.over || d.stopped {
		return time.Time{}
	}
	doc, deadline := c.at(now)
	before := c.doc
	c.tellChanges(before, doc)
	c.doc = doc
	switch {
	case doc.State.Decided():
		d.conclude(c)
		return time.Time{}
	case doc.State != before.State:
		d.change(c, now)
	case now.Sub(c.kept) >= seenEvery:
		d.keep(c, now)
	}
	if again := c.kept.Add(seenEvery); again.Before(deadline) {
		return again
	}
	return deadline
}

// at is how a course stands, and when the passing of time alone changes that.
func (c *course) at(now time.Time) (verdict.Document, time.Time) {
	doc, deadline := c.v.at(now)
	doc.Source, doc.Release = c.source, c.release
	return doc, deadline
}

// refresh takes up that something else than the verdict's own is to be told of a course.
func (d *Desk) refresh(c *course, now time.Time) {
	c.doc.Source, c.doc.Release = c.source, c.release
	d.change(c, now)
}

// change tells and keeps that a course is in another state.
func (d *Desk) change(c *course, now time.Time) {
	c.timeline.add("state", brief(c.doc))
	c.stored = c.doc
	d.keep(c, now)
	d.o.Tell(c.doc)
}

// keep keeps what is needed to take a course up again.
func (d *Desk) keep(c *course, now time.Time) {
	c.kept = now
	resume := c.v.resume()
	resume.Policy, resume.SkipHook, resume.Seen = c.plan.Policy, c.skipHook, now
	d.o.Store.FoldDeployment(state.Deployment{Document: c.stored, Resume: resume})
}

// abandon ends a course without a verdict on the release, unless there is one.
func (d *Desk) abandon(c *course, reason verdict.Reason, now time.Time) {
	if c.over || d.stopped {
		return
	}
	c.v.abandon(reason, now)
	d.look(c, now)
}

// conclude takes up that a course is decided. With the verdict it is kept that a rollback is to come: it is not begun
// twice, whenever we are killed.
func (d *Desk) conclude(c *course) {
	c.over = true
	if d.running[c.plan.Service] == c {
		delete(d.running, c.plan.Service)
	}
	if c.doc.State == verdict.Failed {
		d.failed[c.plan.Service] = c.plan
	}
	if c.rollsBack() {
		d.hooks[c.plan.Service] = c.plan.ID
		c.doc.Rollback = verdict.Rollback{State: verdict.RollbackRunning, Hook: c.rules.OnFailure.String(), StartedAt: inDocument(time.Now())}
	}
	d.fold(c.doc)
	d.o.End(c.v)
	if c.plan.RollbackOf != "" {
		d.rolledBack(c.plan.RollbackOf, c.doc)
	}
	close(c.decided)
}

// fold takes up how a decided deployment stands.
func (d *Desk) fold(doc verdict.Document) {
	d.o.Store.FoldDeployment(state.Deployment{Document: doc})
	d.o.Tell(doc)
	close(d.turned)
	d.turned = make(chan struct{})
}

// tellVerdict tells the verdict once it is kept, so that it is never another one; and begins what follows from it.
func (d *Desk) tellVerdict(c *course) {
	d.o.Kept()
	c.timeline.add("state", brief(c.doc))
	c.timeline.add("verdict", c.doc)
	c.timeline.end()
	d.mu.Lock()
	delete(d.courses, c.plan.ID)
	d.mu.Unlock()
	if c.doc.Rollback.State == verdict.RollbackRunning {
		d.runHook(c)
	}
}

// tellChanges tells what became different of checks and units. Both documents list the same ones, in the same order.
func (c *course) tellChanges(before, now verdict.Document) {
	for i, check := range now.Checks {
		if i >= len(before.Checks) || check.Outcome != before.Checks[i].Outcome || check.Reason != before.Checks[i].Reason {
			if check.Runs > 0 {
				c.timeline.add("check", check)
			}
		}
	}
	for i, unit := range now.Units {
		if i >= len(before.Units) || unit != before.Units[i] {
			c.timeline.add("unit", unit)
		}
	}
}

func newID() string {
	id := make([]byte, 8)
	rand.Read(id) // never fails, see its documentation
	return hex.EncodeToString(id)
}

// inDocument is a time as documents tell it.
func inDocument(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
