package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"postflight/probe"
)

const (
	// evidenceLimit is how much is shown for one finding. The document lists all checks and units anyway.
	evidenceLimit = 10
	// linesLimit is how many lines of logs are shown beside that. A traceback's last lines tell the most.
	linesLimit, linesBefore = 20, 9
)

// clue is all that points to one cause.
type clue struct {
	cause   Cause
	units   []string
	checks  []string
	targets []string

	detail, wanted, got string // the first one's
	remedy              string // where the cause's hint is not enough; likewise
	gateway             bool   // a WrongStatus that a proxy gives when its backend is not there

	lines    []Evidence // of logs
	evidence []Evidence
}

// diagnose names what went wrong, the most specific first, and folds under each what it explains.
func diagnose(units []*unitTally, checks []*checkTally, now time.Time) []Finding {
	clues := unitClues(units, now)
	serviceDown := len(clues) > 0
	clues = append(clues, logClues(units)...)
	clues = append(clues, checkClues(checks)...)
	if serviceDown {
		clues = append(clues, fallout(clues, checks)...)
	}
	if len(clues) > 0 {
		clues = append(clues, credentialClues(checks)...)
	}
	return findings(merge(clues))
}

func unitClues(units []*unitTally, now time.Time) []*clue {
	var clues []*clue
	for _, t := range units {
		if t.at.IsZero() || !t.down() && !t.lost(now) && !t.crashLooping() {
			continue
		}
		c := &clue{units: []string{t.name}}
		switch {
		case missing(t.now):
			c.cause, c.detail = UnitMissing, missingWords(t.now)
		case t.crashLooping() || betweenCrashes(t.now):
			c.cause, c.detail = CrashLoop, t.crashWords()
		default:
			c.cause, c.detail = UnitFailed, t.stateWords()
		}
		c.evidence = t.evidence()
		clues = append(clues, c)
	}
	return clues
}

// logClues are the errors in logs. Of what led up to them the first of each cause is told.
func logClues(units []*unitTally) []*clue {
	var clues []*clue
	told := map[Cause]bool{}
	for _, t := range units {
		for _, m := range t.log.errors {
			c := &clue{cause: causeOfLine(m), units: []string{t.name}}
			switch c.cause {
			case MissingDependency:
				c.detail, c.remedy = dependencyWords(m)
			case LogErrors:
				c.detail = m.Pattern
			}
			var lines []string
			if !told[c.cause] {
				lines = slices.Clone(m.Before[max(0, len(m.Before)-linesBefore):])
			}
			lines = append(lines, cmp.Or(m.Text, "a line of the pattern "+m.Pattern))
			for _, line := range lines {
				c.lines = append(c.lines, Evidence{Source: "journal", Time: inDocument(m.Time), Text: line})
			}
			told[c.cause] = true
			clues = append(clues, c)
		}
	}
	return clues
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

// checkClues are those of the critical checks that fail now.
func checkClues(checks []*checkTally) []*clue {
	var clues []*clue
	for _, t := range checks {
		if t.Critical && t.failing() {
			clues = append(clues, clueOf(t.last))
		}
	}
	return clues
}

// fallout are the failures, past by now, that a unit accounts for: between two crashes all may look well.
func fallout(units []*clue, checks []*checkTally) []*clue {
	var clues []*clue
	for _, t := range checks {
		if !t.Critical || t.failing() || t.failure.Outcome != probe.Fail {
			continue
		}
		past := clueOf(t.failure)
		if slices.ContainsFunc(units, func(u *clue) bool { return explains(u, past) }) {
			clues = append(clues, past)
		}
	}
	return clues
}

// credentialClues stand only beside others: what our own credentials cause is not the release's fault.
func credentialClues(checks []*checkTally) []*clue {
	var clues []*clue
	for _, t := range checks {
		if t.Critical && t.runs > 0 && t.last.Outcome == probe.Error && t.last.Reason == probe.ReasonCredentials {
			clues = append(clues, clueOf(t.last))
		}
	}
	return clues
}

func clueOf(r probe.Result) *clue {
	return &clue{
		cause:   causeOf(r),
		checks:  []string{r.Key.Check},
		targets: []string{r.Key.Target},
		wanted:  r.Wanted,
		got:     r.Got,
		gateway: fromGateway(r),
		evidence: []Evidence{{
			Source: "http",
			Time:   inDocument(r.End()),
			Text:   fmt.Sprintf("%s at %s: wanted %s, got %s", r.Key.Check, r.Key.Target, r.Wanted, r.Got),
		}},
	}
}

// merge makes one clue a cause, in the order of the causes.
func merge(clues []*clue) []*clue {
	byCause := map[Cause]*clue{}
	var merged []*clue
	for _, c := range clues {
		m, known := byCause[c.cause]
		if !known {
			byCause[c.cause] = c
			merged = append(merged, c)
			continue
		}
		m.units = addNew(m.units, c.units)
		m.checks = addNew(m.checks, c.checks)
		m.targets = addNew(m.targets, c.targets)
		m.gateway = m.gateway && c.gateway
		m.lines = append(m.lines, c.lines...)
		m.evidence = append(m.evidence, c.evidence...)
	}
	slices.SortStableFunc(merged, func(a, b *clue) int {
		first, _ := adviceOn(a.cause)
		second, _ := adviceOn(b.cause)
		return cmp.Compare(first, second)
	})
	return merged
}

func addNew(to, names []string) []string {
	for _, name := range names {
		if !slices.Contains(to, name) {
			to = append(to, name)
		}
	}
	return to
}

// findings folds each clue under the first one that explains it. What is explained keeps its evidence there.
func findings(clues []*clue) []Finding {
	var all []Finding
	var of []*clue // the clue that each is of
	for _, c := range clues {
		if i := slices.IndexFunc(of, func(other *clue) bool { return explains(other, c) }); i >= 0 {
			all[i].Explains = append(all[i].Explains, Explained{Cause: c.cause, Summary: c.summary()})
			of[i].evidence = append(of[i].evidence, c.evidence...)
			continue
		}
		all = append(all, Finding{
			Cause:    c.cause,
			Summary:  c.summary(),
			Hint:     c.hint(),
			Severity: SeverityError,
			Explains: []Explained{},
		})
		of = append(of, c)
	}
	for i, c := range of {
		all[i].Evidence = slices.Concat(
			c.lines[:min(len(c.lines), linesLimit)], c.evidence[:min(len(c.evidence), evidenceLimit)])
	}
	return all
}

func (c *clue) summary() string {
	_, advice := adviceOn(c.cause)
	return c.fill(advice.summary)
}

func (c *clue) hint() string {
	_, advice := adviceOn(c.cause)
	return c.fill(cmp.Or(c.remedy, advice.hint))
}

func (c *clue) fill(template string) string {
	unit := ""
	if len(c.units) > 0 {
		unit = c.units[0]
	}
	return oneLine(strings.NewReplacer(
		"{units}", list(c.units), "{unit}", unit, "{checks}", list(c.checks), "{targets}", list(c.targets),
		"{detail}", c.detail, "{wanted}", c.wanted, "{got}", c.got,
	).Replace(template))
}
