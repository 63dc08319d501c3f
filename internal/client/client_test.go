package client

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/hook"
	"postflight/internal/verdict"
)

// asked is what a daemon has been asked.
type asked struct{ Request, Authorization, Agent, Body string }

// daemon answers everything with a document, and keeps what it was asked.
func daemon(requests *[]asked) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*requests = append(*requests, asked{r.Method + " " + r.URL.String(), r.Header.Get("Authorization"), r.UserAgent(), string(body)})
		_, _ = io.WriteString(w, `{"id": "01", "state": "settling", "services": [{"name": "shop"}]}`)
	})
}

func TestWhatIsAsked(t *testing.T) {
	minute, three := Duration(time.Minute), 3
	token := write(t, "the-token\n")
	for _, row := range []struct {
		name string
		ask  func(context.Context, *Client) error
		want asked
	}{
		{"announce", func(ctx context.Context, c *Client) error {
			_, err := c.Announce(ctx, Announcement{Service: "shop", Release: "1.4.2", Source: verdict.CLI})
			return err
		}, asked{"POST /api/v1/deployments", "Bearer the-token", "postflight/1.0", `{"service":"shop","release":"1.4.2","source":"cli"}`}},
		{"announce, with a policy", func(ctx context.Context, c *Client) error {
			_, err := c.Announce(ctx, Announcement{Service: "shop", Source: verdict.CLI, SkipHook: true, Policy: Policy{Window: &minute, Consecutive: &three}})
			return err
		}, asked{"POST /api/v1/deployments", "Bearer the-token", "postflight/1.0", `{"service":"shop","source":"cli","skip_on_failure":true,"verification":{"window":"1m0s","consecutive":3}}`}},
		{"a deployment", func(ctx context.Context, c *Client) error { _, err := c.Deployment(ctx, "0/1"); return err },
			asked{"GET /api/v1/deployments/0%2F1", "Bearer the-token", "postflight/1.0", ""}},
		{"the services", func(ctx context.Context, c *Client) error { _, err := c.Services(ctx); return err },
			asked{"GET /api/v1/status", "Bearer the-token", "postflight/1.0", ""}},
		{"a rollback begins", func(ctx context.Context, c *Client) error {
			_, err := c.RollbackBegun(ctx, "01", "command ./back")
			return err
		},
			asked{"POST /api/v1/deployments/01/rollback", "Bearer the-token", "postflight/1.0", `{"state":"running","hook":"command ./back"}`}},
		{"a rollback ends", func(ctx context.Context, c *Client) error {
			_, err := c.RollbackEnded(ctx, "01", hook.Outcome{Problem: "exit status 1", Output: "no room\n"})
			return err
		}, asked{"POST /api/v1/deployments/01/rollback", "Bearer the-token", "postflight/1.0", `{"state":"ended","problem":"exit status 1","output":"no room\n"}`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []asked
			server := httptest.NewServer(daemon(&got))
			defer server.Close()
			if err := row.ask(t.Context(), open(t, server.URL, token)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]asked{row.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhereADaemonCanBe(t *testing.T) {
	var got []asked
	over := func(l net.Listener) {
		server := &httptest.Server{Listener: l, Config: &http.Server{Handler: daemon(&got)}}
		server.Start()
		t.Cleanup(server.Close)
	}
	socket := filepath.Join(t.TempDir(), "control.sock")
	local, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	over(local)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over(tcp)
	for _, server := range []string{"unix:" + socket, "http://" + tcp.Addr().String(), "http://" + tcp.Addr().String() + "/below/"} {
		names, err := open(t, server, "").Services(t.Context())
		if err != nil || !cmp.Equal(names, []string{"shop"}) {
			t.Errorf("%s: got %q, %v", server, names, err)
		}
	}
	want := []asked{
		{"GET /api/v1/status", "", "postflight/1.0", ""},
		{"GET /api/v1/status", "", "postflight/1.0", ""},
		{"GET /below/api/v1/status", "", "postflight/1.0", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoDaemon(t *testing.T) {
	for server, want := range map[string]string{
		"unix:":                      "names no socket",
		"deploy.example:9876":        "no URL of a daemon",
		"/run/control.sock":          "no URL of a daemon",
		"ftp://deploy.example":       "no URL of a daemon",
		"http://":                    "no URL of a daemon",
		"http://h/?a=b":              "no URL of a daemon",
		"http://h\x7f/":              "no URL of a daemon",
		"https://ops:s3cret@h.local": "holds no user or password",
	} {
		_, err := New(Options{Server: server})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: got %v, want %s", server, err, want)
		}
	}
}

func open(t *testing.T, server, tokenFile string) *Client {
	t.Helper()
	c, err := New(Options{Server: server, TokenFile: tokenFile, Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
