package httpprobe_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// What our own machine lacks says nothing about the target.
func TestNoFileLeft(t *testing.T) {
	if _, err := net.LookupHost("localhost"); err != nil { // as a daemon has: the resolver has read its configuration
		t.Fatal(err)
	}
	for name, target := range map[string]string{"an address": "http://127.0.0.1:1", "a name": "http://backend.invalid"} {
		t.Run(name, func(t *testing.T) {
			var limit syscall.Rlimit
			if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
				t.Fatal(err)
			}
			none := limit
			none.Cur = 1
			if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
				t.Fatal(err)
			}
			got := look(t, get(target, passes), ample)
			if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
				t.Fatal(err)
			}
			want := verdict{probe.Error, probe.ReasonInternal, 0, "a connection", "our own machine's limit: too many open files"}
			if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// Many bodies at once take no more memory than has come, and of large ones only a few are let in.
func TestMemoryOfManyBodiesAtOnce(t *testing.T) {
	const targets = 200
	tests := []struct {
		name, answer string
		most         uint64 // MiB allocated
	}{
		{"a body that is only claimed", "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n", 20},
		{"a body that stalls after 1 MiB", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20), 60},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := []byte(tt.answer)
			target := "http://" + listen(t, afterRequest(func(conn net.Conn) {
				conn.Write(answer)
				untilClosed(conn)
			}))
			client := httpprobe.NewClient("test")
			defer client.Close()
			prober := client.Prober(get(target, passes))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ctx, cancel := context.WithTimeout(t.Context(), 10*scant)
			defer cancel()
			var wg sync.WaitGroup
			for range targets {
				wg.Go(func() {
					if got, _ := prober.Probe(ctx); got.Reason != probe.ReasonTimeout && got.Reason != probe.ReasonInternal {
						t.Errorf("%+v, want timeout or internal", verdictOf(got))
					}
				})
			}
			wg.Wait()
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d targets made us allocate %d MiB", targets, allocated)
			if allocated > tt.most {
				t.Errorf("%d targets made us allocate %d MiB, at most %d are allowed", targets, allocated, tt.most)
			}
		})
	}
}

// A large body that finds no room in time could not be measured, and has neither passed late nor timed out. Small ones
// need no room.
func TestNoRoomForALargeBody(t *testing.T) {
	sizes := http.NewServeMux()
	sizes.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 100<<10)) })
	sizes.HandleFunc("/small", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") })
	server := httptest.NewServer(sizes)
	defer server.Close()
	client := httpprobe.NewClient("test")
	defer client.Close()
	by := func(client *httpprobe.Client, path string, judge expect.Expectation) probe.Prober {
		check := get(server.URL, judge)
		check.Requests[0].Path = path
		return client.Prober(check)
	}
	asking := func(path string, judge expect.Expectation) probe.Prober { return by(client, path, judge) }
	sharing := client.WithTLS(&tls.Config{}) // it has connections of its own, and the same room
	defer sharing.Close()
	judging, goOn := make(chan struct{}), make(chan struct{})
	holding := asking("/large", expect.Func(func(expect.Answer) expect.Judgement {
		close(judging)
		<-goOn
		return expect.Judgement{}
	}))
	var held probe.Result
	var wg sync.WaitGroup
	wg.Go(func() { held, _ = holding.Probe(t.Context()) })
	<-judging

	noRoom := verdict{probe.Error, probe.ReasonInternal, 200, "a whole answer", "no room to read a large body: too many at once"}
	for name, tt := range map[string]struct {
		prober probe.Prober
		want   verdict
	}{
		"a large one":                   {asking("/large", passes), noRoom},
		"a large one of another client": {by(sharing, "/large", passes), noRoom},
		"a small one":                   {asking("/small", passes), verdict{Status: 200}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), scant)
		got, _ := tt.prober.Probe(ctx)
		cancel()
		if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	close(goOn)
	wg.Wait()
	if held.Outcome != probe.Pass {
		t.Errorf("what was being judged: %+v, want a pass", verdictOf(held))
	}
	if got, _ := asking("/large", passes).Probe(t.Context()); got.Outcome != probe.Pass {
		t.Errorf("once there is room: %+v, want a pass", verdictOf(got))
	}
}

// Targets that stall keep their room until their time is over. The others, however well, are not blamed for it.
func TestStallingBodiesBlameNobodyElse(t *testing.T) {
	const stalling, well = 40, 10
	answers := http.NewServeMux()
	answers.HandleFunc("/stall", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", 100<<10))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	answers.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 100<<10)) })
	server := httptest.NewServer(answers)
	defer server.Close()
	client := httpprobe.NewClient("test")
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*scant)
	defer cancel()
	results := make(chan verdict, stalling+well)
	probing := func(path string, times int) {
		check := get(server.URL, passes)
		check.Requests[0].Path = path
		prober := client.Prober(check)
		for range times {
			go func() {
				got, _ := prober.Probe(ctx)
				results <- verdictOf(got)
			}()
		}
	}
	probing("/stall", stalling)
	probing("/well", well)
	const places = 8
	count := map[probe.Reason]int{}
	for range stalling + well {
		got := <-results
		count[got.Reason]++
		if got.Reason == probe.ReasonInternal && got.Outcome != probe.Error {
			t.Errorf("%+v, want an error", got)
		}
	}
	if count[probe.ReasonTimeout] > places || count[probe.ReasonInternal] < stalling-places ||
		count[probe.ReasonNone]+count[probe.ReasonInternal]+count[probe.ReasonTimeout] != stalling+well {
		t.Errorf("reasons %v: want at most %d timeouts, and the rest internal or none", count, places)
	}
}
