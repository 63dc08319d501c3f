package deployment

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"postflight/internal/hook"
	"postflight/internal/verdict"
)

// reportPatience is how long is waited for the end of a rollback that others run.
const reportPatience = time.Hour

// rollsBack reports whether the hook is to be run.
func (c *course) rollsBack() bool {
	hook := c.rules.OnFailure
	return c.doc.State == verdict.Failed && hook != nil && hook.For(c.source) && !c.skipHook && c.plan.RollbackOf == ""
}

// runHook runs what is configured for a failed verdict. Where postflight is stopped meanwhile so is the hook: nobody would
// be there to tell how it ended, and systemd ends all that a service has started.
func (d *Desk) runHook(c *course) {
	outcome := c.rules.OnFailure.Run(d.life, hook.Options{
		BusAddress: d.o.BusAddress, Stdin: append(asJSON(c.doc), '\n'), Env: HookEnvironment(c.doc),
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.hooks, c.plan.Service)
	doc := c.doc
	if kept, known := d.kept(c.plan.ID); known {
		doc = kept.Document
	}
	d.hookEnded(doc, outcome, c.rules, c.plan.Policy)
}

// HookEnvironment is what a hook's has of a failed verdict.
func HookEnvironment(doc verdict.Document) []string {
	cause := verdict.Cause("")
	if len(doc.Causes) > 0 {
		cause = doc.Causes[0].Cause
	}
	return []string{
		"POSTFLIGHT_SERVICE=" + doc.Service, "POSTFLIGHT_RELEASE=" + doc.Release, "POSTFLIGHT_VERDICT=" + string(doc.Verdict),
		"POSTFLIGHT_CAUSE=" + string(cause), "POSTFLIGHT_ID=" + doc.ID,
	}
}

// hookEnded takes up what came of a rollback. Where it did what it should the service is verified again.
func (d *Desk) hookEnded(failed verdict.Document, outcome hook.Outcome, rules Rules, policy verdict.Policy) {
	now := time.Now()
	r := &failed.Rollback
	r.Problem, r.Output = outcome.Problem, outcome.Output
	switch {
	case d.stopped:
		d.endRollback(failed, verdict.RollbackInterrupted, cmp.Or(r.Problem, "postflight was stopped"), now)
		return
	case r.Problem != "":
		d.endRollback(failed, verdict.RollbackFailed, r.Problem, now)
		return
	case d.running[failed.Service] != nil:
		d.endRollback(failed, verdict.RollbackFailed, "the service was not verified afterwards: meanwhile another deployment was announced", now)
		return
	}
	c := newCourse(Plan{Service: failed.Service, Source: failed.Source, Policy: policy, Start: now, RollbackOf: failed.ID}, rules, true)
	if service, _ := d.service(failed.Service); service.Release.Name != failed.Release {
		c.release = service.Release.Name
	}
	r.Verification = c.plan.ID
	d.fold(failed)
	if err := d.begin(c, now); err != nil {
		r.Verification = ""
		d.endRollback(failed, verdict.RollbackFailed, fmt.Sprintf("the service was not verified afterwards: %v", err), now)
		return
	}
	if service, _ := d.service(failed.Service); service.PausedUntil.After(now) {
		d.abandon(c, verdict.Paused, now)
	}
}

// rolledBack takes up the verdict on a rollback.
func (d *Desk) rolledBack(id string, after verdict.Document) {
	failed, known := d.kept(id)
	if !known || failed.Rollback.State != verdict.RollbackRunning {
		return
	}
	now := time.Now()
	if after.State == verdict.Passed {
		d.endRollback(failed.Document, verdict.RollbackSucceeded, "", now)
		return
	}
	why, ended := string(after.Reason), verdict.RollbackFailed
	if len(after.Causes) > 0 {
		why = after.Causes[0].Summary
	}
	if after.Reason == verdict.Interrupted {
		ended = verdict.RollbackInterrupted
	}
	d.endRollback(failed.Document, ended, fmt.Sprintf("the service was verified afterwards: %s, %s", after.State, why), now)
}

func (d *Desk) endRollback(failed verdict.Document, state verdict.RollbackState, problem string, now time.Time) {
	r := &failed.Rollback
	r.State, r.Problem, r.EndedAt = state, problem, inDocument(now)
	d.fold(failed)
}

// RollbackBegun takes up that who announced a failed deployment now takes it back.
func (d *Desk) RollbackBegun(id, what string) (verdict.Document, error) {
	d.begun.Do(d.takeUp)
	doc, err := d.rollbackBegun(id, what)
	if err == nil {
		d.o.Kept()
	}
	return doc, err
}

func (d *Desk) rollbackBegun(id, what string) (verdict.Document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	doc, err := d.rollable(id)
	switch {
	case err != nil:
		return verdict.Document{}, err
	case doc.Rollback.State != verdict.NoRollback:
		return verdict.Document{}, fmt.Errorf("%w: a rollback of this deployment was begun before; it is %s", ErrConflict, doc.Rollback.State)
	}
	doc.Rollback = verdict.Rollback{State: verdict.RollbackRunning, Hook: what, StartedAt: inDocument(time.Now())}
	d.fold(doc)
	enough, cancel := context.WithTimeout(d.life, reportPatience)
	d.reporting[id] = cancel
	d.work.Go(func() { d.awaitReport(enough, id) })
	return doc, nil
}

// rollable is a deployment that may be taken back.
func (d *Desk) rollable(id string) (verdict.Document, error) {
	if d.stopped {
		return verdict.Document{}, errStopping
	}
	doc, err := d.document(id)
	switch {
	case err != nil:
		return doc, err
	case doc.State != verdict.Failed:
		return doc, fmt.Errorf("%w: only a failed deployment is rolled back, and this one is %s", ErrConflict, doc.State)
	case doc.RollbackOf != "":
		return doc, fmt.Errorf("%w: this is the verification of a rollback, which is not rolled back itself", ErrConflict)
	}
	return doc, nil
}

// awaitReport gives up a rollback whose end nobody tells.
func (d *Desk) awaitReport(enough context.Context, id string) {
	<-enough.Done()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reporting[id] == nil {
		return
	}
	d.reporting[id]()
	delete(d.reporting, id)
	if failed, known := d.kept(id); known {
		why := fmt.Sprintf("nobody told within %v how it ended", reportPatience)
		if d.stopped {
			why = "postflight was stopped before anybody told how it ended"
		}
		d.endRollback(failed.Document, verdict.RollbackInterrupted, why, time.Now())
	}
}

// policyOf is what a failed deployment was verified by, as far as that is still known.
func (d *Desk) policyOf(failed verdict.Document, rules Rules) verdict.Policy {
	if newest := d.failed[failed.Service]; newest.ID == failed.ID {
		return newest.Policy
	}
	return rules.Policy
}

// RollbackEnded takes up what came of that. Where it did what it should the service is verified again.
func (d *Desk) RollbackEnded(id string, o hook.Outcome) (verdict.Document, error) {
	d.begun.Do(d.takeUp)
	d.mu.Lock()
	defer d.mu.Unlock()
	doc, err := d.rollable(id)
	if err != nil {
		return verdict.Document{}, err
	}
	cancel := d.reporting[id]
	if cancel == nil {
		return verdict.Document{}, fmt.Errorf("%w: no rollback of this deployment is running that others were to tell the end of; it is %s", ErrConflict, doc.Rollback.State)
	}
	rules, _, err := d.lookUp(doc.Service)
	if err != nil {
		return verdict.Document{}, err
	}
	delete(d.reporting, id)
	cancel()
	d.hookEnded(doc, o, rules, d.policyOf(doc, rules))
	return d.document(id)
}
