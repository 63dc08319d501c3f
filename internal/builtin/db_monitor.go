package builtin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// dbMonitor asks what the worker that answers knows of its database sessions.
func dbMonitor(credentials httpprobe.Credentials) httpprobe.Check {
	return adminPage("db-monitor", "/api/tasks/db-monitor", credentials, judgeDBMonitor)
}

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

func judgeDBMonitor(a expect.Answer) expect.Judgement {
	body, ok := object(a)
	if !ok {
		return expect.WrongBody("a JSON object", a.Excerpt())
	}
	j := expect.Judgement{Values: make([]probe.Value, 0, len(dbFields))}
	var process probe.Process
	for _, field := range dbFields {
		raw, present := body[field.name]
		if !present && !field.required {
			continue
		}
		number, ok := amount(raw)
		if !present || !ok {
			return expect.WrongBody(field.name+", a number that is not negative", described(raw, present))
		}
		switch {
		case field.name == "runtime_seconds":
			if process, ok = processOf(a, number); !ok {
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

// processOf gives the worker process that had run for so many seconds when it answered, by the time at which it
// started. It read its clock between our sending and its first byte. What it printed is rounded, or cut off, by up to
// one unit of the last digit: that widens the window to both sides. The last digit is never taken to be worth more
// than 0.1 s. A printed 12.0 arrives as 12, and a window of a whole second would make one of two workers.
func processOf(a expect.Answer, runtime float64) (probe.Process, bool) {
	const century = 100 * 365 * 24 * 3600 // seconds; beyond it a Duration overflows in the end
	if runtime > century {
		return probe.Process{}, false
	}
	ran := time.Duration(runtime * float64(time.Second))
	digit := lastDigit(runtime)
	return probe.Process{
		Earliest: a.Sent.Add(-ran - digit),
		Latest:   a.Answered.Add(-ran + digit),
	}, true
}

// lastDigit is what one unit of the last printed digit of so many seconds is worth.
func lastDigit(seconds float64) time.Duration {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(seconds, 'f', -1, 64), ".")
	digits := max(1, min(len(fraction), 9))
	return time.Duration(math.Pow10(9 - digits))
}

// amount is a decoded value that counts or measures something.
func amount(v any) (float64, bool) {
	number, ok := v.(float64)
	return number, ok && number >= 0 && !math.IsInf(number, 0)
}

// described is a decoded value that is not what was wanted, in words.
func described(v any, present bool) string {
	switch v := v.(type) {
	case nil:
		if !present {
			return "nothing"
		}
		return "null"
	case string:
		return "the text " + strconv.Quote(expect.Excerpt(v))
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprint(v)
	}
}
