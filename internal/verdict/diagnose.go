package verdict

import (
	"cmp"
	"slices"
)

// evidenceLimit is how much is shown for one finding. The document lists all checks and units anyway.
const evidenceLimit = 10

// diagnose names what is wrong, the most specific first, and folds under each what it explains. What was wrong before comes
// after what is new, and what there is only to warn of comes last.
func (v *Verification) diagnose() []Finding {
	var clues []*clue
	for _, t := range v.units {
		clues = append(clues, t.clues(v.now)...)
	}
	dead := slices.Clone(clues)
	clues = append(clues, v.logClues()...)
	for _, t := range v.checks {
		clues = append(clues, t.clues(v.plan.Policy)...)
	}
	clues = append(clues, fallout(dead, v.checks)...)
	if slices.ContainsFunc(clues, func(c *clue) bool { return c.severity == SeverityError }) {
		clues = append(clues, credentialClues(v.checks)...)
	}
	slices.SortStableFunc(clues, byCause)
	raise(clues)
	tellWhatIsNew(clues)
	return findings(merge(clues))
}

// byCause orders clues so that those that explain come before those that are explained.
func byCause(a, b *clue) int {
	first, _ := adviceOn(a.cause)
	second, _ := adviceOn(b.cause)
	return cmp.Compare(first, second)
}

// raise makes an error of each warning of a database that explains one, or that is an error elsewhere.
func raise(clues []*clue) {
	for _, c := range clues {
		fails := func(other *clue) bool {
			return other.severity == SeverityError && (other.cause == DatabaseUnreachable || c.explains(other))
		}
		if c.cause == DatabaseUnreachable && slices.ContainsFunc(clues, fails) {
			c.severity = SeverityError
		}
	}
}

// tellWhatIsNew settles what was there before the deployment, beyond what each clue knows by itself: what did no harm before
// is new where a process dies or falls silent of it now, a database that was away is away for all, and what was there before makes all that it
// explains as old.
func tellWhatIsNew(clues []*clue) {
	away, worse := false, false
	for i, c := range clues {
		dies := func(other *clue) bool { return other.isDeath() && !other.diedBefore && c.explains(other) }
		harms := slices.ContainsFunc(clues[i+1:], dies) || c.silences(clues)
		c.preexisting = c.preexisting && !harms
		if c.cause == DatabaseUnreachable {
			away, worse = away || c.preexisting, worse || harms || c.wasWell
		}
	}
	for i, c := range clues {
		if c.cause == DatabaseUnreachable {
			c.preexisting = away && !worse
		}
		if !c.preexisting {
			continue
		}
		for _, other := range clues[i+1:] {
			other.preexisting = other.preexisting || c.explains(other)
		}
	}
}

// silences reports whether c is all that may account for a check that gets no answer any more: no process died, and nothing
// else is new.
func (c *clue) silences(clues []*clue) bool {
	silent := func(other *clue) bool {
		return other.silent && other.severity == SeverityError && !other.preexisting && c.explains(other)
	}
	accounts := func(other *clue) bool {
		return other.isDeath() || other != c && !other.preexisting && other.severity == SeverityError && !other.silent
	}
	return c.cause != DatabaseUnreachable && slices.ContainsFunc(clues, silent) && !slices.ContainsFunc(clues, accounts)
}

// merge makes one clue of those to the same cause, unless they differ in what they mean: errors come before warnings, what is
// new before what is old.
func merge(clues []*clue) []*clue {
	var merged []*clue
	for _, c := range clues {
		i := slices.IndexFunc(merged, func(m *clue) bool {
			return m.cause == c.cause && m.severity == c.severity && m.preexisting == c.preexisting
		})
		if i < 0 {
			merged = append(merged, c)
			continue
		}
		merged[i].add(c)
	}
	slices.SortStableFunc(merged, func(a, b *clue) int { return cmp.Compare(a.rank(), b.rank()) })
	return merged
}

// findings folds each clue under the one that explains it in the end. What is explained keeps its evidence there.
func findings(clues []*clue) []Finding {
	var all []Finding
	var of []*clue // the clue that each finding is of
	in := make([]int, len(clues))
	for i, c := range clues {
		if by := slices.IndexFunc(clues[:i], func(other *clue) bool { return other.explains(c) }); by >= 0 {
			in[i] = in[by]
			all[in[i]].Explains = append(all[in[i]].Explains, Explained{Cause: c.cause, Summary: c.summary()})
			of[in[i]].evidence = addNew(of[in[i]].evidence, c.evidence)
			continue
		}
		in[i] = len(all)
		of = append(of, c)
		all = append(all, Finding{
			Cause: c.cause, Summary: c.summary(), Hint: c.hint(), Severity: c.severity, Preexisting: c.preexisting,
			Explains: []Explained{},
		})
	}
	for i, c := range of {
		all[i].Evidence = slices.Concat(
			c.lines[:min(len(c.lines), linesLimit)], c.evidence[:min(len(c.evidence), evidenceLimit)])
	}
	return all
}

// onlyPreexisting reports whether all that fails a deployment failed before it, too.
func onlyPreexisting(findings []Finding) bool {
	news := func(f Finding) bool { return f.Severity == SeverityError && !f.Preexisting }
	return !slices.ContainsFunc(findings, news)
}
