package httpprobe_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

var silent = log.New(io.Discard, "", 0)

func TestTokenFile(t *testing.T) {
	const secret = "s3cret-t0ken"
	write := func(content string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	tests := []struct {
		name  string
		make  func(path string) error
		token string
		err   string
	}{
		{"a token", write(secret), secret, ""},
		{"white space around it", write(" \t" + secret + "\r\n\n"), secret, ""},
		{"empty", write(""), "", "it is empty"},
		{"white space only", write(" \n"), "", "it is empty"},
		{"two tokens", write(secret + "\n" + secret), "", "it holds more than one token, or not text"},
		{"binary", write(secret + "\x00\xff"), "", "it holds more than one token, or not text"},
		{"very large", write(secret + strings.Repeat("x", 20<<10)), "", "it is too large for a token"},
		{"not there", func(string) error { return nil }, "", "no such file or directory"},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, "", "not a regular file"},
		{"a pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }, "", "not a regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			grant, err := httpprobe.TokenFile(path).Grant(t.Context())
			if grant.Secret != tt.token {
				t.Errorf("token %q, want %q", grant.Secret, tt.token)
			}
			want, got := "", ""
			if tt.err != "" {
				want = "reading token file " + path + ": " + tt.err
			}
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// A token that stands where its file's name belongs is not repeated.
func TestTokenInPlaceOfItsFile(t *testing.T) {
	tests := []struct{ name, file, err string }{
		{"a word", "opaque-0123456789", "no such file or directory"},
		{"a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "no such file or directory"},
		{"one that is too long for a name", strings.Repeat("x", 300), "file name too long"},
		{"one with a slash", "b3BhcXVl/MDEyMzQ1Njc4OQ==", "no such file or directory"},
		{"one that begins with a slash", "/b3BhcXVlMDEyMzQ1Njc4OQ==", "no such file or directory"},
		{"a file whose directory is not there either", "/nowhere/token", "no such file or directory"},
	}
	for _, tt := range tests {
		_, err := httpprobe.TokenFile(tt.file).Grant(t.Context())
		want := "reading token file: " + tt.err + " (what was given is not shown: it may be the token)"
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", tt.name, err, want)
		}
	}
}

func TestTokenFileIsReadEachTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	var bearers []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		bearers = append(bearers, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	check := get(server.URL, passes)
	check.Requests[0].Credentials = httpprobe.TokenFile(path)
	for _, token := range []string{"the-first", "the-second"} {
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := look(t, check, ample); got.Outcome != probe.Pass {
			t.Errorf("%+v, want a pass", verdictOf(got))
		}
	}
	if diff := cmp.Diff([]string{"Bearer the-first", "Bearer the-second"}, bearers); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestWithoutItsCredentialsNothingIsAsked(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	check := get(server.URL, passes)
	path := filepath.Join(t.TempDir(), "token")
	check.Requests[0].Credentials = httpprobe.TokenFile(path)
	got := look(t, check, ample)
	want := verdict{probe.Error, probe.ReasonCredentials, 0, "credentials", "reading token file " + path + ": no such file or directory"}
	if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if asked.Load() != 0 || len(got.Latencies) != 0 {
		t.Errorf("asked %d times, latencies %v", asked.Load(), got.Latencies)
	}
}

// That our own token is refused says nothing about the backend.
func TestRefusedToken(t *testing.T) {
	jwt := func(claims string) string {
		return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
	}
	expired := jwt(`{"exp":1740830400}`)
	failed := func(status int) verdict {
		return verdict{probe.Fail, probe.ReasonStatus, status, "status 200", fmt.Sprintf("status %d %s", status, http.StatusText(status))}
	}
	refused := verdict{probe.Error, probe.ReasonCredentials, 401, "status 200 with our credentials", "status 401 Unauthorized"}
	blamed := func(status int) verdict {
		return verdict{probe.Error, probe.ReasonCredentials, status, "credentials that are valid",
			fmt.Sprintf("status %d; our token expired at 2025-03-01T12:00:00Z", status)}
	}
	tests := []struct {
		name, token string
		status      int
		want        verdict
	}{
		{"expired and refused", expired, 401, blamed(401)},
		{"expired and forbidden", expired, 403, blamed(403)},
		{"expired, and the backend fails", expired, 500, failed(500)},
		{"valid and refused", jwt(`{"exp":4102444800}`), 401, refused},
		{"no word of when it expires", jwt(`{"sub":"1"}`), 401, refused},
		{"a word that is no number", jwt(`{"exp":"soon"}`), 401, refused},
		{"claims that are none", jwt(`[`), 401, refused},
		{"not a JWT", "opaque.token", 401, refused},
		{"three parts that are no JWT", "a.%.c", 401, refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) }))
			defer server.Close()
			path := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(path, []byte(tt.token), 0o600); err != nil {
				t.Fatal(err)
			}
			check := get(server.URL, expect.Func(func(a expect.Answer) expect.Judgement { return expect.WrongStatus(a, "status 200") }))
			check.Requests[0].Credentials = httpprobe.TokenFile(path)
			if diff := cmp.Diff(tt.want, verdictOf(look(t, check, ample))); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// A backend that repeats what it was sent does not bring the token into what we show, however much of it is left.
func TestTokenIsNotShown(t *testing.T) {
	const token = "opaque-0123456789-abcdefghijklmnopqrstuvwxyz"
	tests := []struct{ name, body, got string }{
		{"repeated", "no " + token + "!", "status 418 I'm a teapot: no <secret>!"},
		{"twice", token + " " + token, "status 418 I'm a teapot: <secret> <secret>"},
		{"cut short", "refused: " + token[:20] + " …", "status 418 I'm a teapot: refused: <secret> …"},
		{"without its beginning", "…" + token[9:] + "!", "status 418 I'm a teapot: …<secret>!"},
		{"from its middle", "found 9-abcdefgh here", "status 418 I'm a teapot: found <secret> here"},
		{"words that it shares too little with", "abcdefg 0123456", "status 418 I'm a teapot: abcdefg 0123456"},
		{"cut by us", strings.Repeat("x", 100) + token, "status 418 I'm a teapot: " + strings.Repeat("x", 100) + "<secret>…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := shownOf(t, token, tt.body); got != tt.got {
				t.Errorf("got %q, want %q", got, tt.got)
			}
		})
	}
}

// shownOf is what is shown of a body that answers a request with a token.
func shownOf(t *testing.T, token, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, body)
	}))
	defer server.Close()
	check := get(server.URL, wantsOK)
	check.Requests[0].Credentials = always(token)
	return look(t, check, ample).Got
}

// always is credentials that are always the same.
type always string

func (a always) Grant(context.Context) (httpprobe.Grant, error) {
	return httpprobe.Grant{Authorization: "Bearer " + string(a), Secret: string(a)}, nil
}

func (a always) Refused(context.Context, httpprobe.Grant) (httpprobe.Grant, bool) {
	return httpprobe.Grant{}, false
}

// A forged token is no secret, and its words are not masked in what a backend says.
func TestAForgedTokenIsNoSecret(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, "invalid connection to the database")
	}))
	defer server.Close()
	check := get(server.URL, wantsOK)
	check.Requests[0].Token = "invalid-token"
	if got, want := look(t, check, ample).Got, "status 500 Internal Server Error: invalid connection to the database"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Nor does it matter how the backend spells it.
func TestTokenIsNotShownInAnotherSpelling(t *testing.T) {
	const token = "b3Bh/cXVl+MDEy=MzQ1"
	tests := []struct{ name, body, got string }{
		{"as it is", `{"n":1,"x":"b3Bh/cXVl+MDEy=MzQ1"}`, `{"n":1,"x":"<secret>"}`},
		{"as JSON", `["b3Bh\/cXVl+MDEy=MzQ1"]`, `["<secret>"]`},
		{"as JSON, by number", `["b3Bh\u002FcXVl\u002bMDEy\u003dMzQ1"]`, `["<secret>"]`},
		{"as a URL", "/?b3Bh%2FcXVl%2BMDEy%3DMzQ1&x", "/?<secret>&x"},
		{"as a URL, without its beginning", "/?h%2fcXVl%2bMDEy&x", "/?<secret>&x"},
		{"what is no escape", `100% \u12 \ %`, `100% \u12 \ %`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := shownOf(t, token, tt.body), "status 418 I'm a teapot: "+tt.got; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestTokenExpiry(t *testing.T) {
	tests := []struct {
		claims string
		want   int64 // 0: it does not say
	}{
		{`{"exp":1740830400}`, 1740830400},
		{`{"exp":1740830400.9}`, 1740830400},
		{`{"exp":1.7408304e9,"sub":"1"}`, 1740830400},
		{`{"exp":1740830400000}`, 0}, // milliseconds are a mistake
		{`{"exp":1e300}`, 0},
		{`{"exp":-1}`, 0},
		{`{"exp":0}`, 0},
		{`{"exp":"1740830400"}`, 0},
		{`{"exp":null}`, 0},
		{`{"sub":"1"}`, 0},
		{`[1740830400]`, 0},
		{`no JSON`, 0},
	}
	for _, tt := range tests {
		token := "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(tt.claims)) + ".c2lnbmF0dXJl"
		at, known := httpprobe.TokenExpiry(token)
		if known != (tt.want != 0) || known && at.Unix() != tt.want {
			t.Errorf("%s: %v, %v; want %d", tt.claims, at, known, tt.want)
		}
	}
	for _, token := range []string{"", "opaque", "a.b", "a.b.c.d.e", "eyJhbGciOiJIUzI1NiJ9.%%%.c2ln"} {
		if at, known := httpprobe.TokenExpiry(token); known {
			t.Errorf("%q: %v", token, at)
		}
	}
}

func TestHide(t *testing.T) {
	tests := []struct{ name, text, secret, want string }{
		{"nothing to hide", "as it is", "", "as it is"},
		{"a short one", "no abc!", "abc", "no <secret>!"},
		{"a part of a short one", "no ab!", "abc", "no ab!"},
		{"what is hidden already", "<secret> sec", "sec", "<secret> <secret>"},
		{"a passphrase as a form", "p=horse+staple&x", "horse staple", "p=<secret>&x"},
		{"a passphrase as a URL", "p=horse%20staple&x", "horse staple", "p=<secret>&x"},
		{"a plus that is one", "p=horse%2Bstaple&x", "horse+staple", "p=<secret>&x"},
		{"another script", "no 密码密码!", "密码密码", "no <secret>!"},
		{"another script as JSON", `"\u5bc6\u7801\u5bc6\u7801"`, "密码密码", `"<secret>"`},
		{"another script as a form", "p=%E5%AF%86%E7%A0%81&x", "密码", "p=<secret>&x"},
		{"two escapes that are one character", `"\ud83d\udd11key"`, "\U0001F511key", `"<secret>"`},
		{"half a character", `"\ud83d" \ud83d\u0041`, "key", `"\ud83d" \ud83d\u0041`},
	}
	for _, tt := range tests {
		if got := httpprobe.Hide(tt.text, tt.secret); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
