package config

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
)

// What a built-in check asks and expects where single fields of it are changed, and where the service has credentials.
func TestBuiltInChecks(t *testing.T) {
	const admin, ops = "admin: {token_file: a}", "ops: {token_file: o}"
	ok, closed := []int{200}, []int{401, 403}
	request := func(name, path, credentials string, status []int) Request {
		return Request{Method: "GET", Path: path, Credentials: credentials, Expect: expect.Rules{Status: status, JudgeBody: judge(t, name)}}
	}
	for _, tc := range []struct {
		credentials, check string
		want               Request
	}{
		{"", "use: health", request("health", "/health", "", ok)},
		{admin, "use: health", request("health", "/health", "", ok)},
		{admin, "use: health, credentials: admin", request("health", "/health", "admin", ok)},
		{"", "use: db-monitor", request("db-monitor", "/api/tasks/db-monitor", "", closed)},
		{ops, "use: db-monitor", request("db-monitor", "/api/tasks/db-monitor", "", closed)},
		{admin, "use: db-monitor", request("db-monitor", "/api/tasks/db-monitor", "admin", ok)},
		{admin + ", " + ops, "use: db-monitor, credentials: ops", request("db-monitor", "/api/tasks/db-monitor", "ops", ok)},
		{"", "use: db-monitor, expect: {status: [404]}", request("db-monitor", "/api/tasks/db-monitor", "", []int{404})},
		{admin, "use: queue-status, path: '/queue?all=1', method: GET", request("queue-status", "/queue?all=1", "admin", ok)},
		{"", "use: queue-status", request("queue-status", "/api/tasks/queue-status", "", closed)},
		{"", "use: auth", Request{Method: "GET", Path: "/api/tasks/statistics"}},
		{admin, "use: auth", Request{Method: "GET", Path: "/api/tasks/statistics", Credentials: "admin"}},
		{ops, "use: auth, path: /me, headers: {a: b}, credentials: ops, expect: {max_duration: 1s}", Request{
			Method: "GET", Path: "/me", Header: http.Header{"A": {"b"}}, Credentials: "ops", Expect: expect.Rules{MaxDuration: time.Second},
		}},
		{"", "use: health, expect: {max_duration: 1s, assertions: [{name: a, that: body.a}]}, values: [{metric: a_total, type: counter, from: body.a}], runtime: body.b", Request{
			Method: "GET", Path: "/health", Expect: expect.Rules{
				Status: ok, MaxDuration: time.Second, JudgeBody: judge(t, "health"),
				Assertions: []expect.Assertion{{Name: "a", That: expression(t, "body.a"), Severity: probe.Fail}},
				Values: []expect.Reading{{
					Metric: &probe.Metric{Name: "value_a_total", Help: "Read from the answers to a check.", Counter: true}, From: yields(t, "body.a"),
				}},
				Runtime: yields(t, "body.b"),
			},
		}},
	} {
		s := service(t, fmt.Sprintf("services: [{name: a, targets: ['http://a'], credentials: {%s}, checks: [{%s}]}]", tc.credentials, tc.check))
		if diff := cmp.Diff(tc.want, s.Checks[0].Request, asShown); diff != "" {
			t.Errorf("with %q, %s: %s", tc.credentials, tc.check, diff)
		}
	}
}

func TestTheBuiltInChecksAreThereUnlessThereAreUnitsOnly(t *testing.T) {
	for where, want := range map[string]int{
		"targets: ['http://a']":                        4,
		"file_sd_configs: [{files: [targets.json]}]":   4,
		"http_sd_configs: [{url: 'http://a/targets'}]": 4,
		"units: [a]": 0,
		"file_sd_configs: [], targets: [], units: [a]":                      0,
		"units: [a], http_sd_configs: [{url: 'http://a'}]":                  4,
		"file_sd_configs: [{files: [a.yml]}], checks: [{name: a, path: /}]": 1,
	} {
		if got := len(service(t, "services: [{name: a, "+where+"}]").Checks); got != want {
			t.Errorf("%s: %d checks, want %d", where, got, want)
		}
	}
}
