package state

import (
	"time"

	"postflight/probe"
)

// sight is what one look at a unit tells of its runs, as it was at some moment from Start to End. The zero sight: nobody
// has looked yet.
type sight struct {
	Start        time.Time `json:"start"`
	End          time.Time `json:"end"`
	BootID       string    `json:"boot,omitempty"`
	NRestarts    uint32    `json:"n_restarts,omitempty"`
	InvocationID string    `json:"invocation,omitempty"`
	AtBoot       bool      `json:"at_boot,omitempty"`
	Result       string    `json:"result,omitempty"`
	Ended        bool      `json:"ended,omitempty"`   // the run has
	Failed       bool      `json:"failed,omitempty"`  // and systemd will not start it again
	Waiting      bool      `json:"waiting,omitempty"` // or will
	Due          bool      `json:"due,omitempty"`     // which is counted already
}

func sightOf(r probe.Result) sight {
	u := r.Unit
	s := sight{
		Start: r.Start, End: r.End(), BootID: u.BootID, NRestarts: u.NRestarts, InvocationID: u.InvocationID, AtBoot: u.AtBoot,
		Result: u.Result, Ended: ended(u), Failed: u.ActiveState == "failed" && ended(u) && !betweenCrashes(u), Waiting: betweenCrashes(u),
	}
	if !u.Changed.IsZero() && u.Changed.Before(s.Start) {
		s.Start = u.Changed
	}
	return s
}

// after is the sight given an earlier one: things were then as that shows them, or later.
func (s sight) after(earlier sight) sight {
	if earlier.Start.After(s.Start) && !earlier.Start.After(s.End) {
		s.Start = earlier.Start
	}
	return s
}

// ended reports whether the unit's run is over.
func ended(u *probe.Unit) bool {
	return (u.ActiveState == "failed" || u.ActiveState == "inactive") && !begins(u) || betweenCrashes(u)
}

// begins reports whether the unit's run has no process yet: then it has its invocation, and the state is that of before.
func begins(u *probe.Unit) bool {
	return u.InvocationID != "" && u.Result == "success" && u.ExecMainExit.IsZero()
}

func (s sight) isZero() bool { return s.End.IsZero() }

// has reports whether what the look tells includes an event. The start of the run that it shows it does, though systemd writes
// of that once it has succeeded. Of another event of that run, and while the look was being made, its own words tell; one about
// another run came after it.
func (s sight) has(e probe.UnitEvent) bool {
	switch {
	case s.shows(e) && e.Kind == probe.UnitStarted, !e.Time.After(s.Start):
		return true
	case e.Time.After(s.End) || !s.shows(e):
		return false
	}
	switch e.Kind {
	case probe.RestartScheduled:
		return s.Ended && s.Due == s.Waiting && e.NRestarts <= s.NRestarts
	case probe.StartFailed:
		return s.Failed
	default:
		return s.Ended
	}
}

// shows reports whether an event is about the run that is shown.
func (s sight) shows(e probe.UnitEvent) bool {
	return e.InvocationID != "" && e.InvocationID == s.InvocationID
}

// sameBoot reports whether two ids are of the same run of the machine, as far as they are known.
func sameBoot(a, b string) bool { return a == b || a == "" || b == "" }
