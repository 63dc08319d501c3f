package httpprobe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

func TestWhatIsSentAndJudged(t *testing.T) {
	var sent *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Clone(context.Background())
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"ok":true}`)
	}))
	defer server.Close()
	var judged expect.Answer
	check := get(server.URL+"/", expect.Func(func(a expect.Answer) expect.Judgement {
		judged = a
		return expect.Judgement{Values: []probe.Value{{Metric: "m", Number: 1}}, Assertions: []probe.Assertion{{Name: "a", Held: true}}}
	}))
	check.Requests[0].Method = http.MethodPost
	check.Requests[0].Path = "/api/x?y={z}"
	check.Requests[0].Header = http.Header{"X-Asked": {"please"}}
	check.Requests[0].Token = "a-fixed-token"
	before := time.Now()
	got := look(t, check, ample)
	after := time.Now()

	if sent.Method != http.MethodPost || sent.RequestURI != "/api/x?y={z}" || sent.Header.Get("X-Asked") != "please" {
		t.Errorf("sent %s %s %v", sent.Method, sent.RequestURI, sent.Header)
	}
	if agent, bearer := sent.UserAgent(), sent.Header.Get("Authorization"); agent != "postflight/1.2.3" || bearer != "Bearer a-fixed-token" {
		t.Errorf("sent User-Agent %q, Authorization %q", agent, bearer)
	}
	if judged.Status != http.StatusAccepted || judged.Header.Get("X-Answer") != "yes" || judged.Size != 11 {
		t.Errorf("judged %+v", judged)
	}
	if judged.Sent.Before(before) || judged.Answered.Before(judged.Sent) || after.Before(judged.Answered) || judged.Duration <= 0 {
		t.Errorf("sent %v, answered %v, took %v", judged.Sent, judged.Answered, judged.Duration)
	}
	want := probe.Result{
		Key: check.Key, Start: got.Start, Duration: got.Duration, Outcome: probe.Pass, Status: http.StatusAccepted, Phases: got.Phases,
		Latencies: []time.Duration{judged.Duration},
		Values:    []probe.Value{{Metric: "m", Number: 1}}, Assertions: []probe.Assertion{{Name: "a", Held: true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got.Start.Before(before) || after.Before(got.End()) || got.Duration < judged.Duration {
		t.Errorf("from %v for %v", got.Start, got.Duration)
	}
}

func TestPhases(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	tests := []struct {
		name, target string
		reuse        bool
		again        bool // look at the second probe
		happened     []probe.Phase
	}{
		{"an address", server.URL, false, false, []probe.Phase{probe.Connect, probe.Processing, probe.Transfer}},
		{"a name", "http://localhost:" + port, false, false, []probe.Phase{probe.Resolve, probe.Connect, probe.Processing, probe.Transfer}},
		{"a fresh connection again", server.URL, false, true, []probe.Phase{probe.Connect, probe.Processing, probe.Transfer}},
		{"a connection kept", server.URL, true, true, []probe.Phase{probe.Processing, probe.Transfer}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := httpprobe.NewClient("test")
			defer client.Close()
			check := get(tt.target, passes)
			check.Reuse = tt.reuse
			prober := client.Prober(check)
			got, err := prober.Probe(t.Context())
			if tt.again {
				got, err = prober.Probe(t.Context())
			}
			if err != nil || got.Outcome != probe.Pass {
				t.Fatalf("outcome %v, got %s: %v", got.Outcome, got.Got, err)
			}
			var happened []probe.Phase
			var sum time.Duration
			for _, phase := range probe.Phases {
				sum += got.Phases[phase]
				if got.Phases[phase] > 0 {
					happened = append(happened, phase)
				}
			}
			if diff := cmp.Diff(tt.happened, happened); diff != "" {
				t.Errorf("phases that happened (-want +got):\n%s", diff)
			}
			if sum > got.Duration {
				t.Errorf("phases %v take longer than the whole, %v", got.Phases, got.Duration)
			}
		})
	}
}

func TestConnections(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		var opened atomic.Int32
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		server.Start()
		check := get(server.URL, passes)
		check.Reuse = reuse
		client := httpprobe.NewClient("test")
		prober := client.Prober(check)
		for range 5 {
			if got, err := prober.Probe(t.Context()); err != nil || got.Outcome != probe.Pass {
				t.Errorf("outcome %v, got %s: %v", got.Outcome, got.Got, err)
			}
		}
		client.Close()
		server.Close()
		want := int32(5)
		if reuse {
			want = 1
		}
		if opened.Load() != want {
			t.Errorf("reuse %v: %d connections, want %d", reuse, opened.Load(), want)
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "https://ops:s3cret@example.org/login?token=abc#x", http.StatusFound)
	}))
	defer server.Close()
	got := look(t, get(server.URL, expect.Func(func(a expect.Answer) expect.Judgement {
		return expect.WrongStatus(a, "status 200")
	})), ample)
	want := verdict{probe.Fail, probe.ReasonRedirect, 302, "status 200", "status 302 Found, a redirect to https://example.org/login"}
	if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	if got := look(t, get(server.URL, passes), ample); got.Outcome != probe.Pass {
		t.Errorf("an expectation that wants a redirect gets %+v", verdictOf(got))
	}
}

func TestCookiesAreForgotten(t *testing.T) {
	var cookies atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies.Add(int32(len(r.Cookies())))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"})
	}))
	defer server.Close()
	check := get(server.URL, passes)
	check.Requests = append(check.Requests, check.Requests[0])
	look(t, check, ample)
	if cookies.Load() != 0 {
		t.Errorf("%d cookies came back", cookies.Load())
	}
}

func TestTooManyRequestsIsNotJudged(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	defer server.Close()
	got := look(t, get(server.URL, expect.Func(func(expect.Answer) expect.Judgement {
		t.Error("it was judged")
		return expect.Judgement{}
	})), ample)
	want := verdict{probe.Error, probe.ReasonRateLimited, 429, "an answer", "status 429 Too Many Requests"}
	if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if len(got.Latencies) != 1 {
		t.Errorf("latencies %v, want one", got.Latencies)
	}
}

// Of several requests the worst decides, and everything that was read is kept.
func TestSeveralRequests(t *testing.T) {
	said := func(outcome probe.Outcome, reason probe.Reason) expect.Judgement {
		return expect.Judgement{Outcome: outcome, Reason: reason, Wanted: "w", Got: "g"}
	}
	pass, warn := expect.Judgement{}, said(probe.Warn, "")
	failed, slow, bypassed := said(probe.Fail, probe.ReasonStatus), said(probe.Fail, probe.ReasonSlow), said(probe.Fail, probe.ReasonAuthBypassed)
	broken, blind := said(probe.Fail, probe.ReasonAuthBroken), said(probe.Error, probe.ReasonCredentials)
	tests := []struct {
		name   string
		judged []expect.Judgement
		worst  int
	}{
		{"all pass", []expect.Judgement{pass, pass, pass}, 0},
		{"a warning", []expect.Judgement{pass, warn, pass}, 1},
		{"blind is worse than a warning", []expect.Judgement{warn, blind, pass}, 1},
		{"failing is worse than blind", []expect.Judgement{blind, warn, failed}, 2},
		{"the first of two failures", []expect.Judgement{pass, failed, broken}, 1},
		{"any other failure is worse than being slow", []expect.Judgement{slow, broken, slow}, 1},
		{"being slow is worse than blind", []expect.Judgement{blind, slow, blind}, 1},
		{"the first of two that are slow", []expect.Judgement{pass, slow, slow}, 1},
		{"a bypass is worse than other failures", []expect.Judgement{failed, slow, bypassed}, 2},
		{"the first of two bypasses", []expect.Judgement{failed, bypassed, bypassed}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var n int
				fmt.Sscanf(r.URL.Path, "/%d", &n)
				w.WriteHeader(200 + n)
			}))
			defer server.Close()
			check := get(server.URL, nil)
			check.Requests = nil
			want := probe.Result{Outcome: tt.judged[tt.worst].Outcome, Reason: tt.judged[tt.worst].Reason, Status: 200 + tt.worst}
			for i, judgement := range tt.judged {
				judgement.Values = []probe.Value{{Metric: "v", Number: float64(i)}}
				judgement.Assertions = []probe.Assertion{{Name: fmt.Sprint(i), Held: true}}
				want.Values = append(want.Values, judgement.Values...)
				want.Assertions = append(want.Assertions, judgement.Assertions...)
				check.Requests = append(check.Requests, httpprobe.Request{
					Name: fmt.Sprint("number ", i), Method: http.MethodGet, Path: fmt.Sprint("/", i),
					Expect: expect.Func(func(expect.Answer) expect.Judgement { return judgement }),
				})
			}
			check.Conclude = func(judged []expect.Judgement) []probe.Value {
				return []probe.Value{{Metric: "concluded", Number: float64(len(judged))}}
			}
			want.Values = append(want.Values, probe.Value{Metric: "concluded", Number: 3})
			if want.Outcome != probe.Pass {
				want.Wanted, want.Got = "w", fmt.Sprintf("number %d: g", tt.worst)
			}
			got := look(t, check, ample)
			if len(got.Latencies) != 3 {
				t.Errorf("latencies %v, want three", got.Latencies)
			}
			want.Key, want.Start, want.Duration, want.Latencies, want.Phases = got.Key, got.Start, got.Duration, got.Latencies, got.Phases
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

// The deadline is the whole check's. What it leaves no time for has not passed.
func TestDeadlineOverSeveralRequests(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), scant)
	defer cancel()
	context.AfterFunc(ctx, func() { close(over) })
	check := get(server.URL, expect.Func(func(expect.Answer) expect.Judgement {
		<-over // the first answer is judged when the time is over
		return expect.Judgement{}
	}))
	check.Requests = append(check.Requests, check.Requests[0])
	concluded := 0
	check.Conclude = func(judged []expect.Judgement) []probe.Value {
		concluded = len(judged)
		return nil
	}
	client := httpprobe.NewClient("test")
	defer client.Close()
	check.Timeout = scant
	got, err := client.Prober(check).Probe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := verdict{probe.Fail, probe.ReasonTimeout, 0, "an answer within 300ms", "no time left to ask"}
	if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if len(got.Latencies) != 1 || concluded != 1 {
		t.Errorf("%d latencies, concluded from %d; want 1 and 1", len(got.Latencies), concluded)
	}
}

func TestShutdownIsNotATimeout(t *testing.T) {
	reached := make(chan struct{})
	target := "http://" + listen(t, afterRequest(func(conn net.Conn) {
		close(reached)
		untilClosed(conn)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		cancel()
	}()
	client := httpprobe.NewClient("test")
	defer client.Close()
	got, err := client.Prober(get(target, passes)).Probe(ctx)
	if !errors.Is(err, context.Canceled) || got.Outcome != probe.Pass || got.Reason != "" {
		t.Errorf("result %+v, error %v", got, err)
	}
}

func TestOneProberForSeveralGoroutines(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `"`+strings.Repeat("x", 100<<10)+`"`) // large enough to wait for each other
	}))
	defer server.Close()
	client := httpprobe.NewClient("test")
	defer client.Close()
	for _, reuse := range []bool{false, true} {
		check := get(server.URL, passes)
		check.Reuse = reuse
		prober := client.Prober(check)
		results := make(chan probe.Result, 16)
		for range cap(results) {
			go func() {
				result, _ := prober.Probe(t.Context())
				results <- result
			}()
		}
		for range cap(results) {
			if got := <-results; got.Outcome != probe.Pass {
				t.Errorf("%+v, want a pass", verdictOf(got))
			}
		}
	}
}

func TestMethodHeadersAndBodyAreSent(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			got := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body)
			}))
			defer server.Close()
			check := get(server.URL, passes)
			check.Requests[0].Method, check.Requests[0].Path = method, "/api/orders/search"
			check.Requests[0].Header = http.Header{"Content-Type": {"application/json"}}
			check.Requests[0].Body = `{"limit": 1}`
			look(t, check, ample)
			want := method + ` /api/orders/search application/json {"limit": 1}`
			if diff := cmp.Diff(want, <-got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
