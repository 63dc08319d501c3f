package builtin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/builtin"
	"postflight/internal/expect"
	"postflight/probe"
)

const sessions = `{"runtime_seconds": 86412.5, "sessions_created": 120345, "sessions_closed": 120340,
 "sessions_active": 4, "max_concurrent_sessions": 22, "avg_session_lifetime": 0.0312,
 "sessions_per_second": 1.39, "error_count": 7, "long_sessions": 2, "potential_leaks": 0}`

// adminPages are what db-monitor and queue-status have in common.
func TestAdminPages(t *testing.T) {
	const open = "status 401 or 403"
	const closed = "status 200 with our credentials"
	tests := []struct {
		name        string
		credentials bool
		status      int
		want        verdict
	}{
		{"closed to strangers", false, 401, verdict{}},
		{"forbidden to strangers", false, 403, verdict{}},
		{"open to everyone", false, 200, verdict{probe.Fail, probe.ReasonStatus, open, "status 200 OK: {}"}},
		{"missing", false, 404, verdict{probe.Fail, probe.ReasonStatus, open, "status 404 Not Found: {}"}},
		{"broken", false, 500, verdict{probe.Fail, probe.ReasonStatus, open, "status 500 Internal Server Error: {}"}},
		{"our token is refused", true, 401, verdict{probe.Error, probe.ReasonCredentials, closed, "status 401 Unauthorized: {}"}},
		{"our token is not an administrator's", true, 403, verdict{probe.Error, probe.ReasonCredentials, closed, "status 403 Forbidden: {}"}},
		{"broken behind our token", true, 503, verdict{probe.Fail, probe.ReasonStatus, "status 200", "status 503 Service Unavailable: {}"}},
		{"asked too often", true, 429, verdict{probe.Error, probe.ReasonRateLimited, "an answer", "status 429 Too Many Requests"}},
	}
	for _, check := range []string{"db-monitor", "queue-status"} {
		for _, tt := range tests {
			t.Run(check+" "+tt.name, func(t *testing.T) {
				got := look(t, check, nil, answers(tt.status, "{}"))
				if tt.credentials {
					got = look(t, check, token("an-administrator"), answers(tt.status, "{}"))
				}
				if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
				if got.Values != nil {
					t.Errorf("values %v, want none", got.Values)
				}
			})
		}
	}
}

func TestDBMonitor(t *testing.T) {
	before := time.Now()
	got := look(t, "db-monitor", token("an-administrator"), answers(200, sessions))
	after := time.Now()
	if diff := cmp.Diff(verdict{}, verdictOf(got)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	want := []probe.Value{
		{Metric: "db_sessions_active", Number: 4},
		{Metric: "db_sessions_max_concurrent", Number: 22},
		{Metric: "db_session_lifetime_average_seconds", Number: 0.0312},
		{Metric: "db_potential_leaks", Number: 0},
		{Metric: "db_sessions_opened_total", Number: 120345},
		{Metric: "db_sessions_closed_total", Number: 120340},
		{Metric: "db_session_errors_total", Number: 7},
		{Metric: "db_long_sessions_total", Number: 2},
	}
	for i, value := range got.Values {
		counts := strings.HasSuffix(value.Metric, "_total")
		if counts == value.Process.IsZero() {
			t.Errorf("%s: process %v", value.Metric, value.Process)
		}
		const ran = 86412500 * time.Millisecond
		const digit = 100 * time.Millisecond
		if counts && (value.Process.Earliest.Before(before.Add(-ran-digit)) || value.Process.Latest.After(after.Add(-ran+digit)) ||
			value.Process.Latest.Sub(value.Process.Earliest) < 2*digit) {
			t.Errorf("%s: process %v does not lie around the start", value.Metric, value.Process)
		}
		got.Values[i].Process = probe.Process{}
	}
	if diff := cmp.Diff(want, got.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// Workers are told apart by how long they have been running.
func TestDBMonitorTellsWorkersApart(t *testing.T) {
	sent := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	answer := expect.Answer{Status: 200, Sent: sent, Answered: sent.Add(3 * time.Millisecond)}
	answer.Body = map[string]any{"runtime_seconds": 100.5, "sessions_active": 1.0, "sessions_created": 2.0, "sessions_closed": 1.0}
	want, _ := expect.ProcessOf(answer, 100.5)
	check, _ := builtin.Lookup("db-monitor")
	var got probe.Process
	for _, value := range check.Judge(answer).Values {
		if value.Metric == "db_sessions_opened_total" {
			got = value.Process
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || got == (probe.Process{}) {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDBMonitorWithBadInput(t *testing.T) {
	notNegative := func(field string) string { return field + ", a number that is not negative" }
	with := func(old, replacement string) string { return strings.Replace(sessions, old, replacement, 1) }
	tests := []struct {
		name, body, wanted, got string
	}{
		{"NaN", with(`86412.5`, `NaN`), "a JSON object", ""},
		{"1e400", with(`120345`, `1e400`), "a JSON object", ""},
		{"text", with(`120345`, `"many"`), notNegative("sessions_created"), `the text "many"`},
		{"null", with(`120340`, `null`), notNegative("sessions_closed"), "null"},
		{"true", with(`22`, `true`), notNegative("max_concurrent_sessions"), "true"},
		{"a list", with(`0.0312`, `[1]`), notNegative("avg_session_lifetime"), "a list"},
		{"an object", with(`1.39`, `{}`), notNegative("sessions_per_second"), "an object"},
		{"less than nothing", with(`: 4`, `: -4`), notNegative("sessions_active"), "-4"},
		{"longer than anything runs", with(`86412.5`, `1e300`), "runtime_seconds, a running time", "1e+300"},
		{"a field that is not there", with(`"sessions_active": 4,`, ``), notNegative("sessions_active"), "nothing"},
		{"something behind the object", sessions + "x", "a JSON object", ""},
		{"a list of it", "[" + sessions + "]", "a JSON object", ""},
		{"nothing", "", "a JSON object", "an empty body"},
		{"200,000 brackets", strings.Repeat("[", 200_000), "a JSON object", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := look(t, "db-monitor", token("an-administrator"), answers(200, tt.body))
			if tt.got == "" {
				tt.got = (expect.Answer{Raw: []byte(tt.body)}).Excerpt()
			}
			want := verdict{probe.Fail, probe.ReasonBody, tt.wanted, tt.got}
			if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if got.Values != nil {
				t.Errorf("values %v, want none", got.Values)
			}
		})
	}
}

func TestDBMonitorWithLessOrMore(t *testing.T) {
	least := `{"runtime_seconds": 1.5, "sessions_created": 2, "sessions_closed": 1, "sessions_active": 1, "new": {"x": null}}`
	if got := look(t, "db-monitor", token("an-administrator"), answers(200, least)); got.Outcome != probe.Pass || len(got.Values) != 3 {
		t.Errorf("outcome %v with %d values, want pass with 3", got.Outcome, len(got.Values))
	}
	nothing := strings.NewReplacer(`0.0312`, `null`, `1.39`, `null`, `: 22`, `: -1`, `"error_count": 7`, `"error_count": -7`,
		`"potential_leaks": 0`, `"potential_leaks": null`).Replace(sessions)
	if got := look(t, "db-monitor", token("an-administrator"), answers(200, nothing)); got.Outcome != probe.Pass || len(got.Values) != 4 {
		t.Errorf("%+v with %d values, want pass with 4", verdictOf(got), len(got.Values))
	}
	leaking := strings.Replace(sessions, `"potential_leaks": 0`, `"potential_leaks": 3`, 1)
	got := look(t, "db-monitor", token("an-administrator"), answers(200, leaking))
	want := verdict{probe.Warn, "", "no potential leaks", "potential_leaks is 3"}
	if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if len(got.Values) != 8 {
		t.Errorf("%d values, want 8", len(got.Values))
	}
}
