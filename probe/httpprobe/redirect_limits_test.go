package httpprobe_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// What another origin makes of a request that it gets without our credentials says nothing about them.
func TestRefusalByAnotherOrigin(t *testing.T) {
	tests := []struct {
		name    string
		route   map[string]string
		outcome probe.Outcome
		reason  probe.Reason
		refused int32
	}{
		{"401 of the target itself", map[string]string{"A/start": "302 A/end", "A/end": "401"}, probe.Error, probe.ReasonCredentials, 1},
		{"401 of another origin", map[string]string{"A/start": "302 B/end", "B/end": "401"}, probe.Fail, probe.ReasonStatus, 0},
		{"403 of another origin", map[string]string{"A/start": "302 B/end", "B/end": "403"}, probe.Fail, probe.ReasonStatus, 0},
		{"401 of the target, to what came back from another", map[string]string{"A/start": "302 B/on", "B/on": "302 A/end", "A/end": "401"},
			probe.Fail, probe.ReasonStatus, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigins(t, tt.route)
			check := o.full("A", "GET")
			credentials := &counted{always: "another-0123456789"}
			check.Requests[0].Credentials = credentials
			got := look(t, check, ample)
			if got.Outcome != tt.outcome || got.Reason != tt.reason || credentials.refused.Load() != tt.refused {
				t.Errorf("%+v, told of %d refusals; want %v, %s and %d", verdictOf(got), credentials.refused.Load(), tt.outcome, tt.reason, tt.refused)
			}
			if strings.Contains(got.Got, "another-0123456789") {
				t.Errorf("it shows the token: %s", got.Got)
			}
		})
	}
}

// An answer of another origin does not say that the target took a token.
func TestTokensAreNotComparedElsewhere(t *testing.T) {
	o := newOrigins(t, map[string]string{"A/start": "302 B/end"})
	check := o.full("A", "GET")
	check.Requests[0].Credentials = issuedBy("http://other.example")
	if got := look(t, check, ample); got.Outcome != probe.Pass || got.Tokens != probe.TokensUndecided {
		t.Errorf("%+v, tokens %v, want a pass and undecided", verdictOf(got), got.Tokens)
	}
}

type issuedBy string

func (i issuedBy) Grant(context.Context) (httpprobe.Grant, error) {
	return httpprobe.Grant{Authorization: "Bearer one-0123456789", Secret: "one-0123456789", Issuer: string(i)}, nil
}

func (i issuedBy) Refused(context.Context, httpprobe.Grant) (httpprobe.Grant, bool) {
	return httpprobe.Grant{}, false
}

// counted is credentials that count the refusals that they are told of.
type counted struct {
	always
	refused atomic.Int32
}

func (c *counted) Refused(ctx context.Context, grant httpprobe.Grant) (httpprobe.Grant, bool) {
	c.refused.Add(1)
	return c.always.Refused(ctx, grant)
}

// The latency is of all hops, the phases are the last one's.
func TestTimesOfARedirectedRequest(t *testing.T) {
	const first, second = 60 * time.Millisecond, 20 * time.Millisecond
	mux := http.NewServeMux()
	mux.HandleFunc("/path", func(w http.ResponseWriter, r *http.Request) {
		wait(r.Context(), first)
		http.Redirect(w, r, "/end", http.StatusFound)
	})
	mux.HandleFunc("/end", func(_ http.ResponseWriter, r *http.Request) { wait(r.Context(), second) })
	server := httptest.NewServer(mux)
	defer server.Close()
	var answer expect.Answer
	check := get(server.URL, expect.Func(func(a expect.Answer) expect.Judgement { answer = a; return expect.Judgement{} }))
	check.FollowRedirects = true
	got := look(t, check, ample)
	if got.Outcome != probe.Pass || len(got.Latencies) != 1 || got.Latencies[0] < first+second || answer.Duration != got.Latencies[0] {
		t.Fatalf("%+v, latencies %v, the answer's %v", verdictOf(got), got.Latencies, answer.Duration)
	}
	var phases time.Duration
	for _, phase := range got.Phases {
		phases += phase
	}
	if processing := got.Phases[probe.Processing]; processing < second || phases > got.Latencies[0]-first {
		t.Errorf("phases %v of %v: they hold more than the last hop, or less", got.Phases, got.Latencies[0])
	}
	if answer.Answered.Sub(answer.Sent) > got.Latencies[0]-first {
		t.Errorf("sent %v, answered %v: that is not the last hop", answer.Sent, answer.Answered)
	}
}

// wait is how long a server takes.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// The deadline is of the whole chain.
func TestDeadlineOverRedirects(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait(r.Context(), scant/4)
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	}))
	defer server.Close()
	check := get(server.URL, wantsOK)
	check.FollowRedirects = true
	got := look(t, check, scant)
	if got.Outcome != probe.Fail || got.Reason != probe.ReasonTimeout || got.Wanted != "an answer within 300ms" || len(got.Latencies) != 1 {
		t.Errorf("%+v, latencies %v, want a timeout", verdictOf(got), got.Latencies)
	}
	if got.Latencies[0] < scant {
		t.Errorf("it timed out after %v of %v", got.Latencies[0], scant)
	}
}

// Of a name that a redirect leads to, resolving is a phase too.
func TestRedirectToANameIsResolved(t *testing.T) {
	o := newOrigins(t, nil)
	o.route = map[string]string{"A/start": "302 http://localhost" + o.at["B"][strings.LastIndex(o.at["B"], ":"):] + "/end"}
	got := look(t, o.full("A", "GET"), ample)
	if got.Outcome != probe.Pass || got.Phases[probe.Resolve] <= 0 {
		t.Errorf("%+v, phases %v", verdictOf(got), got.Phases)
	}
}

// A redirect's own body, however long, is not read to its end.
func TestBodyOfARedirectIsLeft(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/path", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/end")
		w.WriteHeader(http.StatusFound)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/end", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, reuse := range []bool{false, true} {
		check := get(server.URL, wantsOK)
		check.FollowRedirects, check.Reuse = true, reuse
		if got := look(t, check, ample); got.Outcome != probe.Pass {
			t.Errorf("reuse %v: %+v, want a pass", reuse, verdictOf(got))
		}
	}
}
