package httpprobe_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// A client that goes away leaves no connection behind, whatever it is at when it does.
func TestCloseLeavesNoConnection(t *testing.T) {
	tests := []struct {
		name  string
		judge func(client *httpprobe.Client, request int) // while that request's answer is judged
		after bool                                        // it is closed once the probe is over
	}{
		{"afterwards", func(*httpprobe.Client, int) {}, true},
		{"during the last request", func(client *httpprobe.Client, request int) {
			if request == 1 {
				client.Close()
			}
		}, false},
		{"before the last request", func(client *httpprobe.Client, request int) {
			if request == 0 {
				client.Close()
			}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opened, closed := make(chan net.Conn, 10), make(chan net.Conn, 10)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
			server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
				switch state {
				case http.StateNew:
					opened <- conn
				case http.StateClosed:
					closed <- conn
				}
			}
			server.TLS = &tls.Config{Certificates: []tls.Certificate{authority.issue(t, "127.0.0.1", time.Now().Add(50*time.Hour), false)}}
			server.StartTLS()
			defer server.Close()
			base := httpprobe.NewClient("test")
			defer base.Close()
			client := base.WithTLS(&tls.Config{})
			check := get(server.URL, nil)
			check.Reuse = true
			check.Requests = append(check.Requests, check.Requests[0])
			for i := range check.Requests {
				check.Requests[i].Expect = expect.Func(func(expect.Answer) expect.Judgement {
					tt.judge(client, i)
					return expect.Judgement{}
				})
			}
			if got, err := client.Prober(check).Probe(t.Context()); err != nil || got.Outcome != probe.Pass {
				t.Fatalf("%+v: %v", verdictOf(got), err)
			}
			if tt.after {
				client.Close()
			}
			for range len(opened) {
				select {
				case <-closed:
				case <-time.After(ample):
					t.Fatal("a connection is still open")
				}
			}
		})
	}
}

// Connections are each client's own: closing one leaves the other its connections.
func TestClientsKeepTheirOwnConnections(t *testing.T) {
	opened := make(chan net.Conn, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened <- conn
		}
	}
	server.Start()
	defer server.Close()
	base := httpprobe.NewClient("test")
	defer base.Close()
	derived := base.WithTLS(&tls.Config{})
	check := get(server.URL, passes)
	check.Reuse = true
	for _, client := range []*httpprobe.Client{base, derived, base, derived} {
		if got, err := client.Prober(check).Probe(t.Context()); err != nil || got.Outcome != probe.Pass {
			t.Fatalf("%+v: %v", verdictOf(got), err)
		}
	}
	derived.Close()
	if _, err := base.Prober(check).Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(opened) != 2 {
		t.Errorf("%d connections, want one of each client", len(opened))
	}
}
