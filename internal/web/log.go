package web

import (
	"fmt"
	"strings"

	"postflight/internal/state"
	"postflight/probe"
)

// logText says what a unit's log tells, in numbers and names and not in its own words; empty where it is not watched.
func logText(log *state.LogState) string {
	switch {
	case log == nil:
		return ""
	case !log.HasRun():
		return "log not read yet"
	case log.Observable:
		return told(log)
	case log.Lines > 0:
		return "log out of reach: " + log.Why + "; until then: " + told(log)
	default:
		return "log out of reach: " + log.Why
	}
}

// told says how many lines were errors. That there were none means less where journald dropped some.
func told(log *state.LogState) string {
	var parts []string
	if errors := errorCounts(log.Matches); len(errors) > 0 {
		parts = append(parts, "error lines in the log: "+strings.Join(errors, ", "))
	} else {
		parts = append(parts, "no error lines in the log")
	}
	if len(log.Modules) > 0 {
		parts = append(parts, "missing modules: "+strings.Join(moduleNames(log.Modules), ", "))
	}
	if log.Dropped > 0 {
		parts = append(parts, fmt.Sprintf("journald dropped %d lines", log.Dropped))
	}
	return strings.Join(parts, "; ")
}

// errorCounts are those of the patterns of severity error that matched, such as "missing-module 3". A line may be in
// several, so there is no sum.
func errorCounts(matches []state.PatternCount) []string {
	var counts []string
	for _, m := range matches {
		if m.Pattern.Severity == probe.SeverityError && m.Count > 0 {
			counts = append(counts, fmt.Sprintf("%s %d", m.Pattern.Name, m.Count))
		}
	}
	return counts
}

func moduleNames(modules []state.ModuleCount) []string {
	names := make([]string, len(modules))
	for i, m := range modules {
		names[i] = m.Module
	}
	return names
}
