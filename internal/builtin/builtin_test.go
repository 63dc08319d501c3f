package builtin_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postflight/internal/builtin"
	"postflight/internal/expect"
	"postflight/probe"
)

func TestAll(t *testing.T) {
	ok, refusal := []int{200}, []int{401, 403}
	want := []builtin.Check{
		{Name: "health", Path: "/health", Status: ok},
		{
			Name: "auth", Schedule: "@every 1m", MinInterval: 10 * time.Second, Path: "/api/tasks/statistics", Credentials: "admin",
			Tokens: []string{"malformed", "wrong_key", "alg_none"},
		},
		{Name: "db-monitor", Path: "/api/tasks/db-monitor", Credentials: "admin", Status: ok, Closed: refusal},
		{Name: "queue-status", Path: "/api/tasks/queue-status", Credentials: "admin", Status: ok, Closed: refusal},
	}
	all := builtin.All()
	if diff := cmp.Diff(want, all, cmpopts.IgnoreFields(builtin.Check{}, "Judge")); diff != "" {
		t.Errorf("built-in checks (-want +got):\n%s", diff)
	}
	for _, check := range all {
		if found, ok := builtin.Lookup(check.Name); !ok || found.Name != check.Name {
			t.Errorf("looking up %s gives %v, %v", check.Name, found.Name, ok)
		}
		if (check.Judge == nil) != (check.Name == "auth") {
			t.Errorf("%s: has it a judge? %v", check.Name, check.Judge != nil)
		}
	}
	if _, ok := builtin.Lookup("orders"); ok {
		t.Error("there is a built-in check orders")
	}
}

// FuzzJudges gives every judge whatever a backend may answer. What it makes of it has to be sound: an outcome with its
// reason and words, and values that can be exported.
func FuzzJudges(f *testing.F) {
	for _, body := range []string{`{"status":"healthy","cache":{"status":"x"}}`, sessions, `{"queue_counts":{"queued":1},"user_concurrency":{"1":2}}`,
		`{"error":"password=x"}`, `[[[`, ``, "\xff", `<html>`, `{"runtime_seconds":1e300}`, `{"queue_counts":{"a":1e308}}`} {
		f.Add(200, "application/json", "", body)
		f.Add(401, "text/html", "/login", body)
	}
	var judges []expect.Expectation
	for _, check := range builtin.All() {
		if check.Judge != nil {
			judges = append(judges, check.Judge)
		}
		judges = append(judges, plain(check, nil).Requests[0].Expect)
	}
	auth := builtin.Auth{Tokens: builtin.ForgedTokens(), SigningKey: hasKey, Credentials: token("valid"), MaxDuration: time.Second}.Check()
	for _, request := range auth.Requests {
		judges = append(judges, request.Expect)
	}
	sent := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, kind, location, body string) {
		answer := expect.Answer{
			Status: status, Header: map[string][]string{"Content-Type": {kind}, "Location": {location}},
			Raw: []byte(body), Size: int64(len(body)), Sent: sent, Answered: sent.Add(time.Millisecond),
		}
		if answer.NotJSON = json.Unmarshal(answer.Raw, &answer.Body); answer.NotJSON != nil {
			answer.Body = body
		}
		for _, judge := range judges {
			sound(t, judge.Judge(answer))
		}
	})
}

func sound(t *testing.T, j expect.Judgement) {
	t.Helper()
	if (j.Reason == probe.ReasonNone) != j.Outcome.Up() {
		t.Errorf("outcome %v with reason %q", j.Outcome, j.Reason)
	}
	if (j.Wanted == "") != (j.Outcome == probe.Pass) || !utf8.ValidString(j.Got) || utf8.RuneCountInString(j.Got) > 600 {
		t.Errorf("outcome %v, wanted %q, got %q", j.Outcome, j.Wanted, j.Got)
	}
	for _, value := range j.Values {
		if math.IsNaN(value.Number) || math.IsInf(value.Number, 0) || value.Metric == "" {
			t.Errorf("value %+v cannot be exported", value)
		}
		if p := value.Process; p.Latest.Before(p.Earliest) {
			t.Errorf("process %v ends before it begins", p)
		}
	}
}

// Which tokens are asked with by default is a choice among all that there are.
func TestForgedTokensHaveNames(t *testing.T) {
	all := builtin.ForgedTokens()
	if diff := cmp.Diff([]string{"missing", "malformed", "wrong_key", "alg_none", "expired"}, all); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	auth, _ := builtin.Lookup("auth")
	for _, name := range auth.Tokens {
		if !slices.Contains(all, name) {
			t.Errorf("%s is no forged token", name)
		}
	}
}
