package verdict_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"postflight/internal/verdict"
	"postflight/probe"
)

// unitSeen reads "UNIT unobservable WHY" or "UNIT ACTIVE/SUB [total=…] [byhand=…] [n=…] [exit=…] [signal=…] [result=…] …".
func unitSeen(t *testing.T, now time.Time, words []string) *verdict.UnitSeen {
	seen := &verdict.UnitSeen{Unit: words[0], Time: now}
	if words[1] == "unobservable" {
		seen.Why = strings.Join(words[2:], " ")
		return seen
	}
	u := &probe.Unit{LoadState: "loaded", Result: "success"}
	u.ActiveState, u.SubState, _ = strings.Cut(words[1], "/")
	given := options(words[2:])
	for key, value := range given {
		switch key {
		case "result": // see below: it is said beside the exit
		case "total":
			seen.Restarts = uint64(number(t, value))
		case "byhand":
			seen.ManualStarts = uint64(number(t, value))
		case "n":
			u.NRestarts = uint32(number(t, value))
		case "load":
			u.LoadState = value
		case "known":
			seen.Known = value == "before"
		case "since":
			u.ActiveEnter = start.Add(duration(t, value))
		case "exit":
			u.Result, u.ExecMainCode, u.ExecMainStatus = "exit-code", 1, int32(number(t, value))
		case "signal":
			u.Result, u.ExecMainCode, u.ExecMainStatus = "signal", 2, int32(number(t, value))
		default:
			t.Fatalf("unknown option %s of a unit", key)
		}
	}
	u.Result = cmp.Or(given["result"], u.Result)
	seen.Reading = u
	return seen
}

// logSeen reads "UNIT log-unreadable" or "UNIT log PATTERN [severity=…] [module=…] [written=TIME] [| line …]". Of what is not
// given the severity is error, and it is written when it is read. The last line is the match, those before led up to it.
func logSeen(t *testing.T, now time.Time, words, lines []string) *verdict.LogSeen {
	seen := &verdict.LogSeen{Unit: words[0], Time: now, Observable: words[1] == "log"}
	if !seen.Observable || len(words) == 2 {
		return seen
	}
	m := probe.Match{Pattern: words[2], Severity: probe.SeverityError, Time: now, Text: "what was written"}
	if n := len(lines); n > 0 {
		m.Before, m.Text = lines[:n-1], lines[n-1]
	}
	for key, value := range options(words[3:]) {
		switch key {
		case "severity":
			m.Severity = probe.Severity(value)
		case "module":
			m.Module = value
		case "written":
			m.Time = start.Add(duration(t, value))
		default:
			t.Fatalf("unknown option %s of a log", key)
		}
	}
	seen.Matches = []probe.Match{m}
	return seen
}
