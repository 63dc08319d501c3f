package verdict

import (
	"time"

	"postflight/internal/latency"
	"postflight/probe"
)

// standing is what one check or unit says to the question whether all is well now. The greatest of all counts.
type standing uint8

const (
	fine   standing = iota
	short           // not fine yet, but what comes next may make it so: passing, and not often or lately enough
	unseen          // not looked at, or it could not be
	broken
)

// checkTally is what is known of one check since the verification, or the unit, last started.
type checkTally struct {
	PlannedCheck
	need     int
	patience time.Duration
	turn     time.Duration

	runs, passes, streak int
	last                 probe.Result   // of runs > 0
	failure              probe.Result   // the newest with Outcome Fail; zero: none
	latencies            latency.Sketch // of the requests of runs that passed
}

func newCheckTally(c PlannedCheck, p Policy) *checkTally {
	return &checkTally{PlannedCheck: c, need: c.consecutive(p), patience: c.patience(p), turn: c.turn(p)}
}

func (t *checkTally) fold(r probe.Result) {
	t.runs++
	t.last = r
	if r.Outcome.Up() {
		t.passes++
		t.streak++
		for _, took := range r.Latencies {
			t.latencies.Add(took)
		}
		return
	}
	t.streak = 0
	if r.Outcome == probe.Fail {
		t.failure = r
	}
}

// forget starts the check's tally anew.
func (t *checkTally) forget() {
	*t = checkTally{PlannedCheck: t.PlannedCheck, need: t.need, patience: t.patience, turn: t.turn}
}

// standing is how the check stands now. end is that of the window, zero as long as it is not over.
//
// At the end a pass counts only if the next one was not due yet: else a run is under way that shows whether the backend
// hangs. It is compared with the end, not with now, or slow checks would wait for each other for ever. To settle, any pass
// will do that patience allows, for the same reason, and since the end finds what that overlooks.
func (t *checkTally) standing(now, end time.Time) standing {
	switch {
	case t.runs == 0 || !now.Before(t.silentAt()):
		return unseen
	case t.last.Outcome == probe.Fail:
		return broken
	case t.last.Outcome == probe.Error && now.Before(t.awaitedUntil(end)):
		return short
	case t.last.Outcome == probe.Error:
		return unseen
	case t.streak < t.need, !end.Before(t.last.End().Add(t.turn)):
		return short
	default:
		return fine
	}
}

// silentAt is when the last result will be too old to say anything.
func (t *checkTally) silentAt() time.Time { return t.last.End().Add(t.patience) }

// awaitedUntil is when, after the window's end, waiting for the check is of no more use: where it could not be measured,
// that may have been for a moment only.
func (t *checkTally) awaitedUntil(end time.Time) time.Time {
	if t.last.Outcome == probe.Error {
		return earlier(t.silentAt(), end.Add(t.patience))
	}
	return t.silentAt()
}

// failing reports whether the check's last run failed.
func (t *checkTally) failing() bool { return t.runs > 0 && t.last.Outcome == probe.Fail }
