package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
)

const (
	service       = "proxy-system"
	controlSocket = "run/postflight/control.sock"
	apiToken      = "api-token-for-the-test"
)

// announcement is what the daemon is told of a deployment.
type announcement struct {
	Service       string          `json:"service"`
	Release       string          `json:"release"`
	SkipOnFailure bool            `json:"skip_on_failure"`
	Verification  json.RawMessage `json:"verification,omitempty"`
}

func announcing(release string) announcement {
	return announcement{Service: service, Release: release}
}

// overTCP announces a deployment with the token, and follows it.
func overTCP(m *machine, a announcement) verdict {
	m.t.Helper()
	return m.follow(m.announce(api{m.metrics, apiToken}, http.StatusAccepted, a).ID)
}

// overTheSocket announces it where nobody asks for a token.
func overTheSocket(m *machine, a announcement) verdict {
	m.t.Helper()
	return m.follow(m.announce(m.control(), http.StatusAccepted, a).ID)
}

// api is one way to the daemon.
type api struct {
	client *http.Client
	token  string
}

// control is the way through the control socket, which can be reached from outside.
func (m *machine) control() api {
	return api{client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", m.path(controlSocket))
		},
	}}}
}

func (m *machine) announce(to api, wantStatus int, a announcement) verdict {
	m.t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		m.t.Fatal(err)
	}
	var v verdict
	m.ask(to, wantStatus, http.MethodPost, "/api/v1/deployments", string(body), &v)
	return v
}

// ask sends a request to the daemon and reads its answer.
func (m *machine) ask(to api, wantStatus int, method, path, body string, answer any) {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), method, "http://postflight"+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if to.token != "" {
		req.Header.Set("Authorization", "Bearer "+to.token)
	}
	resp, err := to.client.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	if resp.StatusCode != wantStatus {
		m.t.Fatalf("%s %s %s: %s, want %d\n%s", method, path, body, resp.Status, wantStatus, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		m.t.Fatalf("%s %s: %v\n%s", method, path, err, text)
	}
}

// history are the deployments that are known, the newest first.
func (m *machine) history() []verdict {
	m.t.Helper()
	var all struct {
		Deployments []verdict `json:"deployments"`
	}
	m.ask(m.control(), http.StatusOK, http.MethodGet, "/api/v1/deployments?service="+service, "", &all)
	return all.Deployments
}

func (m *machine) deployment(id string) verdict {
	m.t.Helper()
	var v verdict
	m.ask(m.control(), http.StatusOK, http.MethodGet, "/api/v1/deployments/"+id, "", &v)
	return v
}

// follow reads the events of a verification until the last, which is its verdict.
func (m *machine) follow(id string) verdict {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, "http://postflight/api/v1/deployments/"+id+"/events", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	resp, err := m.control().client.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	var event, data string
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if field, value, _ := strings.Cut(lines.Text(), ": "); field == "event" {
			event = value
		} else if field == "data" {
			data = value
		}
	}
	var v verdict
	if err := json.Unmarshal([]byte(data), &v); event != "verdict" || err != nil {
		m.t.Fatalf("%s: the events end with %q: %s (%v)", id, event, data, err)
	}
	return v
}
