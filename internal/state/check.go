package state

import (
	"time"

	"postflight/probe"
)

// CheckState is what is known of one check of one target. It is never changed.
type CheckState struct {
	Check       probe.Check
	Last        probe.Result                // without its Values: those are below, bounded and summed up
	Outcomes    [len(probe.Outcomes)]uint64 // results so far, by probe.Outcome
	LastSuccess time.Time                   // end of the last probe that was a pass or a warning; zero: none yet
	Values      []Value                     // of the last probe
	Counters    []Counter                   // growth so far
}

// HasRun reports whether there is a result yet.
func (c *CheckState) HasRun() bool { return !c.Last.Start.IsZero() }

// checkEntry belongs to the Store and is guarded by its lock; state alone is shared.
type checkEntry struct {
	state    *CheckState
	gauges   labelSet
	counters counters
}

// configured returns the entry with the check as it is configured now, a new one if there was none.
func (e *checkEntry) configured(check probe.Check) *checkEntry {
	if e == nil {
		return &checkEntry{state: &CheckState{Check: check}}
	}
	next := *e.state
	next.Check = check
	e.state = &next
	return e
}

func (e *checkEntry) fold(r probe.Result) {
	next := *e.state
	next.Last = r
	next.Last.Values = nil
	next.Outcomes[r.Outcome]++
	if r.Outcome.Up() {
		next.LastSuccess = r.End()
	}
	next.Values = foldGauges(&e.gauges, next.Values, r.Values)
	next.Counters = e.counters.fold(r.End(), r.Values)
	e.state = &next
}
