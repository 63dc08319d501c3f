package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"postflight/internal/state"
	"postflight/internal/web"
)

const secret = "s3cr3t-of-the-api"

// tokens in the ways in which a daemon may have one.
func right() (string, error)   { return secret, nil }
func rotated() (string, error) { return "another-one", nil }
func nothing() (string, error) { return "", nil }
func unreadable() (string, error) {
	return "", errors.New("reading token file /etc/postflight/token: permission denied")
}

// reloading is a handler whose reload ends as given, and counts itself.
func reloading(token func() (string, error), err error) (http.Handler, *atomic.Int64) {
	var reloads atomic.Int64
	return web.Handler(web.Options{
		Store:   state.New(),
		Metrics: http.NotFoundHandler(),
		Token:   token,
		Reload: func(context.Context) error {
			reloads.Add(1)
			return err
		},
	}), &reloads
}

func send(h http.Handler, method string, header http.Header, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/-/reload", body)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWhoMayReload(t *testing.T) {
	const bearer, invalid = `Bearer realm="postflight"`, `Bearer realm="postflight", error="invalid_token"`
	authorization := func(value string) http.Header { return http.Header{"Authorization": {value}} }
	own := func(value string) http.Header { return http.Header{"X-Postflight-Token": {value}} }
	for _, row := range []struct {
		name      string
		token     func() (string, error)
		trusted   bool
		header    http.Header
		status    int
		challenge string
		says      string
	}{
		{"the right token", right, false, authorization("Bearer " + secret), 200, "", "has reloaded"},
		{"with the scheme in another case", right, false, authorization("bearer  " + secret), 200, "", "has reloaded"},
		{"in the header beside basic auth", right, false, http.Header{"Authorization": {"Basic b3BzOm9wcw=="}, "X-Postflight-Token": {secret}}, 200, "", "has reloaded"},
		{"in postflight's header, which goes first", right, false, http.Header{"Authorization": {"Bearer of-a-proxy"}, "X-Postflight-Token": {secret}}, 200, "", "has reloaded"},

		{"no token", right, false, nil, 401, bearer, `as "Authorization: Bearer TOKEN"`},
		{"an empty token", right, false, authorization("Bearer "), 401, bearer, "needs the token"},
		{"an empty token in postflight's header", right, false, own(""), 401, bearer, "needs the token"},
		{"basic auth alone", right, false, authorization("Basic b3BzOm9wcw=="), 401, bearer, "needs the token"},
		{"the token as the password of basic auth", right, false, authorization("Basic " + secret), 401, bearer, "needs the token"},
		{"the token without a scheme", right, false, authorization(secret), 401, bearer, "needs the token"},

		{"a wrong token", right, false, authorization("Bearer wrong"), 401, invalid, "not the token"},
		{"a wrong token in postflight's header", right, false, own("wrong"), 401, invalid, "not the token"},
		{"a wrong one in postflight's header, though the other is right", right, false, http.Header{"Authorization": {"Bearer " + secret}, "X-Postflight-Token": {"wrong"}}, 401, invalid, "not the token"},
		{"the beginning of the token", right, false, authorization("Bearer " + secret[:5]), 401, invalid, "not the token"},
		{"more than the token", right, false, authorization("Bearer " + secret + "x"), 401, invalid, "not the token"},
		{"the token in another case", right, false, authorization("Bearer " + strings.ToUpper(secret)), 401, invalid, "not the token"},
		{"the token before it was rotated", rotated, false, authorization("Bearer " + secret), 401, invalid, "not the token"},
		{"any token where the wanted one is empty", nothing, false, authorization("Bearer " + secret), 401, invalid, "not the token"},
		{"no token where the wanted one is empty", nothing, false, nil, 401, bearer, "needs the token"},

		{"none configured", nil, false, nil, 403, "", "none is configured"},
		{"none configured, but one shown", nil, false, authorization("Bearer " + secret), 403, "", "none is configured"},
		{"the token file cannot be read", unreadable, false, authorization("Bearer " + secret), 403, "", "/etc/postflight/token: permission denied"},

		{"trusted, none configured", nil, true, nil, 200, "", "has reloaded"},
		{"trusted, one configured", right, true, nil, 200, "", "has reloaded"},
		{"trusted, with a wrong token", right, true, authorization("Bearer wrong"), 200, "", "has reloaded"},
		{"trusted, the token file cannot be read", unreadable, true, nil, 200, "", "has reloaded"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h, reloads := reloading(row.token, nil)
			if row.trusted {
				h = web.Trusted(h)
			}
			w := send(h, http.MethodPost, row.header, nil)
			if w.Code != row.status || !strings.Contains(w.Body.String(), row.says) {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, row.status, row.says)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != row.challenge {
				t.Errorf("WWW-Authenticate is %q, want %q", got, row.challenge)
			}
			if want := row.status == http.StatusOK; (reloads.Load() == 1) != want {
				t.Errorf("reloaded %d times with status %d", reloads.Load(), w.Code)
			}
			if answer := answerOf(t, w); strings.Contains(answer, secret) {
				t.Errorf("the answer holds the token:\n%s", answer)
			}
		})
	}
}

// answerOf is all that a client gets to see.
func answerOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var answer strings.Builder
	if err := w.Result().Write(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.String()
}

func TestTheTokenIsAskedForEachTime(t *testing.T) {
	current := "old"
	h, _ := reloading(func() (string, error) { return current, nil }, nil)
	with := func(token string) int {
		return send(h, http.MethodPost, http.Header{"Authorization": {"Bearer " + token}}, nil).Code
	}
	if got := with("old"); got != http.StatusOK {
		t.Errorf("before the rotation: %d", got)
	}
	current = "new"
	if got := with("old"); got != http.StatusUnauthorized {
		t.Errorf("the old token after the rotation: %d", got)
	}
	if got := with("new"); got != http.StatusOK {
		t.Errorf("the new token: %d", got)
	}
}

func TestOnlyPostReloads(t *testing.T) {
	h, reloads := reloading(right, nil)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		w := send(web.Trusted(h), method, nil, nil)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
			t.Errorf("%s: %d, allowed are %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
	if n := reloads.Load(); n != 0 {
		t.Errorf("reloaded %d times", n)
	}
}

func TestABrokenConfigurationIsAnsweredWithAllThatIsWrong(t *testing.T) {
	const wrong = `/etc/postflight.yml:3:5: services[0].name: "a b" is no name; write letters, digits, ".", "_" and "-"
/etc/postflight.yml:9:13: services[0].checks[1].expect.assertions[0].that: unknown name bdy
    bdy.total >= 0
    ^`
	h, _ := reloading(right, errors.New(wrong))
	w := send(web.Trusted(h), http.MethodPost, nil, nil)
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
	if got, want := w.Body.String(), wrong+"\npostflight goes on with the configuration that it has.\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.ErrUnexpectedEOF
}

func TestTheBodyIsIgnored(t *testing.T) {
	h, _ := reloading(right, nil)
	for _, header := range []http.Header{nil, {"Authorization": {"Bearer " + secret}}} {
		send(h, http.MethodPost, header, unread{t})
	}
}

// What was asked for is done, however impatient the client is.
func TestAReloadGoesOnWhenTheClientHasGone(t *testing.T) {
	var ended error
	h := web.Trusted(web.Handler(web.Options{
		Store:   state.New(),
		Metrics: http.NotFoundHandler(),
		Reload: func(ctx context.Context) error {
			ended = ctx.Err()
			return nil
		},
	}))
	ctx, gone := context.WithCancel(t.Context())
	gone()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/-/reload", nil))
	if ended != nil {
		t.Errorf("it was told to end: %v", ended)
	}
}

// TestManyAskAtOnce: who may and who may not, over a real connection. Run with the race detector.
func TestManyAskAtOnce(t *testing.T) {
	h, reloads := reloading(right, nil)
	server := httptest.NewServer(h)
	defer server.Close()
	client := server.Client()
	const each = 20
	var asking sync.WaitGroup
	for i := range 2 * each {
		asking.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/-/reload", strings.NewReader("ignored"))
			if err != nil {
				t.Error(err)
				return
			}
			want := http.StatusUnauthorized
			if i%2 == 0 {
				want = http.StatusOK
				r.Header.Set("Authorization", "Bearer "+secret)
			}
			response, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("got %d, want %d", response.StatusCode, want)
			}
		})
	}
	asking.Wait()
	if n := reloads.Load(); n != each {
		t.Errorf("reloaded %d times, want %d", n, each)
	}
}
