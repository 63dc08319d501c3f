package verdict

import (
	"cmp"
	"slices"

	"postflight/probe"
)

// linesLimit is how many lines of logs are shown for one finding. A traceback's last lines tell the most.
const linesLimit, linesBefore = 20, 9

// logClues are the errors in logs. Of what led up to them the first of each cause is told.
func (v *Verification) logClues() []*clue {
	var clues []*clue
	told := map[Cause]bool{}
	for _, t := range v.units {
		for _, m := range t.log.errors {
			c := &clue{cause: causeOfLine(m), severity: SeverityError, units: []string{t.name}, preexisting: v.plan.logged(m)}
			switch c.cause {
			case MissingDependency:
				c.detail, c.remedy = dependencyWords(m)
			case DatabaseUnreachable:
				c.detail = "as the log of " + t.name + " says"
			case LogErrors:
				c.detail = m.Pattern
			}
			c.lines = linesOf(m, !told[c.cause])
			told[c.cause] = true
			clues = append(clues, c)
		}
	}
	return clues
}

// linesOf are the lines that show a match, with those that led up to it or without.
func linesOf(m probe.Match, whole bool) []Evidence {
	var lines []string
	if whole {
		lines = slices.Clone(m.Before[max(0, len(m.Before)-linesBefore):])
	}
	lines = append(lines, cmp.Or(m.Text, "a line of the pattern "+m.Pattern))
	var all []Evidence
	for _, line := range lines {
		all = append(all, Evidence{Source: "journal", Time: inDocument(m.Time), Text: line})
	}
	return all
}
