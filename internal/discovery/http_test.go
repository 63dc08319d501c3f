package discovery_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/discovery"
)

// over is a list that is asked for at url.
func over(url string) discovery.Lists {
	return discovery.Lists{Agent: "postflight/1.2.3", HTTP: []discovery.HTTP{{URL: url, RefreshInterval: 90 * time.Second, Scheme: "https"}}}
}

func TestAListOverHTTP(t *testing.T) {
	var asked *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/targets", http.StatusFound)
			return
		}
		asked = r
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		io.WriteString(w, `[{"targets": ["a:8000", "http://b"], "labels": {"env": "prod", "__meta_dc": "x"}}]`)
	}))
	defer server.Close()
	for _, path := range []string{"/targets?dc=eu", "/moved"} {
		found := over(server.URL + path).Read(t.Context())
		if found.Problem != "" || found.LastSuccess.IsZero() {
			t.Fatalf("%s: not read: %+v", path, found)
		}
		if diff := cmp.Diff([]string{`https://a:8000 env="prod"`, `http://b env="prod"`}, shown(found.Targets)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	want := []string{"GET", "application/json", "postflight/1.2.3", "90"}
	got := []string{asked.Method, asked.Header.Get("Accept"), asked.UserAgent(), asked.Header.Get("X-Prometheus-Refresh-Interval-Seconds")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnswersThatAreNoList(t *testing.T) {
	const list = `[{"targets": ["a"]}]`
	for _, tc := range []struct {
		what         string
		status       int
		contentType  string
		body         string
		told         string // what the server says to be the length of the body, if not its own
		wantsProblem string
	}{
		{"an error", 503, "application/json", list, "", "answered 503; a list is answered with 200"},
		{"nothing", 204, "application/json", "", "", "answered 204; a list is answered with 200"},
		{"a redirect to nowhere", 302, "application/json", list, "", "answered 302; a list is answered with 200"},
		{"a page", 200, "text/html", "<html>", "", `answered Content-Type "text/html"; a list is of application/json`},
		{"no type", 200, "", list, "", `answered Content-Type ""; a list is of application/json`},
		{"another character set", 200, "application/json; charset=latin1", list, "", `answered Content-Type "application/json; charset=latin1"; a list is of application/json`},
		{"no list", 200, "application/json", "{}", "", `line 1: not a list; write it such as [{"targets": ["127.0.0.1:8000"]}]`},
		{"an empty body", 200, "application/json", "", "", `empty; was it cut short? A list of no targets is written []`},
		{"a bad target", 200, "application/json", `[{"targets": ["a:b"]}]`, "", `line 1, [0].targets[0]: "https://a:b" is not a URL of http or https; write it such as http://127.0.0.1:8000`},
		{"more than 4 MiB", 200, "application/json", "[" + strings.Repeat(" ", 4<<20) + "]", "", "larger than 4 MiB; divide the list into several"},
		{"cut short", 200, "application/json", list, "1000", "the answer ends too early: unexpected EOF; see that the URL is right and the server well"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = nil
				if tc.contentType != "" {
					w.Header().Set("Content-Type", tc.contentType)
				}
				if tc.told != "" {
					w.Header().Set("Content-Length", tc.told)
				}
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.body)
			}))
			defer server.Close()
			want := discovery.Found{Problem: server.URL + "/targets: " + tc.wantsProblem}
			if diff := cmp.Diff(want, over(server.URL+"/targets?token=hunter2").Read(t.Context())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAListServerThatIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	want := fmt.Sprintf("http://%s/: no answer: dial tcp %s: connect: connection refused; see that the URL is right and the server well", address, address)
	if got := over("http://" + address + "/?token=hunter2").Read(t.Context()).Problem; got != want {
		t.Errorf("got:  %s\nwant: %s", got, want)
	}
}

// What a list server says of itself cannot break out of the line that tells of it.
func TestAProblemIsOneLine(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "ftp://"+strings.Repeat("x", 5000))
		w.WriteHeader(http.StatusFound)
	}))
	defer server.Close()
	problem := over(server.URL).Read(t.Context()).Problem
	if len(problem) > 600 || strings.Contains(problem, "\n") || problem == "" {
		t.Errorf("a problem of %d bytes: %q", len(problem), problem)
	}
}

func TestAListOverHTTPIsWatched(t *testing.T) {
	var answer atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, *answer.Load())
	}))
	defer server.Close()
	says := func(text string) { answer.Store(&text) }
	says(`[{"targets": ["a"]}]`)
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, over(server.URL))
		defer w.stop()
		expect := func(what string, found *discovery.Found, changed bool, problem string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, shown(found.Targets)); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
			if got := strings.TrimPrefix(found.Problem, server.URL+": "); got != problem || found.Changed != changed {
				t.Errorf("%s: problem %q, changed %t; want %q, %t", what, got, found.Changed, problem, changed)
			}
		}
		expect("at once", w.after(0), true, "", "https://a")
		says(`[{"targets": ["b"`)
		if found := w.after(89 * time.Second); found != nil {
			t.Errorf("told before anything was read: %+v", found)
		}
		expect("cut short", w.after(time.Second), false, "line 1: the list ends too early; write a new file beside it and rename that, so that no half of it is read", "https://a")
		says(`[{"targets": ["b", "a"]}]`)
		expect("whole", w.after(90*time.Second), true, "", "https://b", "https://a")
	})
}
