package httpprobe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// scripted is credentials that grant one thing after another.
type scripted struct {
	grants  []httpprobe.Grant
	err     error           // of the first, in place of it
	nothing httpprobe.Grant // what comes with the word that there is nothing else
	forever bool            // the last is granted again and again
	wait    func(ctx context.Context, call int)
	refused []string // the secrets that it was told are refused
}

func (s *scripted) Grant(ctx context.Context) (httpprobe.Grant, error) {
	s.pause(ctx, 0)
	return s.grants[0], s.err
}

func (s *scripted) Refused(ctx context.Context, refused httpprobe.Grant) (httpprobe.Grant, bool) {
	s.refused = append(s.refused, refused.Secret)
	s.pause(ctx, len(s.refused))
	switch next := len(s.refused); {
	case next < len(s.grants):
		return s.grants[next], true
	case s.forever:
		return s.grants[len(s.grants)-1], true
	default:
		return s.nothing, false
	}
}

func (s *scripted) pause(ctx context.Context, call int) {
	if s.wait != nil {
		s.wait(ctx, call)
	}
}

// a grant of a token; who logs in to come by it tells so.
func token(name, issuer string, logins ...probe.Login) httpprobe.Grant {
	return httpprobe.Grant{Authorization: "Bearer " + name, Secret: name, Issuer: issuer, Logins: logins}
}

func old(grant httpprobe.Grant) httpprobe.Grant {
	grant.Old = true
	return grant
}

// guarded is a backend that knows tokens: it answers each with its status, and all others with 401.
type guarded struct {
	knows map[string]int
	says  string
	mu    sync.Mutex
	sent  []string
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.mu.Lock()
	g.sent = append(g.sent, sent)
	g.mu.Unlock()
	status, known := g.knows[sent]
	if !known {
		status = http.StatusUnauthorized
	}
	w.WriteHeader(status)
	io.WriteString(w, g.says)
}

func TestAskingWithCredentials(t *testing.T) {
	const one, two, three = "the-first-token", "second-of-tokens", "token-of-a-third"
	const there, yonder = "http://there.example", "http://yonder.example"
	login := func(target string, success bool) probe.Login {
		return probe.Login{Credentials: "admin", Target: target, Success: success}
	}
	all := func(tokens ...string) map[string]int {
		knows := map[string]int{}
		for _, token := range tokens {
			knows[token] = 200
		}
		return knows
	}
	refusal := verdict{probe.Error, probe.ReasonCredentials, 401, "status 200 with our credentials", "status 401 Unauthorized"}
	other := func(refused, accepted string) verdict {
		return verdict{probe.Warn, probe.ReasonNone, 200, "the token that " + refused + " issued accepted",
			"it was refused, and the one accepted that " + accepted + " issued: do they sign with different keys?"}
	}
	pass := verdict{Status: 200}
	tests := []struct {
		name        string
		credentials scripted
		knows       map[string]int
		want        verdict
		tokens      probe.TokenConsistency
		logins      []probe.Login
		sent        []string
		refused     []string
	}{
		{name: "granted", credentials: scripted{grants: []httpprobe.Grant{token(one, "", login("a", true))}}, knows: all(one),
			want: pass, logins: []probe.Login{login("a", true)}, sent: []string{one}},
		{name: "not to be had", credentials: scripted{grants: []httpprobe.Grant{{Logins: []probe.Login{login("a", false)}}}, err: errors.New("login: wrong password")},
			want: verdict{probe.Error, probe.ReasonCredentials, 0, "credentials", "login: wrong password"}, logins: []probe.Login{login("a", false)}},
		{name: "refused", credentials: scripted{grants: []httpprobe.Grant{token(one, "")}},
			want: refusal, sent: []string{one}, refused: []string{one}},
		{name: "refused, and the login that follows fails",
			credentials: scripted{grants: []httpprobe.Grant{token(one, "")}, nothing: httpprobe.Grant{Logins: []probe.Login{login("a", false)}}},
			want:        refusal, logins: []probe.Login{login("a", false)}, sent: []string{one}, refused: []string{one}},
		{name: "refused, then another", credentials: scripted{grants: []httpprobe.Grant{token(one, "", login("a", true)), token(two, "", login("b", true))}}, knows: all(two),
			want: pass, logins: []probe.Login{login("a", true), login("b", true)}, sent: []string{one, two}, refused: []string{one}},
		{name: "forbidden is not refused", credentials: scripted{grants: []httpprobe.Grant{token(one, ""), token(two, "")}}, knows: map[string]int{one: 403},
			want: verdict{probe.Error, probe.ReasonCredentials, 403, "status 200 with our credentials", "status 403 Forbidden"}, sent: []string{one}},
		{name: "the backend fails", credentials: scripted{grants: []httpprobe.Grant{token(one, there), token(two, "")}}, knows: map[string]int{one: 500},
			want: verdict{probe.Fail, probe.ReasonStatus, 500, "status 200", "status 500 Internal Server Error"}, sent: []string{one}},
		{name: "too many requests", credentials: scripted{grants: []httpprobe.Grant{token(one, ""), token(two, "")}}, knows: map[string]int{two: 429},
			want: verdict{probe.Error, probe.ReasonRateLimited, 429, "an answer", "status 429 Too Many Requests"}, sent: []string{one, two}, refused: []string{one}},
		{name: "always another", credentials: scripted{grants: []httpprobe.Grant{token(one, "")}, forever: true},
			want: refusal, sent: []string{one, one, one, one}, refused: []string{one, one, one}},

		{name: "another target's token is accepted", credentials: scripted{grants: []httpprobe.Grant{token(one, there)}}, knows: all(one),
			want: pass, tokens: probe.TokensConsistent, sent: []string{one}},
		{name: "another target's is refused, its own accepted", credentials: scripted{grants: []httpprobe.Grant{token(one, there), token(two, "")}}, knows: all(two),
			want: other(there, "the target itself"), tokens: probe.TokensInconsistent, sent: []string{one, two}, refused: []string{one}},
		{name: "another target's is refused when it is old, its own accepted",
			credentials: scripted{grants: []httpprobe.Grant{old(token(one, there)), token(two, "")}}, knows: all(two),
			want: pass, sent: []string{one, two}, refused: []string{one}},
		{name: "another target's is refused twice, also when it is new",
			credentials: scripted{grants: []httpprobe.Grant{old(token(one, there)), token(two, there), token(three, "")}}, knows: all(three),
			want: other(there, "the target itself"), tokens: probe.TokensInconsistent, sent: []string{one, two, three}, refused: []string{one, two}},
		{name: "another target's is refused and renewed", credentials: scripted{grants: []httpprobe.Grant{token(one, there), token(two, there)}}, knows: all(two),
			want: pass, tokens: probe.TokensConsistent, sent: []string{one, two}, refused: []string{one}},
		{name: "another target's is refused, and a third's accepted",
			credentials: scripted{grants: []httpprobe.Grant{token(one, there), token(two, yonder)}}, knows: all(two),
			want: other(there, yonder), tokens: probe.TokensInconsistent, sent: []string{one, two}, refused: []string{one}},
		{name: "its own is refused, and another target's accepted", credentials: scripted{grants: []httpprobe.Grant{token(one, ""), token(two, there)}}, knows: all(two),
			want: pass, tokens: probe.TokensConsistent, sent: []string{one, two}, refused: []string{one}},
		{name: "all are refused", credentials: scripted{grants: []httpprobe.Grant{token(one, there), token(two, "")}},
			want: refusal, sent: []string{one, two}, refused: []string{one, two}},
		{name: "its own is accepted by a backend that fails", credentials: scripted{grants: []httpprobe.Grant{token(one, there), token(two, "")}}, knows: map[string]int{two: 500},
			want: verdict{probe.Fail, probe.ReasonStatus, 500, "status 200", "status 500 Internal Server Error"}, sent: []string{one, two}, refused: []string{one}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			backend := &guarded{knows: tt.knows}
			server := httptest.NewServer(backend)
			defer server.Close()
			check := get(server.URL, wantsOK)
			check.Requests[0].Credentials = &tt.credentials
			got := look(t, check, ample)
			if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.logins, got.Logins); diff != "" || got.Tokens != tt.tokens {
				t.Errorf("tokens %v, want %v; logins (-want +got):\n%s", got.Tokens, tt.tokens, diff)
			}
			if diff := cmp.Diff(tt.sent, backend.sent); diff != "" || len(got.Latencies) != len(tt.sent) {
				t.Errorf("%d latencies; sent (-want +got):\n%s", len(got.Latencies), diff)
			}
			if diff := cmp.Diff(tt.refused, tt.credentials.refused); diff != "" {
				t.Errorf("told of refusals (-want +got):\n%s", diff)
			}
		})
	}
}

// Where 401 is what is wanted, it refuses nothing.
func TestAWanted401IsNoRefusal(t *testing.T) {
	server := httptest.NewServer(&guarded{})
	defer server.Close()
	credentials := &scripted{grants: []httpprobe.Grant{token("the-first-token", ""), token("another-of-them", "")}}
	check := get(server.URL, expect.Rules{Status: []int{401}})
	check.Requests[0].Credentials = credentials
	if got := look(t, check, ample); got.Outcome != probe.Pass || len(credentials.refused) != 0 {
		t.Errorf("%+v, told of %q", verdictOf(got), credentials.refused)
	}
}

// Logins are the credentials' own: a probe does not write among them.
func TestLoginsAreCopied(t *testing.T) {
	server := httptest.NewServer(&guarded{})
	defer server.Close()
	shared := append(make([]probe.Login, 0, 8), probe.Login{Target: "a"})
	check := get(server.URL, wantsOK)
	check.Requests[0].Credentials = &scripted{grants: []httpprobe.Grant{token("the-first-token", "", shared...), token("another-of-them", "", probe.Login{Target: "b"})}}
	got := look(t, check, ample)
	if len(got.Logins) != 2 || shared[:2][1] != (probe.Login{}) {
		t.Errorf("logins %v, and theirs are %v", got.Logins, shared[:2])
	}
}

// Coming by credentials takes of the check's time. What comes too late could not be measured; only what was asked can have
// timed out.
func TestDeadlineOfAskingWithCredentials(t *testing.T) {
	const slow = "a-token-that-hangs"
	late := func(at int) func(context.Context, int) {
		return func(ctx context.Context, call int) {
			if call == at {
				<-ctx.Done()
			}
		}
	}
	never := func(context.Context, int) {}
	blind := func(wanted, got string) verdict { return verdict{probe.Error, probe.ReasonTimeout, 0, wanted, got} }
	const inTime, noTime = "an answer within 300ms", "no time left to ask, once there were credentials"
	two := []httpprobe.Grant{token("the-first-token", ""), token(slow, "")}
	tests := []struct {
		name        string
		credentials scripted
		want        verdict
		latencies   int
	}{
		{"none in time", scripted{grants: make([]httpprobe.Grant, 1), err: errors.New("login: no answer"), wait: late(0)},
			blind("credentials", "login: no answer"), 0},
		{"granted too late", scripted{grants: two, wait: late(0)}, blind(inTime, noTime), 0},
		{"refused, and another too late", scripted{grants: two, wait: late(1)}, blind(inTime, noTime), 1},
		{"refused, and none in time", scripted{grants: two[:1], wait: late(1)},
			verdict{probe.Error, probe.ReasonCredentials, 401, "status 200 with our credentials", "status 401 Unauthorized"}, 1},
		{"refused, and another never answered", scripted{grants: two, wait: never},
			verdict{probe.Fail, probe.ReasonTimeout, 0, inTime, "nothing in time, while waiting for the answer"}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.Header.Get("Authorization"), slow) {
					<-r.Context().Done()
				}
				w.WriteHeader(http.StatusUnauthorized)
			}))
			defer server.Close()
			check := get(server.URL, wantsOK)
			check.Requests[0].Credentials = &tt.credentials
			got := look(t, check, scant)
			if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if len(got.Latencies) != tt.latencies {
				t.Errorf("latencies %v, want %d", got.Latencies, tt.latencies)
			}
		})
	}
}
