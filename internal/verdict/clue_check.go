package verdict

import (
	"fmt"
	"slices"
	"time"

	"postflight/internal/latency"
	"postflight/probe"
)

// What it takes to call a check slower than before.
const (
	enoughSamples = 20                     // on both sides
	leastSlowdown = 100 * time.Millisecond // less nobody notices
)

// clues are those in the check's last result, and in how long its requests took.
func (t *checkTally) clues(p Policy) []*clue {
	if t.runs == 0 {
		return nil
	}
	clues, before := symptoms(t.last), t.before()
	worse := t.failing() && t.Before != nil && t.Before.Outcome != probe.Fail
	mended := hasCause(before, DatabaseUnreachable) && !hasCause(clues, DatabaseUnreachable)
	for _, c := range clues {
		c.severity = SeverityWarning
		if t.Critical && t.failing() && c.cause != CacheDown {
			c.severity = SeverityError
		}
		c.wasWell = t.failing() && t.Before != nil && t.Before.Outcome == probe.Pass
		c.preexisting = hasCause(before, c.cause) && !mended && (!worse || c.cause == DatabaseUnreachable)
	}
	if now := t.latencies.Summary(); slower(now, t.Baseline, p.MaxSlowdown) {
		clues = append(clues, t.slowClue(now, p.MaxSlowdown))
	}
	return clues
}

// before are the clues in the check's last result from before the deployment.
func (t *checkTally) before() []*clue {
	if t.Before == nil {
		return nil
	}
	return symptoms(*t.Before)
}

// slower reports whether requests have become so much slower that it is worth a warning.
func slower(now, before latency.Summary, most float64) bool {
	return most > 0 && min(now.Count, before.Count) >= enoughSamples &&
		float64(now.P95) > most*float64(before.P95) && now.P95-before.P95 >= leastSlowdown
}

func (t *checkTally) slowClue(now latency.Summary, most float64) *clue {
	figures := func(s latency.Summary) string {
		return fmt.Sprintf("%v (%d requests)", max(time.Millisecond, s.P95.Round(time.Millisecond)), s.Count)
	}
	c := clueOf(t.last)
	c.cause, c.severity, c.silent, c.databaseless = Slow, SeverityWarning, false, false
	c.got = fmt.Sprintf("95 %% of requests within %s, before the deployment %s", figures(now), figures(t.Baseline))
	c.evidence[0].Text = fmt.Sprintf("%s at %s: wanted at most %v times as slow as before, got p95 %s after %s",
		t.Key.Check, t.Key.Target, most, figures(now), figures(t.Baseline))
	return c
}

// fallout are the failures, past by now, that a unit accounts for: between two crashes all may look well.
func fallout(units []*clue, checks []*checkTally) []*clue {
	var clues []*clue
	for _, t := range checks {
		if !t.Critical || t.failing() || t.failure.Outcome != probe.Fail {
			continue
		}
		past := clueOf(t.failure)
		past.severity = SeverityError
		if slices.ContainsFunc(units, func(u *clue) bool { return u.explains(past) }) {
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
			c := clueOf(t.last)
			c.severity = SeverityWarning
			clues = append(clues, c)
		}
	}
	return clues
}
