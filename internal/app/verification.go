package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// Deployment is what is to be verified.
type Deployment struct {
	Service  string
	Release  string // empty: not known
	Policy   verdict.Policy
	Progress func(verdict.Document) // is told each time that the state changes
}

// verification is a verdict.Verification that the store's events are folded into, and that somebody follows.
type verification struct {
	service    string
	start      time.Time
	interval   time.Duration
	progressed chan struct{} // something was folded in since it was last asked

	mu   sync.Mutex // guards what follows
	v    *verdict.Verification
	told map[string]bool    // units that the store has told of since the verification began
	read map[string]bool    // likewise those whose logs it has told of
	lost map[probe.Key]bool // checks and units that are others now, or are no longer looked at
}

// begin begins the verification of a deployment that is being made now. Until it ends the service's checks run at the
// policy's interval.
func (e *engine) begin(d Deployment) (*verification, error) {
	e.changing.Lock()
	defer e.changing.Unlock()
	start := time.Now()
	plan := verdict.Plan{ID: newID(), Service: d.Service, Release: d.Release, Source: "cli", Policy: d.Policy, Logs: e.options.logs, Start: start}
	var jobs []*job
	if s := e.service(d.Service); s != nil {
		jobs = s.jobs
	}
	for _, j := range jobs {
		plan.Checks = append(plan.Checks, verdict.PlannedCheck{Check: j.check, MinInterval: j.MinInterval, Timeout: j.Timeout})
	}
	known := e.stateOf(d.Service)
	for _, unit := range known.Units {
		plan.Units = append(plan.Units, unit.Key.Unit)
	}
	if lists := known.Discovery; lists != nil && lists.LastSuccess.IsZero() {
		plan.Unseen = cmp.Or(lists.Problem, "the target lists have not been read yet")
	}
	v, err := verdict.New(plan)
	if err != nil {
		return nil, err
	}
	f := &verification{
		service: d.Service, start: start, interval: d.Policy.Interval,
		progressed: make(chan struct{}, 1), v: v, told: map[string]bool{}, read: map[string]bool{}, lost: map[probe.Key]bool{},
	}
	e.mu.Lock()
	e.verifying = append(e.verifying, f)
	e.mu.Unlock()
	f.remember(e.stateOf(d.Service).Units) // from here on whatever is newer is told
	e.arrange()
	e.runRare(jobs, d.Policy.Interval)
	return f, nil
}

// remember takes what is known of the units from before the verification began, but for those that it has been told of
// since: that is newer.
func (f *verification) remember(units []*state.UnitState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, unit := range units {
		if unit.HasRun() && !f.told[unit.Key.Unit] {
			seen := unitSeen(unit, f.start)
			seen.Known = true
			f.v.FoldUnit(seen)
		}
		if log := unit.Log; log != nil && log.HasRun() && !f.read[unit.Key.Unit] {
			f.v.FoldLog(verdict.LogSeen{Unit: unit.Key.Unit, Time: f.start, Observable: log.Observable, Matches: log.Evidence})
		}
	}
}

// runRare runs the checks whose minimal interval would make the verification wait for them: at once, or as soon as they
// may run again.
func (e *engine) runRare(jobs []*job, interval time.Duration) {
	for _, j := range jobs {
		if j.MinInterval > interval {
			e.runner.Run(j.ctx, j.Job)
		}
	}
}

func (e *engine) end(f *verification) {
	e.mu.Lock()
	e.verifying = slices.DeleteFunc(e.verifying, func(other *verification) bool { return other == f })
	e.mu.Unlock()
	e.changing.Lock()
	defer e.changing.Unlock()
	e.arrange()
}

func (e *engine) verificationsOf(service string) []*verification {
	e.mu.Lock()
	defer e.mu.Unlock()
	var of []*verification
	for _, f := range e.verifying {
		if f.service == service {
			of = append(of, f)
		}
	}
	return of
}

// stateOf is what is known of a service.
func (e *engine) stateOf(service string) state.ServiceState {
	for _, known := range e.store.Snapshot(time.Now()).Services {
		if known.Name == service {
			return known
		}
	}
	return state.ServiceState{}
}

// tellVerifications folds an event into the verifications of its service. The store calls it, one event at a time.
func (e *engine) tellVerifications(event state.Event) {
	for _, f := range e.verificationsOf(event.Result.Key.Service) {
		f.fold(event)
	}
}

func (f *verification) fold(event state.Event) {
	defer f.progress()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.lost[event.Result.Key]:
	case event.Result.Log != nil:
		r := event.Result
		f.v.FoldLog(verdict.LogSeen{Unit: r.Key.Unit, Time: r.End(), Observable: r.Outcome != probe.Error, Matches: r.Log.Matches})
		f.read[r.Key.Unit] = true
	case event.Unit != nil:
		// A reading made just before the start, and told after it, is how the unit is now.
		at := event.Result.End()
		if at.Before(f.start) {
			at = f.start
		}
		f.v.FoldUnit(unitSeen(event.Unit, at))
		f.told[event.Unit.Key.Unit] = true
	default:
		f.v.FoldCheck(event.Result)
	}
}

// lose takes a check or a unit as out of sight from now on: what comes under its key is not what the verification began with.
func (f *verification) lose(key probe.Key) {
	const why = "the configuration or a list of targets has been changed, and it is no longer looked at as it was"
	now := time.Now()
	defer f.progress()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost[key] = true
	if key.Unit != "" {
		f.v.FoldUnit(verdict.UnitSeen{Unit: key.Unit, Time: now, Why: why})
		return
	}
	f.v.FoldCheck(probe.Result{
		Key: key, Start: now, Outcome: probe.Error, Reason: probe.ReasonInternal, Wanted: "the check that the verification began with", Got: why,
	})
}

func (f *verification) progress() {
	select {
	case f.progressed <- struct{}{}:
	default:
	}
}

// follow tells progress of each change of state until the verification is decided, and returns the decision.
func (f *verification) follow(ctx context.Context, progress func(verdict.Document)) verdict.Document {
	var told verdict.State
	for {
		doc, deadline := f.at(time.Now())
		if doc.State != told {
			progress(doc)
			told = doc.State
		}
		if doc.State.Decided() {
			return doc
		}
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-f.progressed:
		case <-timer.C:
		case <-ctx.Done():
			f.interrupt(time.Now())
		}
		timer.Stop()
	}
}

func (f *verification) at(now time.Time) (verdict.Document, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.v.At(now), f.v.Deadline()
}

func (f *verification) interrupt(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.v.Interrupt(now)
}

func unitSeen(unit *state.UnitState, at time.Time) verdict.UnitSeen {
	seen := verdict.UnitSeen{
		Unit: unit.Key.Unit, Time: at, Reading: unit.Last.Unit, Restarts: unit.Restarts, ManualStarts: unit.Starts.Manual,
	}
	if !unit.Observable() {
		seen.Why = unit.Last.Got
	}
	return seen
}

func newID() string {
	id := make([]byte, 8)
	rand.Read(id) // never fails, see its documentation
	return hex.EncodeToString(id)
}
