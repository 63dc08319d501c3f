package httpprobe_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
	"postflight/probe/httpprobe"
)

// origins are servers that redirect as they are told, and write down what they were sent.
type origins struct {
	at    map[string]string // base URL by name
	route map[string]string // "A/path": "302 B/path", or a status alone; 200 where there is none

	mu   sync.Mutex
	sent []string // in the order in which it came
}

func newOrigins(t *testing.T, route map[string]string) *origins {
	o := &origins{at: map[string]string{}, route: maps.Clone(route)}
	for _, name := range []string{"A", "B"} {
		server := httptest.NewServer(o.handler(name))
		t.Cleanup(server.Close)
		o.at[name] = server.URL
	}
	secured := httptest.NewUnstartedServer(o.handler("S"))
	secured.TLS = &tls.Config{Certificates: []tls.Certificate{authority.issue(t, "127.0.0.1", time.Now().Add(50*time.Hour), false)}}
	secured.StartTLS()
	t.Cleanup(secured.Close)
	o.at["S"] = secured.URL
	return o
}

func (o *origins) handler(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + name + r.URL.RequestURI()
		for _, header := range []string{"Authorization", "Cookie", "Referer", "X-Own", "Content-Type"} {
			if value := r.Header.Get(header); value != "" {
				line += " " + header
			}
		}
		if len(body) > 0 {
			line += " " + string(body)
		}
		o.mu.Lock()
		o.sent = append(o.sent, line)
		o.mu.Unlock()
		status, location, _ := strings.Cut(o.route[name+r.URL.RequestURI()], " ")
		if location != "" {
			w.Header().Set("Location", o.url(location))
		}
		code, err := strconv.Atoi(status)
		if err != nil {
			code = http.StatusOK
		}
		w.WriteHeader(code)
	}
}

// url is a place such as A/path as the servers know it. What does not begin with the name of one stays as it is.
func (o *origins) url(place string) string {
	for name, base := range o.at {
		if rest, ok := strings.CutPrefix(place, name+"/"); ok {
			return base + "/" + rest
		}
	}
	return strings.ReplaceAll(place, "{A}", strings.TrimPrefix(o.at["A"], "http://"))
}

// named is a text with the names of the servers in place of their URLs.
func (o *origins) named(text string) string {
	for name, base := range o.at {
		text = strings.ReplaceAll(text, base, name)
	}
	return text
}

// full is a check that sends everything there is to send.
func (o *origins) full(from, method string) httpprobe.Check {
	check := get(o.at[from], wantsOK)
	check.FollowRedirects = true
	request := &check.Requests[0]
	request.Method, request.Path = method, "/start"
	request.Header = http.Header{"Cookie": {"session=1"}, "X-Own": {"1"}}
	if method == http.MethodPost || method == http.MethodPut {
		request.Header.Set("Content-Type", "text/csv")
		request.Body = "1,2"
	}
	request.Token = "a-token-0123456789"
	return check
}

func TestWhatIsSentAlongRedirects(t *testing.T) {
	const all, whole = " Authorization Cookie X-Own", " Authorization Cookie X-Own Content-Type 1,2"
	tests := []struct {
		name   string
		method string
		route  map[string]string
		want   []string
	}{
		{"none", "GET", nil, []string{"GET A/start" + all}},
		{"to the same origin", "GET", map[string]string{"A/start": "302 A/end"}, []string{"GET A/start" + all, "GET A/end" + all}},
		{"to a path", "GET", map[string]string{"A/start": "301 /end?x=1"}, []string{"GET A/start" + all, "GET A/end?x=1" + all}},
		{"to a path beside", "GET", map[string]string{"A/start": "308 end"}, []string{"GET A/start" + all, "GET A/end" + all}},
		{"to the scheme in capitals", "GET", map[string]string{"A/start": "302 HTTP://{A}/end"}, []string{"GET A/start" + all, "GET A/end" + all}},
		{"to a fragment, which is not sent", "GET", map[string]string{"A/start": "302 A/end#part"}, []string{"GET A/start" + all, "GET A/end" + all}},
		{"301 makes GET of POST", "POST", map[string]string{"A/start": "301 A/end"}, []string{"POST A/start" + whole, "GET A/end" + all}},
		{"302 makes GET of POST", "POST", map[string]string{"A/start": "302 A/end"}, []string{"POST A/start" + whole, "GET A/end" + all}},
		{"303 makes GET of POST", "POST", map[string]string{"A/start": "303 A/end"}, []string{"POST A/start" + whole, "GET A/end" + all}},
		{"307 keeps POST", "POST", map[string]string{"A/start": "307 A/end"}, []string{"POST A/start" + whole, "POST A/end" + whole}},
		{"308 keeps PUT", "PUT", map[string]string{"A/start": "308 A/end"}, []string{"PUT A/start" + whole, "PUT A/end" + whole}},
		{"303 keeps HEAD", "HEAD", map[string]string{"A/start": "303 A/end"}, []string{"HEAD A/start" + all, "HEAD A/end" + all}},
		{"a body that is gone does not come back", "POST", map[string]string{"A/start": "302 A/on", "A/on": "307 A/end"},
			[]string{"POST A/start" + whole, "GET A/on" + all, "GET A/end" + all}},
		{"to another port", "GET", map[string]string{"A/start": "302 B/end"}, []string{"GET A/start" + all, "GET B/end"}},
		{"to another scheme", "GET", map[string]string{"A/start": "302 S/end"}, []string{"GET A/start" + all, "GET S/end"}},
		{"to another name", "GET", map[string]string{"A/start": "302 http://localhost{PORT}/end"}, []string{"GET A/start" + all, "GET A/end"}},
		{"307 to another origin takes no body along, and only asks", "PUT", map[string]string{"A/start": "307 B/end"}, []string{"PUT A/start" + whole, "GET B/end"}},
		{"308 to another origin deletes nothing there", "DELETE", map[string]string{"A/start": "308 B/end"}, []string{"DELETE A/start" + all, "GET B/end"}},
		{"307 to another origin keeps HEAD", "HEAD", map[string]string{"A/start": "307 B/end"}, []string{"HEAD A/start" + all, "HEAD B/end"}},
		{"there and back", "POST", map[string]string{"A/start": "307 B/on", "B/on": "307 A/end"},
			[]string{"POST A/start" + whole, "GET B/on", "GET A/end"}},
		{"back to where it began", "GET", map[string]string{"A/start": "302 B/on", "B/on": "302 A/on", "A/on": "302 A/end"},
			[]string{"GET A/start" + all, "GET B/on", "GET A/on", "GET A/end"}},
		{"without a Location", "GET", map[string]string{"A/start": "302"}, []string{"GET A/start" + all}},
		{"304 is none", "GET", map[string]string{"A/start": "304 A/end"}, []string{"GET A/start" + all}},
		{"300 is none", "GET", map[string]string{"A/start": "300 A/end"}, []string{"GET A/start" + all}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigins(t, tt.route)
			for from, to := range o.route {
				o.route[from] = strings.ReplaceAll(to, "{PORT}", o.at["A"][strings.LastIndex(o.at["A"], ":"):])
			}
			for _, reuse := range []bool{false, true} {
				o.sent = nil
				check := o.full("A", tt.method)
				check.Reuse = reuse
				check.Requests[0].Expect = passes
				if got := look(t, check, ample); got.Outcome != probe.Pass || len(got.Latencies) != 1 {
					t.Errorf("%+v, latencies %v, want a pass", verdictOf(got), got.Latencies)
				}
				for i, line := range o.sent { // what resty adds to a request without a body is not ours
					o.sent[i] = strings.TrimSuffix(line, " Content-Type")
				}
				if diff := cmp.Diff(tt.want, o.sent); diff != "" {
					t.Errorf("reuse %v: sent (-want +got):\n%s", reuse, diff)
				}
			}
			if tt.route == nil {
				return
			}
			o.sent = nil
			check := o.full("A", tt.method)
			check.FollowRedirects = false
			if look(t, check, ample); len(o.sent) != 1 {
				t.Errorf("it is not to be followed, and was: %q", o.sent)
			}
		})
	}
}

func TestRedirectsThatAreNotFollowed(t *testing.T) {
	chain := func(hops int) map[string]string {
		route := map[string]string{"A/start": "302 A/1"}
		for i := 1; i < hops; i++ {
			route[fmt.Sprint("A/", i)] = fmt.Sprint("302 A/", i+1)
		}
		return route
	}
	failed := func(status int, wanted, got string) verdict {
		return verdict{probe.Fail, probe.ReasonRedirect, status, wanted, got}
	}
	const anywhere, known = "redirects to http or https", "redirects without a user name and password"
	tests := []struct {
		name  string
		route map[string]string
		want  verdict
		asked int
	}{
		{"ten", chain(10), verdict{Status: 200}, 11},
		{"eleven", chain(11), failed(302, "at most 10 redirects", "one more, to A/11, after a redirect to A/10"), 11},
		{"to itself", map[string]string{"A/start": "302 A/start"}, failed(302, "redirects that end", "a circle of them, back to A/start"), 1},
		{"to itself by a fragment", map[string]string{"A/start": "302 #x"}, failed(302, "redirects that end", "a circle of them, back to A/start"), 1},
		{"in a circle", map[string]string{"A/start": "307 A/1", "A/1": "307 A/start"},
			failed(307, "redirects that end", "a circle of them, back to A/start, after a redirect to A/1"), 2},
		{"in a circle of two origins, once the credentials are gone", map[string]string{"A/start": "302 B/1", "B/1": "302 A/start"},
			failed(302, "redirects that end", "a circle of them, back to B/1, after a redirect to another origin, A/start, which gets no credentials, headers or body of ours"), 3},
		{"to another protocol", map[string]string{"A/start": "302 ftp://user:s3cret@example.org/x?token=abc"}, failed(302, anywhere, "one to ftp://example.org/x"), 1},
		{"to a script", map[string]string{"A/start": "302 javascript:alert(1)"}, failed(302, anywhere, "one to javascript:"), 1},
		{"to a mail address", map[string]string{"A/start": "302 mailto:ops@example.org"}, failed(302, anywhere, "one to mailto:"), 1},
		{"to a user's password", map[string]string{"A/start": "302 http://user:s3cret@{A}/end?code=hidden"}, failed(302, known, "one with them, to A/end"), 1},
		{"to a user", map[string]string{"A/start": "302 http://user@{A}/end"}, failed(302, known, "one with them, to A/end"), 1},
		{"to no host", map[string]string{"A/start": "302 http:///end"}, failed(302, "a redirect to a host", "one to none"), 1},
		{"to a port of no host", map[string]string{"A/start": "302 http://:1/end"}, failed(302, "a redirect to a host", "one to none"), 1},
		{"to no URL", map[string]string{"A/start": "302 http://[::1/?code=hidden"}, failed(0, "a redirect to a URL", "one to something else"), 1},
		{"to no URL later", map[string]string{"A/start": "302 A/1", "A/1": "302 http://[::1/?code=hidden"},
			failed(0, "a redirect to a URL", "one to something else, after a redirect to A/1"), 2},
		{"a query is not shown", map[string]string{"A/start": "302 /end?code=hidden#x", "A/end?code=hidden": "500"},
			verdict{probe.Fail, probe.ReasonStatus, 500, "status 200", "status 500 Internal Server Error, after a redirect to A/end"}, 2},
		{"to nobody", map[string]string{"A/start": "302 http://127.0.0.1:1/end"},
			verdict{probe.Fail, probe.ReasonConnect, 0, "a connection", "127.0.0.1:1: connection refused, after a redirect to another origin, " +
				"http://127.0.0.1:1/end, which gets no credentials, headers or body of ours"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrigins(t, tt.route)
			got := look(t, o.full("A", "GET"), ample)
			verdict := verdictOf(got)
			verdict.Got = o.named(verdict.Got)
			if diff := cmp.Diff(tt.want, verdict); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if len(o.sent) != tt.asked {
				t.Errorf("asked %q, want %d", o.sent, tt.asked)
			}
			if wanted := min(1, tt.want.Status); len(got.Latencies) != wanted {
				t.Errorf("latencies %v, want %d", got.Latencies, wanted)
			}
		})
	}
}
