package deployment

import (
	"maps"
	"sync"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// Verification is a verdict.Verification that others fold into while the desk follows it.
type Verification struct {
	plan       verdict.Plan  // never changed
	progressed chan struct{} // something was folded in since it was last asked

	mu   sync.Mutex // guards what follows; taken under the store's lock, so the store is never called under it
	v    *verdict.Verification
	told map[string]bool    // units that the store has told of since the verification began
	lost map[probe.Key]bool // checks and units that are others now, or are no longer looked at
	from map[string]counts  // of units: what is counted from
	last map[string]counts  // of units: as they were folded last
}

// counts are what only grows of a unit.
type counts struct{ restarts, manualStarts uint64 }

// NewVerification begins a verification. resumed is as it was kept, where it is taken up again, and else nil.
func NewVerification(plan verdict.Plan, resumed *state.Deployment) (*Verification, error) {
	if resumed != nil {
		plan = recall(plan, resumed.Resume)
	}
	v, err := verdict.New(plan)
	if err != nil {
		return nil, err
	}
	f := &Verification{
		plan: plan, progressed: make(chan struct{}, 1), v: v,
		told: map[string]bool{}, lost: map[probe.Key]bool{}, from: map[string]counts{}, last: map[string]counts{},
	}
	if resumed != nil {
		f.countFrom(resumed.Resume)
	}
	return f, nil
}

// Service is the service that is verified.
func (f *Verification) Service() string { return f.plan.Service }

// Interval is how often the service's checks are to run meanwhile.
func (f *Verification) Interval() time.Duration { return f.plan.Policy.Interval }

// countFrom has units counted from where they were counted from before postflight was stopped. How they are now, it does
// not know yet.
func (f *Verification) countFrom(before *state.Resume) {
	for _, unit := range f.plan.Units {
		restarts, known := before.Restarts[unit]
		if !known {
			continue
		}
		f.foldUnit(verdict.UnitSeen{
			Unit: unit, Time: f.plan.Start, Reading: &probe.Unit{}, Restarts: restarts, ManualStarts: before.ManualStarts[unit], Known: true,
		})
		f.foldUnit(verdict.UnitSeen{Unit: unit, Time: f.plan.Start, Why: "it has not been read since postflight was started"})
	}
	for unit, errors := range before.Logged {
		f.v.FoldLog(verdict.LogSeen{Unit: unit, Time: f.plan.Start, Observable: f.plan.Logs, Matches: errors})
	}
}

// Remember takes what is known of the units from before the verification began, but for those that it has been told of
// since: that is newer.
func (f *Verification) Remember(units []*state.UnitState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, unit := range units {
		if unit.HasRun() && !f.told[unit.Key.Unit] {
			seen := unitSeen(unit, f.plan.Start)
			seen.Known = true
			f.foldUnit(seen)
		}
		if log := unit.Log; log != nil && log.HasRun() { // what was told meanwhile is told twice, and counts once
			f.v.FoldLog(verdict.LogSeen{Unit: unit.Key.Unit, Time: f.plan.Start, Observable: log.Observable, Why: log.Why, Matches: log.Evidence})
		}
	}
}

// Fold takes one event of the verified service. The store calls it, one event at a time.
func (f *Verification) Fold(event state.Event) {
	defer f.progress()
	f.mu.Lock()
	defer f.mu.Unlock()
	r := event.Result
	switch {
	case f.lost[r.Key]:
	case r.Log != nil:
		f.v.FoldLog(verdict.LogSeen{Unit: r.Key.Unit, Time: r.End(), Observable: r.Outcome != probe.Error, Why: r.Got, Matches: r.Log.Matches})
		if f.toldLate(event.Unit) {
			f.foldUnit(unitSeen(event.Unit, r.End()))
		}
	case event.Unit != nil:
		// A reading made just before the start, and told after it, is how the unit is now.
		f.foldUnit(unitSeen(event.Unit, later(r.End(), f.plan.Start)))
		f.told[r.Key.Unit] = true
	default:
		f.v.FoldCheck(r)
	}
}

// toldLate reports whether the journal has told of starts that happened while nobody watched: then no reading comes with them.
func (f *Verification) toldLate(unit *state.UnitState) bool {
	last, known := f.last[unit.Key.Unit]
	return known && unit.Observable() && last != counts{unit.Restarts, unit.Starts.Manual}
}

func (f *Verification) foldUnit(seen verdict.UnitSeen) {
	f.v.FoldUnit(seen)
	if seen.Reading == nil {
		return
	}
	now := counts{seen.Restarts, seen.ManualStarts}
	if from, known := f.from[seen.Unit]; !known || now.manualStarts > from.manualStarts {
		f.from[seen.Unit] = now
	}
	f.last[seen.Unit] = now
}

// Lose takes a check or a unit as out of sight from now on: what comes under its key is not what the verification began with.
func (f *Verification) Lose(key probe.Key) {
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

func (f *Verification) progress() {
	select {
	case f.progressed <- struct{}{}:
	default:
	}
}

// at is how it stands, and when the passing of time alone changes that.
func (f *Verification) at(now time.Time) (verdict.Document, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.v.At(now), f.v.Deadline()
}

func (f *Verification) abandon(reason verdict.Reason, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.v.Abandon(reason, now)
}

// resume is what is needed to take it up again.
func (f *Verification) resume() *state.Resume {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &state.Resume{Restarts: map[string]uint64{}, ManualStarts: map[string]uint64{}, Logged: f.v.Logged(), LogBefore: f.plan.LogBefore}
	for unit, from := range f.from {
		r.Restarts[unit], r.ManualStarts[unit] = from.restarts, from.manualStarts
	}
	for _, check := range f.plan.Checks {
		if before := check.Before; before != nil && before.Outcome == probe.Fail {
			r.Before = append(r.Before, *before)
		}
	}
	return r
}

// recall has the plan of a verification that is taken up again know what was known before that.
func recall(plan verdict.Plan, before *state.Resume) verdict.Plan {
	plan.LogBefore = before.LogBefore
	for i := range plan.Checks {
		plan.Checks[i].Before = nil
		for _, failed := range before.Before {
			if failed.Key == plan.Checks[i].Key {
				plan.Checks[i].Before = &failed
			}
		}
	}
	from := map[string]time.Time{}
	maps.Copy(from, plan.LogFrom)
	for unit, errors := range before.Logged {
		for _, e := range errors {
			if since, known := from[unit]; !known || e.Time.Before(since) {
				from[unit] = e.Time
			}
		}
	}
	plan.LogFrom = from
	return plan
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

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
