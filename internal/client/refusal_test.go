package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the daemon says instead of doing it, in words, and whether it is of use to ask once more.
func TestRefusals(t *testing.T) {
	for _, row := range []struct {
		name    string
		status  int
		header  string
		body    string
		token   string
		want    string
		refused bool
	}{
		{"no token", 401, "WWW-Authenticate: Bearer realm=\"postflight\"", `{"error": "this needs the token"}`, "", "SERVER wants the token of the daemon's --web.api-token-file; name a file that holds it with --server.token-file", true},
		{"another token", 401, "WWW-Authenticate: Bearer", `{"error": "this is not the token of --web.api-token-file"}`, "s3cret", "the token of --server.token-file was refused by SERVER: this is not the token of --web.api-token-file", true},
		{"basic auth", 401, "WWW-Authenticate: Basic", "Unauthorized", "s3cret", "SERVER wants a user and a password, which postflight does not send; use the control socket on its machine: --server unix:/run/postflight/control.sock", true},
		{"no token is configured", 403, "", `{"error": "and none is configured"}`, "s3cret", "SERVER refuses: and none is configured", true},
		{"wrong use", 400, "", `{"error": "verification.window: 1 is no duration"}`, "", "SERVER refuses: verification.window: 1 is no duration", true},
		{"words that move the cursor", 400, "", `{"error": "a\u001b[2Jb\nc"}`, "", "SERVER refuses: a [2Jb c", true},
		{"too many words", 400, "", `{"error": "` + strings.Repeat("x", 2000) + `"}`, "", "SERVER refuses: " + strings.Repeat("x", 1000) + "…", true},
		{"no such deployment", 404, "", `{"error": "there is no such deployment"}`, "", "SERVER refuses: there is no such deployment", true},
		{"something else", 404, "", "404 page not found\n", "", "SERVER answers 404 Not Found, and not as postflight does; is it the right URL?", true},
		{"a redirect", 302, "Location: https://login.example/?for=s3cret", "", "s3cret", "SERVER redirects to https://login.example/; name the daemon itself", true},
		{"not now", 409, "", `{"error": "it is decided already"}`, "", "SERVER refuses: it is decided already", true},
		{"too many at once", 429, "", "", "", "SERVER answers 429 Too Many Requests", false},
		{"a proxy without a daemon", 502, "", "<html>", "", "SERVER answers 502 Bad Gateway", false},
		{"a page", 200, "", "<html>", "", "SERVER does not answer as postflight does: invalid character '<' looking for beginning of value; is it the right URL?", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if name, value, there := strings.Cut(row.header, ": "); there {
					w.Header().Set(name, value)
				}
				w.WriteHeader(row.status)
				fmt.Fprint(w, row.body)
			}))
			defer server.Close()
			token := ""
			if row.token != "" {
				token = write(t, row.token)
			}
			_, err := open(t, server.URL, token).Deployment(t.Context(), "01")
			if got := sayOf(err, server.URL); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if got := isRefused(err); got != row.refused {
				t.Errorf("refused: got %v, want %v", got, row.refused)
			}
		})
	}
}

func TestADaemonThatSpeaksTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = quiet
	server.StartTLS()
	defer server.Close()
	url := strings.Replace(server.URL, "https", "http", 1)
	_, err := open(t, url, "").Deployment(t.Context(), "01")
	if got, want := sayOf(err, url), "SERVER speaks TLS; write https:// in place of http://"; got != want || !isRefused(err) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The token goes nowhere but to the server that was named.
func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := open(t, server.URL, write(t, "s3cret")).Announce(t.Context(), Announcement{Service: "shop"}); !isRefused(err) {
		t.Errorf("got %v", err)
	}
}

func TestAnUnknownServiceIsNamed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error": "there is no such service"}`)
			return
		}
		fmt.Fprint(w, `{"services": [{"name": "shop"}, {"name": "proxy-system"}]}`)
	}))
	defer server.Close()
	_, err := open(t, server.URL, "").Announce(t.Context(), Announcement{Service: "shoop"})
	if got, want := sayOf(err, server.URL), `the daemon at SERVER has no service "shoop"; it has shop, proxy-system`; got != want || !isRefused(err) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNobodyAnswers(t *testing.T) {
	nothing := func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
		}
		connection.Close()
	}
	secured := httptest.NewUnstartedServer(http.HandlerFunc(nothing))
	secured.Config.ErrorLog = quiet
	secured.StartTLS()
	defer secured.Close()
	plain := httptest.NewServer(http.HandlerFunc(nothing))
	defer plain.Close()
	for _, row := range []struct{ name, server, want string }{
		{"nobody listens", "http://" + nobody(t), "asking SERVER: connection refused; does the daemon run?"},
		{"no socket", "unix:" + filepath.Join(t.TempDir(), "none.sock"), "asking SERVER: there is no such socket; does the daemon run?"},
		{"no socket but a file", "unix:" + write(t, ""), "asking SERVER: connection refused; does the daemon run?"},
		{"an unknown certificate", secured.URL, "asking SERVER: its certificate is not trusted: x509: certificate signed by unknown authority; SSL_CERT_FILE can name the authority's"},
		{"no TLS", strings.Replace(plain.URL, "http", "https", 1), "asking SERVER: it does not speak TLS; write http:// in place of https://"},
		{"hung up", plain.URL, "asking SERVER: EOF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := open(t, row.server, "").Deployment(t.Context(), "01")
			if got := sayOf(err, row.server); got != row.want || isRefused(err) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestAskingEnds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	over, end := context.WithCancel(t.Context())
	end()
	for ctx, want := range map[context.Context]string{soon: "asking SERVER: no answer in time", over: "asking SERVER: interrupted"} {
		_, err := open(t, server.URL, "").Deployment(ctx, "01")
		if got := sayOf(err, server.URL); got != want || isRefused(err) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestATokenThatCannotBeRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked all the same") }))
	defer server.Close()
	for file, want := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "--server.token-file: reading token file ",
		write(t, "\n"):                     "--server.token-file: reading token file ",
	} {
		_, err := open(t, server.URL, file).Deployment(t.Context(), "01")
		if !isRefused(err) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", file, err)
		}
	}
}

// sayOf is an error's text, with the server's address left out.
func sayOf(err error, server string) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), server, "SERVER")
}

func isRefused(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused)
}

// quiet keeps what a server remarks about its clients out of the tests.
var quiet = log.New(io.Discard, "", 0)

// nobody is an address that nobody listens on.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
