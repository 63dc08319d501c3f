package verdict

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"postflight/internal/latency"
	"postflight/probe"
)

// Plan is what a verification is told at its start. It pins the checks and units: what is configured later does not
// change a verification that runs.
type Plan struct {
	ID      string
	Service string
	Release string // empty where it is not known
	Source  Source
	Policy  Policy
	Checks  []PlannedCheck
	Units   []string
	Logs    bool      // of the units are followed
	Unseen  string    // why there may be targets that are not known, in words; empty: all of them are
	Start   time.Time // of the deployment; what was seen before it says nothing about it

	Began      time.Time // where postflight was stopped in between, and Start is when it looked again; zero: at Start
	Notes      []string  // what whoever reads the verdict has to know, such as that
	RollbackOf string    // the id of the verification whose rollback is verified; empty: this is a deployment of its own

	// LogBefore are the newest errors in the units' logs from before the deployment: what goes on is not the release's fault.
	LogBefore []probe.Match
	// LogFrom is since when a unit's log is of the deployed release, where that was started before Start.
	LogFrom map[string]time.Time
}

// Source says who told of a deployment.
type Source = string

// The sources.
const (
	API      Source = "api"
	CLI      Source = "cli"
	Detected Source = "detected" // nobody told: the unit was started by hand, or another release was seen
)

// PlannedCheck is a check that takes part.
type PlannedCheck struct {
	probe.Check
	MinInterval time.Duration // never run more often than this; 0: no limit
	Timeout     time.Duration // of one run; a check that is silent for much longer has not been looked at

	Before   *probe.Result   // the last one from before the deployment; nil: none is known
	Baseline latency.Summary // of the requests before the deployment
}

// rare is the minimal interval beyond which one pass is as many as a window can hold.
const rare = 5 * time.Second

// consecutive is how many passes in a row the check must end with.
func (c PlannedCheck) consecutive(p Policy) int {
	if c.MinInterval > rare {
		return 1
	}
	return p.Consecutive
}

// patience is how old the check's last result may be: one run may be late or skipped, two may not.
func (c PlannedCheck) patience(p Policy) time.Duration {
	return 2 * (max(p.Interval, c.MinInterval) + c.Timeout)
}

// turn is how long a pass holds: until the next one is due. A check with a minimal interval of its own begins up to one
// interval later than it might, and is not waited for because of that.
func (c PlannedCheck) turn(p Policy) time.Duration {
	if c.MinInterval <= p.Interval {
		return p.Interval
	}
	return c.MinInterval + p.Interval
}

// UnitSeen is one reading of a unit, or the news that it cannot be read.
type UnitSeen struct {
	Unit    string
	Time    time.Time
	Reading *probe.Unit // nil: it could not be observed
	Why     string      // where it could not: in words for people

	// Since postflight first knew the unit. Both only grow.
	Restarts     uint64 // automatic ones
	ManualStarts uint64

	Known bool // from before the deployment: where to count from, and no proof of a crash loop
}

// began is when the deployment began, though postflight may have been stopped since.
func (p Plan) began() time.Time {
	if p.Began.IsZero() {
		return p.Start
	}
	return p.Began
}

func (p Plan) validate() error {
	if err := p.Policy.Validate(); err != nil {
		return err
	}
	for _, c := range p.Checks {
		if c.Timeout <= 0 {
			return fmt.Errorf("check %s of %s has no timeout", c.Key.Check, c.Key.Target)
		}
	}
	switch {
	case p.decidable() || p.Unseen != "":
		return nil
	case len(p.Checks) == 0:
		return errors.New("nothing to verify: no target to check, and no unit")
	default:
		return errors.New("nothing decides the verdict: no check is critical and there are no units")
	}
}

// decidable reports whether there is anything that decides.
func (p Plan) decidable() bool {
	return len(p.Units) > 0 || slices.ContainsFunc(p.Checks, func(c PlannedCheck) bool { return c.Critical })
}
