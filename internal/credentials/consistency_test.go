package credentials_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// pair is two targets as they are behind one balancer.
type pair struct {
	a, b             *backend
	targetA, targetB string
	asked            int // how often a was, logins apart
}

// TestTokensOfOneAnother probes both targets, lets an hour pass, has something happen, and probes the first one again.
func TestTokensOfOneAnother(t *testing.T) {
	type outcome struct {
		Tokens  probe.TokenConsistency
		Outcome probe.Outcome
		Reason  probe.Reason
		Asked   int
		Logins  []string // targets; with ! where they failed
	}
	const undecided, consistent, inconsistent = probe.TokensUndecided, probe.TokensConsistent, probe.TokensInconsistent
	tests := []struct {
		name     string
		keys     [2]string
		lifetime time.Duration
		happens  func(*pair)
		want     outcome
	}{
		{"one key", [2]string{"one", "one"}, 0, func(*pair) {}, outcome{Tokens: consistent, Asked: 1}},
		{"one key, JWT", [2]string{"one", "one"}, 24 * time.Hour, func(*pair) {}, outcome{Tokens: consistent, Asked: 1}},
		{"different keys", [2]string{"one", "two"}, 0, func(*pair) {},
			outcome{Tokens: inconsistent, Outcome: probe.Warn, Asked: 3, Logins: []string{"b"}}},
		{"different keys, JWT", [2]string{"one", "two"}, 24 * time.Hour, func(*pair) {},
			outcome{Tokens: inconsistent, Outcome: probe.Warn, Asked: 3, Logins: []string{"b"}}},
		{"the other's token has been revoked", [2]string{"one", "one"}, 0, func(p *pair) { p.b.revoke(); p.a.generation++ },
			outcome{Tokens: consistent, Asked: 2, Logins: []string{"b"}}},
		{"the other is down, its token still valid", [2]string{"one", "one"}, 0, func(p *pair) { p.b.down = 502 },
			outcome{Tokens: consistent, Asked: 1}},
		{"the other is down, its token revoked, and the own one too", [2]string{"one", "one"}, 0, func(p *pair) { p.b.down = 502; p.a.revoke() },
			outcome{Asked: 3, Logins: []string{"!b", "a"}}},
		{"the other is down, with another key", [2]string{"one", "two"}, 0, func(p *pair) { p.b.down = 502 },
			outcome{Asked: 2, Logins: []string{"!b"}}},
		{"the other is down, its token expired", [2]string{"one", "one"}, 30 * time.Minute, func(p *pair) { p.b.down = 502 },
			outcome{Asked: 1, Logins: []string{"a", "!b"}}},
		{"both expired", [2]string{"one", "one"}, 30 * time.Minute, func(*pair) {},
			outcome{Tokens: consistent, Asked: 1, Logins: []string{"a", "b"}}},
		{"both expired, with different keys", [2]string{"one", "two"}, 30 * time.Minute, func(*pair) {},
			outcome{Tokens: inconsistent, Outcome: probe.Warn, Asked: 2, Logins: []string{"a", "b"}}},
		{"no logins any more at the target, which accepts the other's", [2]string{"one", "one"}, 0, func(p *pair) { p.a.password = "new" },
			outcome{Tokens: consistent, Asked: 1}},
		{"nothing is accepted", [2]string{"one", "one"}, 0, func(p *pair) { p.a.refusesAll = true },
			outcome{Outcome: probe.Error, Reason: probe.ReasonCredentials, Asked: 4, Logins: []string{"b", "a"}}},
		{"the target is down", [2]string{"one", "one"}, 0, func(p *pair) { p.a.down = 503 },
			outcome{Tokens: undecided, Outcome: probe.Fail, Reason: probe.ReasonStatus, Asked: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &pair{
				a: &backend{key: tt.keys[0], password: password, lifetime: tt.lifetime},
				b: &backend{key: tt.keys[1], password: password, lifetime: tt.lifetime},
			}
			p.serve(t)
			// Their clocks go on as the world's, the one of the test begins in the year 2000 and is 25 years slow.
			synctest.Test(t, func(t *testing.T) {
				c := httpprobe.NewClient("1.2.3")
				defer c.Close()
				s := newSet(c, byLogin(t, password), p.targetA, p.targetB)
				look := func(target string) probe.Result {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					defer cancel()
					result, _ := c.Prober(httpprobe.Check{
						Key: probe.Key{Target: target, Check: "c"},
						Requests: []httpprobe.Request{{
							Method: http.MethodGet, Path: "/path", Credentials: s.For(target), Expect: expect.Rules{},
						}},
					}).Probe(ctx)
					return result
				}
				look(p.targetA)
				look(p.targetB)
				time.Sleep(time.Hour)
				tt.happens(p)
				p.asked = 0
				result := look(p.targetA)
				got := outcome{result.Tokens, result.Outcome, result.Reason, p.asked, p.named(result.Logins)}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s\n%s", diff, result.Got)
				}
			})
		})
	}
}

func (p *pair) serve(t *testing.T) {
	a := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/login" {
			p.asked++
		}
		p.a.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	b := httptest.NewServer(p.b)
	t.Cleanup(b.Close)
	p.targetA, p.targetB = a.URL, b.URL
}

func (p *pair) named(logins []probe.Login) []string {
	var names []string
	for _, login := range logins {
		name := map[string]string{p.targetA: "a", p.targetB: "b"}[login.Target]
		if !login.Success {
			name = "!" + name
		}
		names = append(names, name)
	}
	return names
}

// A single look is enough to see it.
func TestTheFirstLookComparesTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{targetA: {key: "one", password: password}, targetB: {key: "two", password: password}, targetC: {key: "three", password: password}}
		s := newSet(w, byLogin(t, password), targetA, targetB, targetC)
		got := map[string]string{}
		for _, target := range []string{targetA, targetB, targetC} {
			got[target] = must(t, s, target).Issuer
		}
		if diff := cmp.Diff(map[string]string{targetA: targetB, targetB: targetC, targetC: targetA}, got); diff != "" {
			t.Errorf("issuers (-want +got):\n%s", diff)
		}
	})
}

// Where the next target has no token, the one after it will do.
func TestAnothersToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{targetA: {password: password}, targetC: {password: password}}
		s := newSet(w, byLogin(t, password), targetA, targetB, targetC)
		if grant := must(t, s, targetA); grant.Issuer != "" {
			t.Errorf("a token of %s", grant.Issuer)
		}
		must(t, s, targetC)
		if grant := must(t, s, targetA); grant.Issuer != targetC {
			t.Errorf("a token of %q, want %s's", grant.Issuer, targetC)
		}
		if grant := must(t, s, targetB); grant.Issuer != targetC {
			t.Errorf("a token of %q for the one without, want %s's", grant.Issuer, targetC)
		}
	})
}
