package config

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/credentials"
	"postflight/internal/discovery"
	"postflight/internal/expect"
	"postflight/internal/hook"
	"postflight/internal/logpattern"
	"postflight/internal/verdict"
	"postflight/probe"
)

func TestEveryKeyHasItsEffect(t *testing.T) {
	content, err := os.ReadFile("testdata/example.yml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parsed("/etc/postflight/postflight.yml", content)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		NativeHistograms: true,
		Defaults:         Defaults{Schedule: every(t, "@every 30s"), Timeout: 3 * time.Second},
		Services: []Service{
			{
				Name:    "proxy-system",
				Targets: []string{"http://127.0.0.1:8000", "https://shop.example/backend/"},
				Files: []discovery.Files{{
					Names: []string{"/etc/postflight/targets/*.json", "/etc/prometheus/backends.yml"}, RefreshInterval: time.Minute, Scheme: "https",
				}},
				HTTP:  []discovery.HTTP{{URL: "http://inventory.example/targets?app=shop", RefreshInterval: 5 * time.Minute, Scheme: "https"}},
				Units: []string{"proxy-system.service", "proxy-system-worker.service"},
				TLS: &TLS{
					CAFile: "/etc/postflight/tls/ca.pem", CertFile: "/etc/postflight/tls/client.pem", KeyFile: "/etc/postflight/tls/client-key.pem",
					ServerName: "backend.internal", Config: got.Services[0].TLS.Config, // see TestTLS
				},
				Release:      &Release{Check: "health", From: yields(t, "body.version")},
				Credentials:  exampleCredentials(t),
				Checks:       exampleChecks(t),
				Patterns:     examplePatterns(),
				Logs:         patterns(t, append(logpattern.Builtin(), examplePatterns()...)),
				Verification: verdict.Policy{SettleTimeout: 90 * time.Second, Window: time.Minute, Interval: 2 * time.Second, Consecutive: 3, MaxRestarts: 1, MaxSlowdown: 2.5},
				Detect:       DetectRestart,
				OnFailure: &hook.Hook{
					Command: []string{"/opt/proxy-system/rollback.sh", "--to", "previous"}, Timeout: 10 * time.Minute, On: []string{"api", "cli", "detected"},
				},
			},
			{
				Name: "worker", Units: []string{"worker.timer"}, Release: &Release{File: "/opt/worker/VERSION"},
				Logs:         patterns(t, logpattern.Builtin()),
				Verification: verdict.DefaultPolicy,
				Detect:       DetectRelease,
				OnFailure:    &hook.Hook{Unit: "worker-rollback.service", Timeout: 5 * time.Minute, On: []string{"api", "cli"}},
			},
		},
	}
	if diff := cmp.Diff(want, got, asShown); diff != "" {
		t.Error(diff)
	}
}

func exampleCredentials(t testing.TB) map[string]credentials.Options {
	return map[string]credentials.Options{
		"admin": {
			Login: &credentials.Login{
				Path: "/api/auth/login", Format: "form", UsernameField: "email", PasswordField: "secret",
				Username: "ops@shop.example", PasswordFile: "/run/credentials/postflight.service/ops-password", Token: yields(t, "body.data.token"),
			},
			AllowedTargets: []string{"10.0.0.0/8", ".internal.example"},
		},
		"reader": {Login: &credentials.Login{
			Path: "/login", Format: "json", UsernameField: "username", PasswordField: "password",
			Username: "reader", Password: "s3cr3t", Token: yields(t, "body.access_token"),
		}},
		"ops":   {TokenFile: "/etc/postflight/tokens/ops"},
		"fixed": {Token: "s3cr3t"},
		"proxy": {Basic: &credentials.Basic{Username: "ops", Password: "s3cr3t"}},
		"gate":  {Basic: &credentials.Basic{Username: "ops", PasswordFile: "/etc/postflight/gate-password"}},
	}
}

func exampleChecks(t testing.TB) []Check {
	halfMinute, minute, timeout := every(t, "@every 30s"), every(t, "@every 1m"), 3*time.Second
	const help = "Read from the answers to a check."
	return []Check{
		{
			Name: "health", Use: "health", Schedule: every(t, "*/5 * * * * *"), Timeout: 2 * time.Second, MinInterval: time.Second, Critical: true,
			ReuseConnections: true, FollowRedirects: true,
			Request: Request{Method: "GET", Path: "/api/health", Header: http.Header{"Accept": {"application/json"}}, Expect: expect.Rules{
				Status: []int{200, 203}, MaxDuration: time.Second, JudgeBody: judge(t, "health"),
				Assertions: []expect.Assertion{{Name: "has-version", That: expression(t, `body.version != ""`), Severity: probe.Fail}},
				Values: []expect.Reading{{
					Metric: &probe.Metric{Name: "value_backend_state", Help: help}, From: yields(t, "body.status"),
					States: map[string]float64{"healthy": 0, "degraded": 1},
				}},
				Release: yields(t, "body.version"),
			}},
		},
		{
			Name: "auth", Use: "auth", Schedule: minute, Timeout: timeout, MinInterval: 10 * time.Second, Critical: true,
			Tokens: []string{"malformed", "wrong_key", "alg_none", "expired"}, SigningKeyFile: "/run/credentials/postflight.service/jwt-key",
			Request: Request{Method: "GET", Path: "/api/tasks/statistics", Credentials: "ops"},
		},
		{
			Name: "auth-elsewhere", Use: "auth", Schedule: minute, Timeout: timeout, MinInterval: 10 * time.Second, Critical: true,
			Tokens: []string{"missing", "expired"}, SigningKey: "s3cr3t",
			Request: Request{Method: "GET", Path: "/api/orders", Credentials: "admin", Expect: expect.Rules{MaxDuration: 2 * time.Second}},
		},
		{
			Name: "queues", Use: "queue-status", Schedule: halfMinute, Timeout: timeout,
			Request: Request{Method: "GET", Path: "/api/tasks/queue-status", Credentials: "admin", Expect: expect.Rules{
				Status: []int{200}, JudgeBody: judge(t, "queue-status"),
			}},
		},
		{
			Name: "orders", Schedule: halfMinute, Timeout: timeout, Critical: true,
			Request: Request{
				Method: "POST", Path: "/api/orders/search", Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"limit": 1}`, Credentials: "admin",
				Expect: expect.Rules{
					Status: []int{200}, MaxDuration: 2 * time.Second,
					Assertions: []expect.Assertion{
						{Name: "has-total", That: expression(t, "body.total >= 0"), Severity: probe.Fail},
						{Name: "not-stale", That: expression(t, "body.age_seconds < 60"), Severity: probe.Warn},
					},
					Values: []expect.Reading{
						{Metric: &probe.Metric{Name: "value_orders_open", Help: "Orders not yet closed."}, From: yields(t, "body.open")},
						{Metric: &probe.Metric{Name: "value_orders_by_state", Help: "Orders by state.", Label: "state"}, Each: yields(t, "body.states")},
						{
							Metric: &probe.Metric{Name: "value_orders_served_total", Help: help, Counter: true, Label: "shop"},
							Each:   yields(t, "body.shops"), KeyField: "name", ValueField: "served",
						},
					},
					Runtime: yields(t, "body.runtime_seconds"),
				},
			},
		},
	}
}

func examplePatterns() []logpattern.Pattern {
	return []logpattern.Pattern{
		{
			Pattern: probe.Pattern{Name: "slow-query", Severity: probe.SeverityWarning, Metric: "log_value_query_duration_seconds", Buckets: []float64{0.1, 1, 10}},
			Match:   `query took (?P<ms>[0-9.]+)ms`, Value: "float(ms) / 1000",
		},
		{Pattern: probe.Pattern{Name: "worker-lost", Severity: probe.SeverityError}, Match: `worker \d+ was lost`, Exclude: "on purpose"},
	}
}

func patterns(t testing.TB, all []logpattern.Pattern) *logpattern.Set {
	t.Helper()
	set, err := logpattern.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func yields(t testing.TB, text string) *expect.Expression {
	t.Helper()
	e, err := expect.CompileValue(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
