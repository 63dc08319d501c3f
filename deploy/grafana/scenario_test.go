package grafana

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"postflight/internal/demo"
	"postflight/internal/testhost"
)

const (
	scenarioService = "proxy-system"

	// patience is how long something may take that takes a second or two when nothing else is running.
	patience = 30 * time.Second
	poll     = 100 * time.Millisecond
)

// scenario is the built postflight under a real systemd, beside the demo's backend as a unit. Two targets lead to the one
// backend, the second over TLS, by a target list.
type scenario struct {
	t         *testing.T
	host      *testhost.Host
	directory string // seen by both, the test and the host
	backend   string // address
	secret    []byte // that the backend signs its tokens with
	metrics   string // postflight's address
	control   *http.Client
}

func newScenario(t *testing.T) *scenario {
	t.Helper()
	testhost.RequireTools(t, "go", "prometheus")
	s := &scenario{t: t, directory: t.TempDir(), secret: []byte("a secret of the scenario's, 32 bytes"), backend: freeAddress(t), metrics: freeAddress(t)}
	binary := exec.Command("go", "build", "-o", s.path("postflight"), "postflight/cmd/postflight")
	binary.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := binary.CombinedOutput(); err != nil {
		t.Fatalf("building postflight: %v\n%s", err, out)
	}
	s.host = testhost.Start(t, testhost.Bind(s.directory))
	s.control = &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.path("control.sock"))
		},
	}}
	s.startBackend()
	s.startPostflight()
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := demo.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (s *scenario) path(name string) string { return filepath.Join(s.directory, name) }

func (s *scenario) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// startBackend starts the unit. The backend takes orders from a pipe, the first of which says which release it is, and
// what is wrong with it; it ends when nobody holds the pipe any more, so it holds it itself.
func (s *scenario) startBackend() {
	s.t.Helper()
	if err := syscall.Mkfifo(s.path("orders"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.write("order", s.release("1.0.0", demo.Mended))
	s.write("good", s.release("1.0.0", demo.Mended))
	s.host.WriteUnit(scenarioService+".service", strings.ReplaceAll(`
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'exec 3<>DIR/orders && cat DIR/order >&3 && exec DIR/postflight demo-backend <&3'
ExecStartPost=/bin/echo '⚠️ 用户认证耗时过长: 1534.2ms, 用户: ops'
Restart=always
RestartSec=200ms
KillSignal=SIGKILL
SuccessExitStatus=SIGKILL
MemoryAccounting=yes
TasksAccounting=yes
`, "DIR", s.directory))
	s.host.Exec("systemctl", "start", scenarioService)
}

// release is the backend's first order.
func (s *scenario) release(release, fault string) string {
	order, err := json.Marshal(map[string]any{"listen": s.backend, "release": release, "key": s.secret, "fault": fault})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(order) + "\n"
}

// startPostflight starts the daemon as a unit of its own, which looks five times a second.
func (s *scenario) startPostflight() {
	s.t.Helper()
	front := httptest.NewServer(s.front())
	s.t.Cleanup(front.Close)
	secured := httptest.NewTLSServer(s.front())
	s.t.Cleanup(secured.Close)
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secured.Certificate().Raw})))
	s.write("targets.json", fmt.Sprintf(`[{"targets": [%q], "labels": {"zone": "b"}}]`, strings.TrimPrefix(secured.URL, "https://")))
	s.write("postflight.yml", strings.NewReplacer("DIR", s.directory, "FRONT", front.URL).Replace(`
defaults: {schedule: "@every 200ms", timeout: 2s}
services:
  - name: proxy-system
    targets: ["FRONT"]
    file_sd_configs: [{files: [DIR/targets.json], scheme: https}]
    tls_config: {ca_file: DIR/ca.pem}
    units: [proxy-system.service]
    credentials:
      admin:
        login: {path: /api/auth/login, username: ops, password: a password}
        allowed_targets: [127.0.0.0/8]
    checks:
      - use: health
      - {use: auth, schedule: "@every 200ms", min_interval: 200ms}
      - use: db-monitor
      - use: queue-status
      - name: statistics
        path: /api/tasks/statistics
        credentials: admin
        expect: {assertions: [{name: some, that: "body.total > 0"}]}
        values: [{metric: tasks, from: body.total}]
    verification:
      settle_timeout: 8s
      window: 1s
      interval: 200ms
      consecutive: 2
      on_failure: {command: [/bin/sh, -c, "cp DIR/good DIR/order && systemctl restart proxy-system"]}
`))
	s.host.WriteUnit("postflight.service", fmt.Sprintf("[Service]\nExecStart=%s serve --config %s --state %s --control.socket %s --web.listen-address %s\n",
		s.path("postflight"), s.path("postflight.yml"), s.path("state.json"), s.path("control.sock"), s.metrics))
	s.host.Exec("systemctl", "start", "postflight")
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Log(s.host.Exec("journalctl", "--no-pager", "-n", "40", "-u", "postflight", "-u", scenarioService))
		}
	})
}

// front stands before the backend and lets in whoever asks for a token.
func (s *scenario) front() http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s.backend})
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // as if nobody were there
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	mux.HandleFunc("POST /api/auth/login", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": %q}`, demo.Token(s.secret, demo.Admin, time.Now().Add(time.Hour)))
	})
	return mux
}

// deployment is of a release with a fault. If that stays, it is not rolled back, whatever the verdict.
type deployment struct {
	release, fault    string
	stays             bool
	verdict, rollback string // what has to come of it
}

// deploy starts the release, announces it, and waits for the verdict and for the rollback that may follow.
func (s *scenario) deploy(d deployment) {
	s.t.Helper()
	s.write("order", s.release(d.release, d.fault))
	s.host.Exec("systemctl", "restart", scenarioService)
	var told struct {
		ID, State string
		Rollback  struct{ State string }
	}
	announcement := fmt.Sprintf(`{"service": %q, "release": %q, "skip_on_failure": %t}`, scenarioService, d.release, d.stays)
	s.api(http.MethodPost, "/api/v1/deployments", announcement, &told)
	s.eventually("the verdict on "+d.release, func() error {
		s.api(http.MethodGet, "/api/v1/deployments/"+told.ID, "", &told)
		if told.State != d.verdict || told.Rollback.State != d.rollback {
			return fmt.Errorf("%+v, want %s and %s", told, d.verdict, d.rollback)
		}
		return nil
	})
}

func (s *scenario) api(method, path, body string, into any) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, "http://postflight"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.control.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil || answer.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s, %v\n%s", method, path, answer.Status, err, content)
	}
}

// eventually tries again and again until it is as wanted.
func (s *scenario) eventually(what string, wanted func() error) {
	s.t.Helper()
	start := time.Now()
	defer func() { s.t.Logf("%s: %v", what, time.Since(start).Round(time.Millisecond)) }()
	deadline := start.Add(patience)
	again := time.NewTicker(poll)
	defer again.Stop()
	for {
		err := wanted()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: still not so after %v: %v", what, patience, err)
		}
		<-again.C
	}
}
