package verdict_test

import (
	"errors"
	"net/http"
	"testing"

	"postflight/internal/builtin"
	"postflight/internal/expect"
	"postflight/internal/verdict"
	"postflight/probe"
)

// What the built-in checks say of an answer is enough to name the cause.
func TestTheCauseOfWhatBuiltInChecksSay(t *testing.T) {
	notJSON := errors.New("not JSON")
	tests := []struct {
		name   string
		check  string
		answer expect.Answer
		want   verdict.Cause
	}{
		{
			"health answered by a proxy's page", "health",
			expect.Answer{Status: 200, Body: "<html>", NotJSON: notJSON, Raw: []byte("<html>")},
			verdict.NotJSON,
		},
		{
			"the queue answered by a proxy's page", "queue-status",
			expect.Answer{Status: 200, Body: "<html>", NotJSON: notJSON, Raw: []byte("<html>")},
			verdict.NotJSON,
		},
		{
			"a forged token answered by a login page", "auth",
			expect.Answer{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html>", NotJSON: notJSON, Raw: []byte("<html>")},
			verdict.NotJSON,
		},
		{
			"a forged token accepted", "auth",
			expect.Answer{Status: 200, Body: map[string]any{"total": 1.0}},
			verdict.AuthBypassed,
		},
		{
			"a forged token that breaks authentication", "auth",
			expect.Answer{Status: 500, Body: map[string]any{"detail": "认证服务异常"}},
			verdict.AuthBroken,
		},
		{
			"a queue that hides its error", "queue-status",
			expect.Answer{Status: 200, Body: map[string]any{"error": "(1146, \"Table 'app.task_queue' doesn't exist\")"}},
			verdict.QueueBroken,
		},
		{
			"a queue that hides that its database is gone", "queue-status",
			expect.Answer{Status: 200, Body: map[string]any{"error": "(pymysql.err.OperationalError) (2013, 'Lost connection to MySQL server during query')"}},
			verdict.DatabaseUnreachable,
		},
		{
			"health that fails of its database", "health",
			expect.Answer{Status: 200, Body: map[string]any{"status": "unhealthy", "database": map[string]any{"status": "unreachable"}}},
			verdict.DatabaseUnreachable,
		},
		{
			"health that is degraded by its database", "health",
			expect.Answer{Status: 200, Body: map[string]any{"status": "degraded", "mysql": map[string]any{"status": "unhealthy", "message": "(2003)"}}},
			verdict.DatabaseUnreachable,
		},
		{
			"health that is degraded by its cache", "health",
			expect.Answer{Status: 200, Body: map[string]any{"status": "degraded", "cache": map[string]any{"status": "unhealthy", "message": "Redis未连接"}}},
			verdict.CacheDown,
		},
		{
			"health that is degraded by something else", "health",
			expect.Answer{Status: 200, Body: map[string]any{"status": "degraded", "storage": map[string]any{"status": "unhealthy"}}},
			verdict.Assertion,
		},
		{
			"health that is degraded and does not say by what", "health",
			expect.Answer{Status: 200, Body: map[string]any{"status": "degraded"}},
			verdict.Assertion,
		},
		{
			"health without a status", "health",
			expect.Answer{Status: 200, Body: map[string]any{}},
			verdict.Assertion,
		},
		{
			"unhealthy", "health",
			expect.Answer{Status: 200, Body: map[string]any{"status": "unhealthy"}},
			verdict.Assertion,
		},
		{
			"no such route", "db-monitor",
			expect.Answer{Status: 404, Body: map[string]any{}},
			verdict.WrongStatus,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check, known := builtin.Lookup(test.check)
			if !known {
				t.Fatalf("no built-in check %s", test.check)
			}
			var expected expect.Expectation = expect.Rules{Status: check.Status, JudgeBody: check.Judge}
			if check.Tokens != nil {
				expected = builtin.Auth{Tokens: check.Tokens}.Check().Requests[0].Expect
			}
			j := expected.Judge(test.answer)
			result := probe.Result{
				Key: checkKey(test.check), Status: test.answer.Status,
				Outcome: j.Outcome, Reason: j.Reason, Wanted: j.Wanted, Got: j.Got, Values: j.Values,
			}
			d := verified(t, []probe.Result{result}, nil, 0, nil)
			if len(d.Causes) != 1 || d.Causes[0].Cause != test.want {
				t.Errorf("%s, want %s", brief(d), test.want)
			}
		})
	}
}
