package verdict

import (
	"time"

	"postflight/probe"
)

// standing is what one check or unit says to the question whether all is well now. The greatest of all counts.
type standing uint8

const (
	fine   standing = iota
	short           // passing, but not yet often enough in a row
	unseen          // not looked at, or it could not be
	broken
)

// checkTally is what is known of one check since the verification, or the unit, last started.
type checkTally struct {
	PlannedCheck
	need     int
	patience time.Duration

	runs, passes, streak int
	last                 probe.Result // of runs > 0
	failure              probe.Result // the newest with Outcome Fail; zero: none
}

func newCheckTally(c PlannedCheck, p Policy) *checkTally {
	return &checkTally{PlannedCheck: c, need: c.consecutive(p), patience: c.patience(p)}
}

func (t *checkTally) fold(r probe.Result) {
	t.runs++
	t.last = r
	if r.Outcome.Up() {
		t.passes++
		t.streak++
		return
	}
	t.streak = 0
	if r.Outcome == probe.Fail {
		t.failure = r
	}
}

// forget starts the check's tally anew.
func (t *checkTally) forget() {
	*t = checkTally{PlannedCheck: t.PlannedCheck, need: t.need, patience: t.patience}
}

func (t *checkTally) standing(now time.Time) standing {
	switch {
	case t.runs == 0 || !now.Before(t.silentAt()):
		return unseen
	case t.last.Outcome == probe.Fail:
		return broken
	case t.last.Outcome == probe.Error:
		return unseen
	case t.streak < t.need:
		return short
	default:
		return fine
	}
}

// silentAt is when the last result will be too old to say anything.
func (t *checkTally) silentAt() time.Time { return t.last.End().Add(t.patience) }

// failing reports whether the check's last run failed.
func (t *checkTally) failing() bool { return t.runs > 0 && t.last.Outcome == probe.Fail }
