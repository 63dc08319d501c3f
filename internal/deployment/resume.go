package deployment

import (
	"slices"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// takeUp takes up what was going on when postflight was stopped.
func (d *Desk) takeUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, service := range d.o.Store.Snapshot(now).Services {
		for _, kept := range slices.Backward(service.Deployments.History) {
			if !kept.State.Decided() {
				d.resume(kept, now)
			}
		}
	}
	for _, service := range d.o.Store.Snapshot(now).Services { // as it is by now
		for _, kept := range service.Deployments.History {
			if kept.Rollback.State == verdict.RollbackRunning && !d.isVerified(kept.Rollback) {
				d.endRollback(kept.Document, verdict.RollbackInterrupted, "postflight was stopped meanwhile; it is not run again", now)
			}
		}
	}
}

// isVerified reports whether a rollback is over and its verification was taken up again.
func (d *Desk) isVerified(r verdict.Rollback) bool { return d.courses[r.Verification] != nil }

// resume takes up a verification again, unless nobody looked for so long that it says nothing any more.
func (d *Desk) resume(kept state.Deployment, now time.Time) {
	rules, configured := d.o.Rules(kept.Service)
	if !configured || kept.Resume == nil || d.running[kept.Service] != nil {
		d.interrupt(kept, now, "")
		return
	}
	policy := kept.Resume.Policy
	if now.Sub(kept.Resume.Seen) > policy.SettleTimeout+policy.Window {
		d.interrupt(kept, now, gapNote(kept.Resume.Seen, now)+", too long to go on")
		return
	}
	c := newCourse(Plan{
		ID: kept.ID, Service: kept.Service, Release: kept.Release, Source: kept.Source, Policy: policy,
		Start: now, RollbackOf: kept.RollbackOf, Resumed: &kept,
	}, rules, kept.Resume.SkipHook)
	c.named = kept.Release != ""
	if err := d.begin(c, now); err != nil {
		d.interrupt(kept, now, err.Error())
	}
}

// interrupt decides a verification that is not taken up again.
func (d *Desk) interrupt(kept state.Deployment, now time.Time, note string) {
	doc := kept.Document
	doc.State, doc.Verdict, doc.Reason = verdict.Inconclusive, verdict.Inconclusive, verdict.Interrupted
	doc.DecidedAt, doc.Until = inDocument(now), time.Time{}
	if note != "" {
		doc.Notes = append(slices.Clone(doc.Notes), note)
	}
	d.fold(doc)
	if doc.RollbackOf != "" {
		d.rolledBack(doc.RollbackOf, doc)
	}
}
