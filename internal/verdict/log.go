package verdict

import (
	"slices"
	"time"

	"postflight/probe"
)

const (
	// wordOfLog is how long a crash loop waits for its unit's log to say why: what is read of it comes a little later than
	// what systemd tells, and who begins to read in the middle of a loop has missed the line of the last crash.
	wordOfLog = 3 * time.Second
	// shortlyBefore is how long before the deployment an error of the log must lie at most to say that it is not the release's.
	shortlyBefore = 10 * time.Minute
	// kindsLimit is how many kinds of errors of one unit's log are told apart. Those beyond change no verdict.
	kindsLimit = 10
)

// LogSeen is what was read of a unit's log, or the news that it cannot be read. Matches count at their own times.
type LogSeen struct {
	Unit       string
	Time       time.Time // when it was read
	Observable bool
	Why        string // where it is not: in words
	Matches    []probe.Match
}

// logTally is what is known of one unit's log since the deployment, or since the unit was last started by hand.
type logTally struct {
	followed bool   // more may come
	why      string // where it cannot be read
	from     time.Time
	errors   []probe.Match // the first of each kind, in their order
}

func (t *logTally) fold(seen LogSeen) {
	t.followed, t.why = seen.Observable, seen.Why
	for _, m := range seen.Matches {
		if m.Severity == probe.SeverityError && !m.Time.Before(t.from) {
			t.keep(m)
		}
	}
}

// keep takes the first line of its kind: the one that has its text, since in a flood most are told without.
func (t *logTally) keep(m probe.Match) {
	i := slices.IndexFunc(t.errors, func(known probe.Match) bool { return sameError(known, m) })
	switch {
	case i >= 0 && t.errors[i].Text == "":
		t.errors[i] = m
	case i < 0 && len(t.errors) < kindsLimit:
		t.errors = append(t.errors, m)
	}
}

// beginAnew forgets what was written before the unit was started by hand: it was another run of the service.
func (t *logTally) beginAnew(at time.Time) {
	t.from = at
	t.errors = slices.DeleteFunc(t.errors, func(m probe.Match) bool { return m.Time.Before(at) })
}

// Logged are the errors in each unit's log, as far as they count.
func (v *Verification) Logged() map[string][]probe.Match {
	errors := map[string][]probe.Match{}
	for _, t := range v.units {
		if len(t.log.errors) > 0 {
			errors[t.name] = slices.Clone(t.log.errors)
		}
	}
	return errors
}

// awaited reports whether the log may yet say what went wrong.
func (t *logTally) awaited() bool { return t.followed && len(t.errors) == 0 }

// sameError reports whether two lines say the same. One without its text may say what the other does.
func sameError(a, b probe.Match) bool {
	return a.Pattern == b.Pattern && a.Module == b.Module && (a.Text == "" || b.Text == "" || causeOfLine(a) == causeOfLine(b))
}

// logged reports whether the same error was logged shortly before the deployment.
func (p Plan) logged(m probe.Match) bool {
	return slices.ContainsFunc(p.LogBefore, func(before probe.Match) bool {
		ago := p.began().Sub(before.Time)
		return before.Severity == probe.SeverityError && ago > 0 && ago <= shortlyBefore && sameError(before, m)
	})
}

// causeOfLine names what a line of severity error says.
func causeOfLine(m probe.Match) Cause {
	switch {
	case m.Module != "", m.Pattern == "missing-module":
		return MissingDependency
	case m.Pattern == "address-in-use":
		return PortInUse
	case m.Pattern == "db-session-error" && lacksDatabase(m.Text):
		return DatabaseUnreachable
	default:
		return LogErrors
	}
}

// logged is what the logs say in the end. An error in one is never taken back, but what else goes wrong is waited for.
func (v *Verification) logged() standing {
	if slices.ContainsFunc(v.units, func(t *unitTally) bool { return len(t.log.errors) > 0 }) {
		return broken
	}
	return fine
}

// lacks reports whether a unit lacks a module that it did not lack before, and it shows: its process ends, or what it serves
// fails. An import that may fail is no reason to hurry.
func (v *Verification) lacks(t *unitTally) bool {
	i := slices.IndexFunc(t.log.errors, func(m probe.Match) bool { return causeOfLine(m) == MissingDependency && !v.plan.logged(m) })
	if i < 0 {
		return false
	}
	written := t.log.errors[i].Time
	failing := func(c *checkTally) bool { return c.Critical && c.failing() && c.last.Start.After(written) }
	return t.dying() || t.observable && active(t.now) && slices.ContainsFunc(v.checks, failing)
}
