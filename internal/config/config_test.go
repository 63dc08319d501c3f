package config

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postflight/internal/builtin"
	"postflight/internal/credentials"
	"postflight/internal/expect"
	"postflight/internal/logpattern"
	"postflight/internal/schedule"
	"postflight/internal/verdict"
	"postflight/probe"
)

var minimal = []byte("services:\n  - name: shop\n    targets: [\"http://127.0.0.1:8000\"]\n")

func every(t testing.TB, text string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asShown compares expressions, judges and certificates by what they are, and no names of the files that configurations were read from.
var asShown = cmp.Options{
	cmp.Comparer(func(a, b *expect.Expression) bool { return text(a) == text(b) }),
	cmp.Comparer(func(a, b expect.Func) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }),
	cmp.Comparer((*TLS).Same),
	cmp.Comparer(func(a, b *logpattern.Set) bool { return reflect.DeepEqual(patternsOf(a), patternsOf(b)) }),
	cmpopts.IgnoreFields(Config{}, "File"),
}

// patternsOf are those of a set; nil: there is none.
func patternsOf(s *logpattern.Set) []probe.Pattern {
	if s == nil {
		return nil
	}
	return s.Patterns()
}

func expression(t testing.TB, text string) *expect.Expression {
	t.Helper()
	e, err := expect.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// secretsApart takes secrets for the same where they are shown the same.
var secretsApart = cmp.Options{asShown, cmp.Comparer(func(a, b credentials.Secret) bool { return a.String() == b.String() })}

func judge(t testing.TB, name string) expect.Func {
	t.Helper()
	check, ok := builtin.Lookup(name)
	if !ok {
		t.Fatalf("no built-in check %s", name)
	}
	return check.Judge
}

// builtIns are the four built-in checks as they are where nothing is said of them, and there are no credentials.
func builtIns(t testing.TB) []Check {
	often, timeout, closed := every(t, "@every 15s"), 5*time.Second, []int{401, 403}
	return []Check{
		{Name: "health", Use: "health", Schedule: often, Timeout: timeout, Critical: true, Request: Request{
			Method: "GET", Path: "/health", Expect: expect.Rules{Status: []int{200}, JudgeBody: judge(t, "health")},
		}},
		{
			Name: "auth", Use: "auth", Schedule: every(t, "@every 1m"), Timeout: timeout, MinInterval: 10 * time.Second, Critical: true,
			Tokens: []string{"malformed", "wrong_key", "alg_none"}, Request: Request{Method: "GET", Path: "/api/tasks/statistics"},
		},
		{Name: "db-monitor", Use: "db-monitor", Schedule: often, Timeout: timeout, Critical: true, Request: Request{
			Method: "GET", Path: "/api/tasks/db-monitor", Expect: expect.Rules{Status: closed, JudgeBody: judge(t, "db-monitor")},
		}},
		{Name: "queue-status", Use: "queue-status", Schedule: often, Timeout: timeout, Critical: true, Request: Request{
			Method: "GET", Path: "/api/tasks/queue-status", Expect: expect.Rules{Status: closed, JudgeBody: judge(t, "queue-status")},
		}},
	}
}

func TestDefaults(t *testing.T) {
	got, err := Parse("/etc/postflight.yml", minimal)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Defaults: Defaults{Schedule: every(t, "@every 15s"), Timeout: 5 * time.Second},
		Services: []Service{{
			Name:         "shop",
			Targets:      []string{"http://127.0.0.1:8000"},
			Checks:       builtIns(t),
			Verification: verdict.Policy{SettleTimeout: time.Minute, Window: 30 * time.Second, Interval: time.Second, Consecutive: 5, MaxSlowdown: 3},
			Detect:       DetectRestart,
		}},
	}
	if diff := cmp.Diff(want, got, asShown); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsReachChecksThatAreLeftOut(t *testing.T) {
	got, err := Parse("f.yml", append([]byte("defaults: {schedule: '@hourly', timeout: 1m}\n"), minimal...))
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range got.Services[0].Checks {
		want := "@hourly"
		if check.Name == "auth" {
			want = "@every 1m" // its own
		}
		if check.Schedule.String() != want || check.Timeout != time.Minute {
			t.Errorf("%s: got %v, %v", check.Name, check.Schedule, check.Timeout)
		}
	}
}

// What is shown is itself a configuration, and showing that gives the same.
func TestShowingWhatWsecretsApartGivesTheSame(t *testing.T) {
	example, err := os.ReadFile("testdata/example.yml")
	if err != nil {
		t.Fatal(err)
	}
	flags, err := FromFlags([]string{"http://127.0.0.1:8000"}, []string{"shop"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"minimal": minimal, "example": example, "flags": flags.YAML()} {
		c, err := parsed("etc/postflight.yml", content)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		shown := c.YAML()
		again, err := parsed("elsewhere/shown.yml", shown)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, shown)
		}
		if diff := cmp.Diff(c, again, secretsApart); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(string(shown), string(again.YAML())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestShown(t *testing.T) {
	c, err := Parse("/etc/postflight.yml", []byte(`services: [{name: shop, units: [shop], targets: ["http://localhost"], checks: [{use: auth}], credentials: {admin: {token_file: token}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := `native_histograms: false
defaults:
  schedule: '@every 15s'
  timeout: 5s
services:
  - name: shop
    targets:
      - http://localhost
    units:
      - shop.service
    credentials:
      admin:
        token_file: /etc/token
    checks:
      - name: auth
        use: auth
        method: GET
        path: /api/tasks/statistics
        credentials: admin
        tokens: [malformed, wrong_key, alg_none]
        schedule: '@every 1m'
        timeout: 5s
        min_interval: 10s
        critical: true
        reuse_connections: false
    verification:
      settle_timeout: 1m
      window: 30s
      interval: 1s
      consecutive: 5
      max_restarts: 0
      max_slowdown: 3
      detect: restart
`
	if diff := cmp.Diff(want, string(c.YAML())); diff != "" {
		t.Error(diff)
	}
}

// The whole example as it is shown: go test ./internal/config -run ExampleShown -update
func TestExampleShown(t *testing.T) {
	example, err := os.ReadFile("testdata/example.yml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := parsed("/etc/postflight/postflight.yml", example)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/example.shown.yml"
	if *update {
		if err := os.WriteFile(golden, c.YAML(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(c.YAML())); diff != "" {
		t.Error(diff)
	}
	if bytes.Contains(want, []byte("s3cr3t")) {
		t.Error("a secret is shown")
	}
}

func TestSelect(t *testing.T) {
	c, err := Parse("f.yml", []byte("services: [{name: shop, units: [shop]}, {name: mail, units: [mail]}]"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := c.Select("mail")
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Services) != 1 || one.Services[0].Name != "mail" || len(c.Services) != 2 {
		t.Errorf("got %v of %v", one.Services, c.Services)
	}
	_, err = c.Select("post")
	if err == nil || err.Error() != `--service: there is no service "post"; write one of shop, mail` {
		t.Errorf("got %v", err)
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "postflight.yml")
	if _, err := Load(file); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Load(filepath.Dir(file)); err == nil || !strings.Contains(err.Error(), filepath.Dir(file)) {
		t.Errorf("a directory: %v", err)
	}
	if err := os.WriteFile(file, []byte("services: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var wrong Errors
	if _, err := Load(file); !errors.As(err, &wrong) || wrong[0].File != file || wrong[0].Line != 1 || wrong[0].Column != 11 || wrong[0].Path != "services" {
		t.Errorf("a broken file: %#v", wrong)
	}
	if err := os.WriteFile(file, minimal, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err != nil {
		t.Error(err)
	}
}

func TestCheckPolicy(t *testing.T) {
	if err := CheckPolicy(verdict.DefaultPolicy); err != nil {
		t.Error(err)
	}
	for _, tc := range []struct {
		name   string
		policy verdict.Policy
		want   []string // in this order
	}{
		{"interval", verdict.Policy{SettleTimeout: time.Minute, Window: time.Minute, Interval: time.Millisecond, Consecutive: 1}, []string{
			"--interval: 1ms is too short; write 100ms or more",
		}},
		{"all of it", verdict.Policy{Window: -time.Second, MaxRestarts: -1, MaxSlowdown: 0.5}, []string{
			"--settle-timeout: 0s is too short; write 1ms or more",
			"--window: -1s is too short; write 1ms or more",
			"--interval: 0s is too short; write 100ms or more",
			"--consecutive: 0 is out of range; write 1 to 1000000",
			"--max-restarts: -1 is out of range; write 0 to 1000000",
			"--max-slowdown: it would warn of requests that are as fast as before; write a number above 1, or 0 where they are not to be compared",
		}},
	} {
		err := CheckPolicy(tc.policy)
		if err == nil {
			t.Errorf("%s: accepted", tc.name)
			continue
		}
		if diff := cmp.Diff(strings.Join(tc.want, "\n"), err.Error()); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}
