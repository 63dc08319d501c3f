package demo_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postflight/internal/builtin"
	"postflight/internal/demo"
	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// Each fault shows the sign that the table promises when the real built-in checks ask, and is gone once it is mended.
func TestEachFaultShowsItsSign(t *testing.T) {
	h := newHost(t)
	h.serving(t)
	checks := newChecks(t, h.url)
	for _, fault := range demo.Faults {
		t.Run(fault.Name, func(t *testing.T) {
			if err := h.Fault(h.ctx, fault.Name); err != nil {
				t.Fatal(err)
			}
			if fault.Sign.Restarts {
				h.await(t, "restarted twice", func(u probe.Unit) bool { return u.NRestarts >= 2 })
			} else {
				h.log.await(t, h.ctx, "fault: "+fault.Name)
			}
			got := checks.run(h.ctx, fault.Sign.Check)
			if got.Outcome != fault.Sign.Outcome || got.Reason != fault.Sign.Reason {
				t.Errorf("%s: %s %s, wanted %s, got %s", fault.Sign.Check, got.Outcome, got.Reason, got.Wanted, got.Got)
			}

			if err := h.Fault(h.ctx, demo.Mended); err != nil {
				t.Fatal(err)
			}
			if fault.Sign.Restarts {
				h.serving(t)
			} else {
				h.log.await(t, h.ctx, "fault: "+demo.Mended)
			}
			for _, check := range builtin.All() {
				if got := checks.run(h.ctx, check.Name); got.Outcome != probe.Pass {
					t.Errorf("mended, %s: %s %s, wanted %s, got %s", check.Name, got.Outcome, got.Reason, got.Wanted, got.Got)
				}
			}
		})
	}
}

// Slow and dead are told apart by health, which asks no database.
func TestSlowIsNotDead(t *testing.T) {
	h := newHost(t)
	h.serving(t)
	checks := newChecks(t, h.url)
	h.breakIt(t, demo.Slow)
	if got := checks.run(h.ctx, "health"); got.Outcome != probe.Pass {
		t.Errorf("health while slow: %s %s", got.Outcome, got.Reason)
	}
}

func TestEachFaultHasAKeyOfItsOwn(t *testing.T) {
	names := map[byte]string{}
	for _, fault := range demo.Faults {
		if other, taken := names[fault.Key]; taken {
			t.Errorf("%s and %s share the key %c", fault.Name, other, fault.Key)
		}
		names[fault.Key] = fault.Name
	}
}

// checks are the built-in ones, as they run in postflight.
type checks map[string]probe.Prober

// patience is each check's timeout: less than what slow takes.
const patience = 500 * time.Millisecond

func newChecks(t *testing.T, target string) checks {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(demo.Token(secret, demo.Admin, time.Now().Add(time.Hour))), 0o600); err != nil {
		t.Fatal(err)
	}
	client := httpprobe.NewClient("test")
	t.Cleanup(client.Close)
	all := checks{}
	for _, check := range builtin.All() {
		built := asked(check, httpprobe.TokenFile(token))
		built.Key = probe.Key{Service: "demo", Target: target, Check: check.Name}
		all[check.Name] = client.Prober(built)
	}
	return all
}

// asked is what a built-in check asks with credentials.
func asked(check builtin.Check, credentials httpprobe.Credentials) httpprobe.Check {
	if check.Tokens != nil {
		return builtin.Auth{Path: check.Path, Tokens: check.Tokens, Credentials: credentials}.Check()
	}
	request := httpprobe.Request{
		Method: http.MethodGet, Path: check.Path, Expect: expect.Rules{Status: check.Status, JudgeBody: check.Judge},
	}
	if check.Credentials != "" {
		request.Credentials = credentials
	}
	return httpprobe.Check{Requests: []httpprobe.Request{request}}
}

func (c checks) run(ctx context.Context, check string) probe.Result {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	result, _ := c[check].Probe(ctx) // an error stands in the outcome too
	return result
}
