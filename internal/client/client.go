// Package client has a running daemon verify a deployment, and follows it: over TCP, or over the daemon's control socket.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postflight/internal/hook"
	"postflight/internal/verdict"
	"postflight/probe/httpprobe"
)

const (
	// answerTimeout is how long the daemon may take to begin an answer.
	answerTimeout = 30 * time.Second
	// mostAnswer is how much of an answer is read: far more than a verification with its evidence and its rollback's output.
	mostAnswer = 16 << 20
)

// Options say where the daemon is, and who asks.
type Options struct {
	Server    string // https://host:port, http://host:port or unix:PATH
	TokenFile string // empty: none is shown, as over the control socket
	Version   string // of postflight
}

// Client asks one daemon. Its methods are safe for use by several goroutines.
type Client struct {
	server string // as people know it
	base   *url.URL
	token  httpprobe.TokenFile // empty: none is shown
	agent  string
	http   *http.Client
}

// New makes a Client. It asks nothing yet.
func New(o Options) (*Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answerTimeout
	c := &Client{
		server: o.Server,
		token:  httpprobe.TokenFile(o.TokenFile),
		agent:  "postflight/" + o.Version,
		http:   &http.Client{Transport: transport, CheckRedirect: stay},
	}
	if socket, local := strings.CutPrefix(o.Server, "unix:"); local {
		if socket == "" {
			return nil, errors.New("unix: names no socket; write it such as unix:/run/postflight/control.sock")
		}
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
		c.base = &url.URL{Scheme: "http", Host: "localhost"}
		return c, nil
	}
	base, err := url.Parse(o.Server)
	switch {
	case err == nil && base.User != nil:
		return nil, errors.New("the URL holds no user or password; the token goes into a file")
	case err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "" || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("this is no URL of a daemon; write it such as https://deploy.example:9876, or unix:/run/postflight/control.sock")
	}
	c.base = base
	return c, nil
}

// Close ends connections that are kept for later.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// stay has a redirect be an answer like others: the token is for nobody else.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Services are the names of those that the daemon knows.
func (c *Client) Services(ctx context.Context) ([]string, error) {
	var status struct {
		Services []struct{ Name string }
	}
	if err := c.call(ctx, http.MethodGet, "api/v1/status", nil, &status); err != nil {
		return nil, err
	}
	var names []string
	for _, service := range status.Services {
		names = append(names, service.Name)
	}
	return names, nil
}

// Announcement is the news of a deployment.
type Announcement struct {
	Service  string         `json:"service"`
	Release  string         `json:"release,omitempty"`
	Source   verdict.Source `json:"source"`
	SkipHook bool           `json:"skip_on_failure,omitempty"` // who announces it takes it back by themselves where it fails
	Policy   Policy         `json:"verification,omitzero"`
}

// Policy is what is to hold in place of what the daemon's configuration says; nil: what that says.
type Policy struct {
	SettleTimeout *Duration `json:"settle_timeout,omitempty"`
	Window        *Duration `json:"window,omitempty"`
	Interval      *Duration `json:"interval,omitempty"`
	Consecutive   *int      `json:"consecutive,omitempty"`
	MaxRestarts   *int      `json:"max_restarts,omitempty"`
	MaxSlowdown   *float64  `json:"max_slowdown,omitempty"`
}

// Duration is written as in the configuration.
type Duration time.Duration

// MarshalText writes it such as 1m30s.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Announce has a deployment verified. Where the same one is being verified already, it is that one.
func (c *Client) Announce(ctx context.Context, a Announcement) (doc verdict.Document, err error) {
	err = c.call(ctx, http.MethodPost, "api/v1/deployments", a, &doc)
	var refused *RefusedError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.ours {
		return doc, c.unknown(ctx, a.Service, refused)
	}
	return doc, c.checked(doc, err)
}

// checked refuses a document that is none: whatever answers there is not postflight.
func (c *Client) checked(doc verdict.Document, err error) error {
	if err == nil && (doc.ID == "" || doc.State == "") {
		return &RefusedError{http.StatusOK, fmt.Sprintf("what answers at %s is no postflight; is this the right URL?", c.server), false}
	}
	return err
}

// unknown says which services there are in place of one that there is not.
func (c *Client) unknown(ctx context.Context, service string, refused *RefusedError) error {
	names, err := c.Services(ctx)
	if err != nil || len(names) == 0 {
		return refused
	}
	return &RefusedError{refused.Status, fmt.Sprintf("the daemon at %s has no service %q; it has %s", c.server, service, strings.Join(names, ", ")), true}
}

// Deployment is how a verification stands.
func (c *Client) Deployment(ctx context.Context, id string) (doc verdict.Document, err error) {
	err = c.call(ctx, http.MethodGet, "api/v1/deployments/"+url.PathEscape(id), nil, &doc)
	return doc, c.checked(doc, err)
}

// rollback is the news of a rollback by whoever announced the deployment.
type rollback struct {
	State   string `json:"state"` // running or ended
	Hook    string `json:"hook,omitempty"`
	Problem string `json:"problem,omitempty"`
	Output  string `json:"output,omitempty"`
}

// RollbackBegun tells that a failed deployment is now taken back, and what does so.
func (c *Client) RollbackBegun(ctx context.Context, id, what string) (verdict.Document, error) {
	return c.tellRollback(ctx, id, rollback{State: "running", Hook: what})
}

// RollbackEnded tells what came of that. Where it did what it should the service is verified again: see the rollback of
// what is returned.
func (c *Client) RollbackEnded(ctx context.Context, id string, o hook.Outcome) (verdict.Document, error) {
	return c.tellRollback(ctx, id, rollback{State: "ended", Problem: o.Problem, Output: o.Output})
}

func (c *Client) tellRollback(ctx context.Context, id string, r rollback) (doc verdict.Document, err error) {
	err = c.call(ctx, http.MethodPost, "api/v1/deployments/"+url.PathEscape(id)+"/rollback", r, &doc)
	return doc, err
}

// call asks, and reads the answer into to.
func (c *Client) call(ctx context.Context, method, path string, body, to any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*answerTimeout)
	defer cancel()
	request, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return c.unreachable(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return c.unreachable(err)
	}
	if response.StatusCode/100 != 2 {
		return c.refused(response, content)
	}
	if err := json.Unmarshal(content, to); err != nil {
		return fmt.Errorf("%s does not answer as postflight does: %w; is it the right URL?", c.server, err)
	}
	return nil
}

// request is one with all that each of them bears.
func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", c.agent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token == "" {
		return request, nil
	}
	grant, err := c.token.Grant(ctx)
	if err != nil {
		return nil, &RefusedError{Text: "--server.token-file: " + err.Error()}
	}
	request.Header.Set("Authorization", grant.Authorization)
	return request, nil
}
