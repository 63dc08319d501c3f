package httpprobe_test

import (
	"context"
	"crypto/tls"
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
		t.Errorf("%+v, latencies %v, want one timeout", verdictOf(got), got.Latencies)
	}
	if len(got.Latencies) == 1 && got.Latencies[0] < scant/2 { // one hop takes a quarter of the time
		t.Errorf("the latency %v is not that of all hops", got.Latencies[0])
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

// A redirect to another origin meets nobody who knows us: it gets no certificate of ours, is known by its own name, and
// when its certificate expires is not the target's affair.
func TestRedirectToAnotherOriginByTLS(t *testing.T) {
	expires := time.Now().Add(50 * time.Hour).Truncate(time.Second)
	ours := authority.issue(t, "ours", expires, false)
	var shown atomic.Int32
	elsewhere := secure(t, authority.issue(t, "127.0.0.1", expires.Add(-time.Hour), false), &tls.Config{
		ClientAuth: tls.RequestClientCert,
		VerifyConnection: func(state tls.ConnectionState) error {
			shown.Add(int32(len(state.PeerCertificates)))
			return nil
		},
	})
	server := httptest.NewUnstartedServer(http.RedirectHandler(elsewhere, http.StatusFound))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.issue(t, "target.example", expires, false)}, ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	for _, reuse := range []bool{false, true} {
		check := get(server.URL, wantsOK)
		check.FollowRedirects, check.Reuse = true, reuse
		client := httpprobe.NewClient("test").WithTLS(&tls.Config{ServerName: "target.example", Certificates: []tls.Certificate{ours}})
		got := lookBy(t, client, check, ample)
		if got.Outcome != probe.Pass || !got.CertificateExpiry.Equal(expires) {
			t.Errorf("reuse %v: %+v, certificate expires %v, want a pass and %v", reuse, verdictOf(got), got.CertificateExpiry, expires)
		}
	}
	if shown.Load() != 0 {
		t.Errorf("it was shown %d certificates", shown.Load())
	}
}

// A target without TLS has no certificate, whatever it redirects to.
func TestCertificateOfARedirectIsNotTheTargets(t *testing.T) {
	elsewhere := secure(t, authority.issue(t, "127.0.0.1", time.Now().Add(-50*time.Hour), false))
	server := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusFound))
	defer server.Close()
	check := get(server.URL, wantsOK)
	check.FollowRedirects = true
	got := look(t, check, ample)
	if got.Reason != probe.ReasonTLS || !got.CertificateExpiry.IsZero() || !strings.Contains(got.Got, "renew it, after a redirect to another origin, "+elsewhere) {
		t.Errorf("%+v, certificate expires %v, want tls and none", verdictOf(got), got.CertificateExpiry)
	}
}
