package state

import (
	"slices"
	"time"

	"postflight/internal/latency"
	"postflight/probe"
)

// CheckState is what is known of one check of one target. It is never changed.
type CheckState struct {
	Check       probe.Check
	Last        probe.Result                // without what is below, bounded and summed up, and without Latencies and Logins
	Outcomes    [len(probe.Outcomes)]uint64 // results so far, by probe.Outcome
	LastSuccess time.Time                   // end of the last probe that was a pass or a warning; zero: none yet
	Values      []Value                     // of the last probe
	Counters    []Counter                   // growth so far

	Baseline latency.Summary // how long its requests took lately, but for those of a verification

	// ExtractionErrors is how often an answer did not yield a metric of the check's own, in the order of Check.Metrics.
	ExtractionErrors []uint64
}

// HasRun reports whether there is a result yet.
func (c *CheckState) HasRun() bool { return !c.Last.Start.IsZero() }

// checkEntry belongs to the Store and is guarded by its lock; state alone is shared.
type checkEntry struct {
	state     *CheckState
	service   *serviceEntry
	target    *targetEntry
	gauges    labelSet
	counters  counters
	latencies latency.Recent
}

// configured returns the entry with the check as it is configured now, a new one if there was none.
func (e *checkEntry) configured(check probe.Check) *checkEntry {
	if e == nil {
		e = &checkEntry{state: &CheckState{Check: check}}
		e.adoptMetrics(e.state, nil)
		return e
	}
	if sameCheck(e.state.Check, check) {
		return e
	}
	next := *e.state
	next.Check = check
	e.adoptMetrics(&next, e.state.Check.Metrics)
	e.state = &next
	return e
}

func sameCheck(a, b probe.Check) bool {
	return a.Key == b.Key && a.Use == b.Use && a.Critical == b.Critical && a.Interval == b.Interval && slices.Equal(a.Metrics, b.Metrics)
}

func (e *checkEntry) fold(r probe.Result) {
	next := *e.state
	next.Last = r
	next.Last.Values, next.Last.Unread, next.Last.Latencies, next.Last.Logins = nil, nil, nil, nil
	next.Outcomes[r.Outcome]++
	if r.Outcome.Up() {
		next.LastSuccess = r.End()
	}
	read := next.knownOnly(r.Values)
	next.Values = foldGauges(&e.gauges, next.Values, read)
	next.Counters = e.counters.fold(r.End(), read)
	next.countUnread(r.Unread)
	e.foldBaseline(&next, r)
	e.state = &next
}
