package verdict

import (
	"fmt"
	"slices"
	"time"
)

// Document is all that there is to tell of a verification: the one form for JSON, events and reports.
type Document struct {
	ID        string    `json:"id"`
	Service   string    `json:"service"`
	Release   string    `json:"release"`
	Source    Source    `json:"source"`
	StartedAt time.Time `json:"started_at"`
	DecidedAt time.Time `json:"decided_at,omitzero"`
	State     State     `json:"state"`
	Verdict   State     `json:"verdict"`          // empty until it is decided, then as State
	Reason    Reason    `json:"reason"`           // of an inconclusive one
	Until     time.Time `json:"until,omitzero"`   // when time alone ends an undecided state
	Unseen    string    `json:"unseen,omitempty"` // why there may be targets that are not known
	Notes     []string  `json:"notes,omitempty"`  // what else whoever reads it has to know
	Causes    []Finding `json:"causes"`           // errors, the most specific first, and then warnings
	Checks    []Check   `json:"checks"`
	Units     []Unit    `json:"units"`
	Rollback  Rollback  `json:"rollback"`

	RollbackOf string `json:"rollback_of,omitempty"` // the id of the verification whose rollback this one verifies
}

// Finding is one thing that went wrong, what it was seen in, and what to do.
type Finding struct {
	Cause       Cause       `json:"cause"`
	Summary     string      `json:"summary"`
	Hint        string      `json:"hint"`
	Severity    Severity    `json:"severity"`
	Preexisting bool        `json:"preexisting"` // it was so before the deployment
	Evidence    []Evidence  `json:"evidence"`
	Explains    []Explained `json:"explains"`
}

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // a deployment does not pass with it
	SeverityWarning Severity = "warning" // it decides nothing
)

// Explained is what would have been a finding of its own, had not another one explained it.
type Explained struct {
	Cause   Cause  `json:"cause"`
	Summary string `json:"summary"`
}

// Evidence is what a finding was seen in.
type Evidence struct {
	Source string    `json:"source"` // http, systemd or journal
	Time   time.Time `json:"time"`
	Text   string    `json:"text"`
}

// Check is how one check stands.
type Check struct {
	Check   string `json:"check"`
	Target  string `json:"target"`
	Outcome string `json:"outcome"` // of the last run; empty: it has not run
	Reason  string `json:"reason"`
	Runs    int    `json:"runs"`
	Passes  int    `json:"passes"` // warnings included
	Wanted  string `json:"wanted"`
	Got     string `json:"got"`

	Critical bool `json:"critical"` // it decides
}

// Unit is how one unit stands.
type Unit struct {
	Unit     string `json:"unit"`
	Restarts uint64 `json:"restarts"` // automatic ones, seen by this verification
	State    string `json:"state"`    // systemd's ActiveState, not-found, masked …, or unobservable
	Why      string `json:"why,omitempty"`
}

// Rollback is what became of the rollback after a failed verdict.
type Rollback struct {
	State        RollbackState `json:"state"`
	Hook         string        `json:"hook,omitempty"` // what runs
	StartedAt    time.Time     `json:"started_at,omitzero"`
	EndedAt      time.Time     `json:"ended_at,omitzero"`
	Problem      string        `json:"problem,omitempty"`      // of the hook; empty: it did what it should, or still runs
	Output       string        `json:"output,omitempty"`       // the last 64 KiB of what it printed
	Verification string        `json:"verification,omitempty"` // the id of the one that verifies it
}

// RollbackState says how far a rollback is.
type RollbackState string

// The states of a rollback.
const (
	NoRollback          RollbackState = "none"
	RollbackRunning     RollbackState = "running"     // the hook, and then the verification after it
	RollbackSucceeded   RollbackState = "succeeded"   // the hook did what it should, and the service passed afterwards
	RollbackFailed      RollbackState = "failed"      // one of them did not
	RollbackInterrupted RollbackState = "interrupted" // postflight was stopped meanwhile; it is not run twice
)

// inDocument is a time as documents tell it: UTC, and no finer than anybody needs.
func inDocument(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func (v *Verification) document() Document {
	d := Document{
		ID:        v.plan.ID,
		Service:   v.plan.Service,
		Release:   v.plan.Release,
		Source:    v.plan.Source,
		StartedAt: inDocument(v.plan.began()),
		State:     v.state,
		Reason:    v.reason,
		Unseen:    v.plan.Unseen,
		Notes:     v.plan.Notes,
		Causes:    append([]Finding{}, v.findings...),
		Checks:    []Check{},
		Units:     []Unit{},
		Rollback:  Rollback{State: NoRollback},

		RollbackOf: v.plan.RollbackOf,
	}
	if v.state.Decided() {
		d.DecidedAt, d.Verdict = inDocument(v.decided), v.state
	} else {
		d.Until = inDocument(v.until())
	}
	for _, t := range v.checks {
		d.Checks = append(d.Checks, t.document())
	}
	for _, note := range v.unreadLogs() {
		if !slices.Contains(d.Notes, note) { // as where it was taken up again
			d.Notes = append(slices.Clip(d.Notes), note)
		}
	}
	for _, t := range v.units {
		d.Units = append(d.Units, Unit{Unit: t.name, Restarts: t.restarts(), State: t.state(), Why: t.why})
	}
	return d
}

// unreadLogs says which logs could not be read: they decide nothing, but nobody has seen that there are no errors in them.
func (v *Verification) unreadLogs() []string {
	var notes []string
	for _, t := range v.units {
		if t.log.why != "" {
			notes = append(notes, fmt.Sprintf("the log of %s cannot be read, and errors in it are not seen: %s", t.name, t.log.why))
		}
	}
	return notes
}

func (t *checkTally) document() Check {
	c := Check{Check: t.Key.Check, Target: t.Key.Target, Runs: t.runs, Passes: t.passes, Critical: t.Critical}
	if t.runs > 0 {
		c.Outcome, c.Reason = t.last.Outcome.String(), string(t.last.Reason)
		c.Wanted, c.Got = t.last.Wanted, t.last.Got
	}
	return c
}
