package verdict

import (
	"fmt"
	"time"

	"postflight/probe"
)

// clues are those in how the unit stands: what killed its process, where systemd says so, and what came of it.
func (t *unitTally) clues(now time.Time) []*clue {
	if t.at.IsZero() || !t.down() && !t.lost(now) && !t.crashLooping() {
		return nil
	}
	var clues []*clue
	add := func(cause Cause, detail string) *clue {
		c := &clue{cause: cause, severity: SeverityError, units: []string{t.name}, detail: detail, diedBefore: t.diedBefore}
		clues = append(clues, c)
		return c
	}
	switch looping := t.crashLooping() || betweenCrashes(t.now); {
	case missing(t.now):
		add(UnitMissing, missingWords(t.now))
	case looping:
		t.addKiller(add)
		c := add(CrashLoop, t.crashWords())
		if t.givenUp(now) {
			_, limit := adviceOn(StartLimitHit)
			c.remedy = limit.hint
			add(StartLimitHit, t.limitWords())
		}
	case t.givenUp(now):
		t.addKiller(add)
		add(StartLimitHit, t.limitWords())
	default:
		t.addKiller(add)
		add(UnitFailed, t.stateWords())
	}
	clues[0].evidence = t.evidence()
	return clues
}

// addKiller adds what ended the unit's last run, where that was not the process itself.
func (t *unitTally) addKiller(add func(Cause, string) *clue) {
	switch t.exit.result {
	case "oom-kill":
		add(OOMKilled, t.exit.String())
	case "watchdog":
		add(Watchdog, t.exit.String())
	}
}

func missingWords(u probe.Unit) string {
	switch u.LoadState {
	case "not-found":
		return "systemd knows no unit of this name"
	case "masked":
		return "the unit is masked"
	default:
		return "systemd cannot load the unit (" + u.LoadState + ")"
	}
}

func (t *unitTally) crashWords() string {
	words := fmt.Sprintf("%s in %v", count(t.restarts(), "automatic restart"), t.at.Sub(t.counted).Round(100*time.Millisecond))
	switch {
	case t.restarts() > 0:
	case !t.looping:
		words = "about to be restarted"
	default:
		words = fmt.Sprintf("%s before the verification began", count(uint64(t.now.NRestarts), "automatic restart"))
	}
	if !t.exit.at.IsZero() {
		words += ", last " + t.exit.String()
	}
	return words
}

func (t *unitTally) limitWords() string {
	words := "its start limit is hit"
	if n := t.now.NRestarts; n > 0 {
		words += " after " + count(uint64(n), "automatic restart")
	}
	if !t.exit.at.IsZero() {
		words += ", last " + t.exit.String()
	}
	return words
}

func (t *unitTally) stateWords() string {
	words := fmt.Sprintf("%s (%s)", t.now.ActiveState, t.now.SubState)
	if !t.failed() {
		words += ", not active"
	}
	if !t.exit.at.IsZero() {
		words += ", last " + t.exit.String()
	}
	return words
}

func (t *unitTally) evidence() []Evidence {
	told := func(at time.Time, format string, args ...any) Evidence {
		return Evidence{Source: "systemd", Time: inDocument(at), Text: t.name + ": " + fmt.Sprintf(format, args...)}
	}
	if missing(t.now) {
		return []Evidence{told(t.at, "LoadState=%s ActiveState=%s", t.now.LoadState, t.now.ActiveState)}
	}
	var all []Evidence
	if !t.exit.at.IsZero() {
		all = append(all, told(t.exit.at, "%s, Result=%s", t.exit, t.exit.result))
	}
	if n := t.restarts(); n > 0 {
		all = append(all, told(t.at, "%s since %s", count(n, "automatic restart"), inDocument(t.counted).Format(time.RFC3339)))
	}
	return append(all, told(t.at, "ActiveState=%s SubState=%s NRestarts=%d", t.now.ActiveState, t.now.SubState, t.now.NRestarts))
}
