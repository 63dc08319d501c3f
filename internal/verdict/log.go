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
	// kindsLimit is how many kinds of errors of one unit's log are told apart. Those beyond change no verdict.
	kindsLimit = 10
)

// LogSeen is what was read of a unit's log, or the news that it cannot be read. Matches count at their own times.
type LogSeen struct {
	Unit       string
	Time       time.Time // when it was read
	Observable bool
	Matches    []probe.Match
}

// logTally is what is known of one unit's log since the deployment, or since the unit was last started by hand.
type logTally struct {
	followed bool // more may come
	from     time.Time
	errors   []probe.Match // the first of each kind, in their order
}

func (t *logTally) fold(seen LogSeen) {
	t.followed = seen.Observable
	for _, m := range seen.Matches {
		if m.Severity == probe.SeverityError && !m.Time.Before(t.from) {
			t.keep(m)
		}
	}
}

// keep takes the first line of its kind: the one that has its text, since in a flood most are told without.
func (t *logTally) keep(m probe.Match) {
	i := slices.IndexFunc(t.errors, func(known probe.Match) bool { return known.Pattern == m.Pattern && known.Module == m.Module })
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

// awaited reports whether the log may yet say what went wrong.
func (t *logTally) awaited() bool { return t.followed && len(t.errors) == 0 }

// missing is the first line that names what is not installed.
func (t *logTally) missing() (line probe.Match, found bool) {
	i := slices.IndexFunc(t.errors, func(m probe.Match) bool { return causeOfLine(m) == MissingDependency })
	if i < 0 {
		return probe.Match{}, false
	}
	return t.errors[i], true
}

// causeOfLine names what a line of severity error says.
func causeOfLine(m probe.Match) Cause {
	switch {
	case m.Module != "", m.Pattern == "missing-module":
		return MissingDependency
	case m.Pattern == "address-in-use":
		return PortInUse
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

// lacks reports whether a unit lacks a module and it shows: its process ends, or what it serves fails. An import that may
// fail is no reason to hurry.
func (v *Verification) lacks(t *unitTally) bool {
	line, missing := t.log.missing()
	if !missing {
		return false
	}
	failing := func(c *checkTally) bool { return c.Critical && c.failing() && c.last.Start.After(line.Time) }
	return t.dying() || t.observable && active(t.now) && slices.ContainsFunc(v.checks, failing)
}
