package state

import (
	"time"

	"postflight/probe"
)

// sight is what one look at a unit tells of its runs. The zero sight: nobody has looked yet.
type sight struct {
	Start        time.Time `json:"start"`
	End          time.Time `json:"end"`
	BootID       string    `json:"boot,omitempty"`
	NRestarts    uint32    `json:"n_restarts,omitempty"`
	InvocationID string    `json:"invocation,omitempty"`
	AtBoot       bool      `json:"at_boot,omitempty"`
	Ended        bool      `json:"ended,omitempty"`  // the run has
	Failed       bool      `json:"failed,omitempty"` // and systemd will not start it again
}

func sightOf(r probe.Result) sight {
	u := r.Unit
	return sight{
		Start: r.Start, End: r.End(), BootID: u.BootID, NRestarts: u.NRestarts, InvocationID: u.InvocationID, AtBoot: u.AtBoot,
		Ended: ended(u), Failed: u.ActiveState == "failed" && !betweenCrashes(u),
	}
}

// ended reports whether the unit's run is over.
func ended(u *probe.Unit) bool {
	return u.ActiveState == "failed" || u.ActiveState == "inactive" || betweenCrashes(u)
}

func (s sight) isZero() bool { return s.End.IsZero() }

// has reports whether what the look tells includes an event. Of one that happened while it was being made its own
// words tell; where they do not, it counts as not included, and the next reading will.
func (s sight) has(e probe.UnitEvent) bool {
	switch {
	case !e.Time.After(s.Start):
		return true
	case e.Time.After(s.End):
		return false
	case e.Kind == probe.RestartScheduled:
		return e.NRestarts <= s.NRestarts
	case e.Kind == probe.UnitStarted || e.Kind == probe.StartFailed:
		return e.InvocationID == s.InvocationID
	default:
		return false
	}
}

// sameBoot reports whether two ids are of the same run of the machine, as far as they are known.
func sameBoot(a, b string) bool { return a == b || a == "" || b == "" }
