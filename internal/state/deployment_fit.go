package state

import (
	"fmt"
	"slices"
	"strings"

	"postflight/internal/verdict"
	"postflight/probe"
)

// What is kept of a verification. The newest is kept whole in memory.
const (
	maxOutputs      = 3         // of rollbacks, those of the newest
	maxOutputBytes  = 64 * 1024 // of one of them, the last ones
	maxChecksListed = 100       // of each but the newest, and of all in the file
)

// fitted leaves out of a verification what is not kept of one before which there are so many newer ones.
func fitted(d Deployment, age int) Deployment {
	if age >= maxOutputs {
		d.Rollback.Output = ""
	}
	if output := d.Rollback.Output; len(output) > maxOutputBytes {
		d.Rollback.Output = strings.Clone(strings.ToValidUTF8(output[len(output)-maxOutputBytes:], ""))
	}
	if n := len(d.Checks); age > 0 && n > maxChecksListed {
		d.Checks = mostTelling(d.Checks)
		d.Notes = append(slices.Clip(d.Notes), fmt.Sprintf("of %d checks only %d are still listed, those that did not pass first", n, maxChecksListed))
	}
	return d
}

// mostTelling lists as many checks as are kept: those that did not pass, then others, in the order in which they were.
func mostTelling(checks []verdict.Check) []verdict.Check {
	passed := func(c verdict.Check) bool { return c.Outcome == probe.Pass.String() }
	left := maxChecksListed // places for those that passed
	for _, c := range checks {
		if !passed(c) {
			left--
		}
	}
	kept := make([]verdict.Check, 0, maxChecksListed)
	for _, c := range checks {
		if passed(c) {
			if left <= 0 {
				continue
			}
			left--
		}
		if len(kept) < maxChecksListed {
			kept = append(kept, c)
		}
	}
	return kept
}
