package state

import (
	"time"

	"postflight/probe"
)

// The functions below take a probe.Process as what it is: an interval of time. They leave the monotonic clock in it, so
// that our own clock may be set without harm.

func widen(i probe.Process, by time.Duration) probe.Process {
	return probe.Process{Earliest: i.Earliest.Add(-by), Latest: i.Latest.Add(by)}
}

func meet(a, b probe.Process) bool {
	return !a.Latest.Before(b.Earliest) && !b.Latest.Before(a.Earliest)
}

func intersection(a, b probe.Process) probe.Process {
	if b.Earliest.After(a.Earliest) {
		a.Earliest = b.Earliest
	}
	if b.Latest.Before(a.Latest) {
		a.Latest = b.Latest
	}
	return a
}

func hull(a, b probe.Process) probe.Process {
	if b.Earliest.Before(a.Earliest) {
		a.Earliest = b.Earliest
	}
	if b.Latest.After(a.Latest) {
		a.Latest = b.Latest
	}
	return a
}
