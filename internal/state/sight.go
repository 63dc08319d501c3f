package state

import (
	"time"

	"postflight/probe"
)

// sight is what one look at a unit tells of its runs, as it was at some time from Start to End. The zero sight: nobody has
// looked yet.
type sight struct {
	Start        time.Time `json:"start"`
	End          time.Time `json:"end"`
	BootID       string    `json:"boot,omitempty"`
	NRestarts    uint32    `json:"n_restarts,omitempty"`
	InvocationID string    `json:"invocation,omitempty"`
	AtBoot       bool      `json:"at_boot,omitempty"`
	Ended        bool      `json:"ended,omitempty"`   // the run has
	Failed       bool      `json:"failed,omitempty"`  // and systemd will not start it again
	Waiting      bool      `json:"waiting,omitempty"` // or will
	Due          bool      `json:"due,omitempty"`     // which NRestarts includes already
}

func sightOf(r probe.Result) sight {
	u := r.Unit
	s := sight{
		Start: r.Start, End: r.End(), BootID: u.BootID, NRestarts: u.NRestarts, InvocationID: u.InvocationID, AtBoot: u.AtBoot,
		Ended: ended(u), Failed: u.ActiveState == "failed" && !betweenCrashes(u), Waiting: betweenCrashes(u),
	}
	if !u.Changed.IsZero() {
		s.Start, s.End = u.Changed, u.Changed
	}
	return s
}

// ended reports whether the unit's run is over.
func ended(u *probe.Unit) bool {
	return u.ActiveState == "failed" || u.ActiveState == "inactive" || betweenCrashes(u)
}

func (s sight) isZero() bool { return s.End.IsZero() }

// has reports whether what the look tells includes an event. Of the run that it shows its own words tell. Another run that
// there was an entry of while the look was made, was before.
func (s sight) has(e probe.UnitEvent) bool {
	switch {
	case !e.Time.After(s.Start):
		return true
	case e.Kind == probe.RestartScheduled:
		return e.NRestarts <= s.NRestarts && (s.Due && s.shows(e) || !e.Time.After(s.End))
	case e.Time.After(s.End):
		return false
	case e.Kind == probe.UnitFailed || e.Kind == probe.ProcessExited:
		return s.Ended || !s.shows(e)
	default:
		return true
	}
}

// shows reports whether an event is about the run that is shown.
func (s sight) shows(e probe.UnitEvent) bool {
	return e.InvocationID != "" && e.InvocationID == s.InvocationID
}

// sameBoot reports whether two ids are of the same run of the machine, as far as they are known.
func sameBoot(a, b string) bool { return a == b || a == "" || b == "" }
