package builtin

import (
	"fmt"

	"postflight/internal/expect"
	"postflight/probe"
)

// dbFields are the fields of the object, and the metrics that they become.
var dbFields = []struct {
	name     string
	metric   string // empty: none
	counts   bool   // since the worker started
	required bool
}{
	{name: "runtime_seconds", required: true},
	{name: "sessions_active", metric: "db_sessions_active", required: true},
	{name: "max_concurrent_sessions", metric: "db_sessions_max_concurrent"},
	{name: "avg_session_lifetime", metric: "db_session_lifetime_average_seconds"},
	{name: "potential_leaks", metric: "db_potential_leaks"},
	{name: "sessions_per_second"},
	{name: "sessions_created", metric: "db_sessions_opened_total", counts: true, required: true},
	{name: "sessions_closed", metric: "db_sessions_closed_total", counts: true, required: true},
	{name: "error_count", metric: "db_session_errors_total", counts: true},
	{name: "long_sessions", metric: "db_long_sessions_total", counts: true},
}

// judgeDBMonitor judges what the worker that answers knows of its database sessions.
func judgeDBMonitor(a expect.Answer) expect.Judgement {
	body, ok := object(a)
	if !ok {
		return expect.WrongBody("a JSON object", a.Excerpt())
	}
	j := expect.Judgement{Values: make([]probe.Value, 0, len(dbFields))}
	var process probe.Process
	for _, field := range dbFields {
		raw, present := body[field.name]
		if !field.required && saysNothing(raw) {
			continue
		}
		number, ok := amount(raw)
		if !present || !ok {
			return expect.WrongBody(field.name+", a number that is not negative", described(raw, present))
		}
		switch {
		case field.name == "runtime_seconds":
			if process, ok = expect.ProcessOf(a, number); !ok {
				return expect.WrongBody("runtime_seconds, a running time", described(raw, present))
			}
		case field.metric == "":
		case field.counts:
			j.Values = append(j.Values, probe.Value{Metric: field.metric, Number: number, Process: process})
		default:
			j.Values = append(j.Values, probe.Value{Metric: field.metric, Number: number})
		}
	}
	if leaks, _ := amount(body["potential_leaks"]); leaks > 0 {
		j.Outcome, j.Wanted, j.Got = probe.Warn, "no potential leaks", fmt.Sprintf("potential_leaks is %v", leaks)
	}
	return j
}
