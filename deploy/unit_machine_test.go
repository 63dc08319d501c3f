package deploy

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"postflight/internal/testhost"
)

// The unit as it is shipped, under a real systemd, through all that systemd does to it.
func TestTheUnitUnderSystemd(t *testing.T) {
	m := startMachine(t)

	t.Run("a reload is one", m.reloads)
	t.Run("a stop takes two seconds at the most, whatever is under way", m.stops)
	t.Run("what hangs is ended by the watchdog, tells where it hung, and comes back", m.comesBack)
	t.Run("a wrong configuration is not tried again", m.givesUp)
}

// machine is a host with postflight on it as deploy/README.md installs it. Its network is this machine's.
type machine struct {
	*testhost.Host
	address string       // of postflight
	control *http.Client // over the control socket, whatever the URL's host says
}

const (
	configuration = "etc/postflight/postflight.yml"
	dropIns       = "etc/systemd/system/postflight.service.d/"
)

func startMachine(t *testing.T) *machine {
	t.Helper()
	testhost.RequireTools(t, "go", "systemd-sysusers")
	program := filepath.Join(t.TempDir(), "postflight")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "postflight/cmd/postflight")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	run(t, build)

	h := testhost.Start(t)
	m := &machine{Host: h, address: freeAddress(t)}
	m.control = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", m.path("run/postflight/control.sock"))
		},
	}}
	m.write(t, "usr/local/bin/postflight", read(t, program), 0o755)
	m.write(t, "etc/systemd/system/postflight.service", read(t, "systemd/postflight.service"), 0o644)
	m.write(t, "etc/sysusers.d/postflight.conf", read(t, "systemd/sysusers.d/postflight.conf"), 0o644)
	m.write(t, dropIns+"address.conf", "[Service]\nExecStart=\n"+
		"ExecStart=/usr/local/bin/postflight serve --config /etc/postflight/postflight.yml --web.listen-address "+m.address+"\n", 0o644)
	m.write(t, configuration, "services:\n  - name: app\n    targets: [http://"+silent(t)+"]\n    checks: [{use: health, timeout: 1m}]\n", 0o644)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.Exec("journalctl", "--no-pager", "-n", "60", "-u", "postflight"))
		}
	})
	h.Exec("systemd-sysusers", "postflight.conf")
	h.Exec("systemctl", "daemon-reload")
	h.Exec("systemctl", "start", "postflight")
	return m
}

// reloads has the file read again that is as it was: nothing but the signal can be the reason.
func (m *machine) reloads(t *testing.T) {
	before := m.lastReload(t)
	m.Exec("systemctl", "reload", "postflight")
	if !eventually(func() bool { return m.lastReload(t) > before }) {
		t.Errorf("the last reload is still that of %v", before)
	}
}

func (m *machine) lastReload(t *testing.T) float64 {
	t.Helper()
	metrics := fetch("http://" + m.address + "/metrics")
	found := regexp.MustCompile(`(?m)^postflight_config_last_reload_success_timestamp_seconds (\S+)$`).FindStringSubmatch(metrics)
	if found == nil {
		t.Fatalf("no time of the last reload in\n%s", metrics)
	}
	at, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// stops leaves it to systemd to say whether the time was kept: what takes longer is killed, and its result is timeout.
func (m *machine) stops(t *testing.T) {
	m.set(t, "TimeoutStopSec=2s")
	response, err := m.control.Post("http://postflight/api/v1/deployments", "", strings.NewReader(`{"service": "app", "release": "2"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var deployment struct{ ID, State string }
	if err := json.NewDecoder(response.Body).Decode(&deployment); err != nil || deployment.State != "settling" {
		t.Fatalf("%+v, %v; want that it is being verified", deployment, err)
	}
	events := "/api/v1/deployments/" + deployment.ID + "/events"
	overTCP := follow(t, http.DefaultClient, "http://"+m.address+events)
	overSocket := follow(t, m.control, "http://postflight"+events)

	m.Exec("systemctl", "stop", "postflight")

	if got := m.Exec("systemctl", "show", "-p", "Result,ExecMainStatus,NRestarts", "postflight"); got != "Result=success\nNRestarts=0\nExecMainStatus=0" {
		t.Errorf("after the stop:\n%s", got)
	}
	for name, stream := range map[string]*bufio.Reader{"over TCP": overTCP, "over the control socket": overSocket} {
		if rest, err := io.ReadAll(stream); err != nil {
			t.Errorf("the stream %s was cut off: %v, after\n%s", name, err, rest)
		}
	}
}

// follow opens a stream of events and reads its first line.
func follow(t *testing.T, client *http.Client, url string) *bufio.Reader {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	stream := bufio.NewReader(response.Body)
	if first, err := stream.ReadString('\n'); err != nil || first != "id: 1\n" {
		t.Fatalf("the stream begins with %q, %v", first, err)
	}
	return stream
}

func (m *machine) comesBack(t *testing.T) {
	m.set(t, "WatchdogSec=2s\nRestartSec=100ms")
	m.Exec("systemctl", "start", "postflight")
	m.Exec("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "postflight")

	var now string
	if !eventually(func() bool {
		now = m.Exec("systemctl", "show", "-p", "NRestarts,SubState,Result", "postflight")
		return now == "Result=success\nNRestarts=1\nSubState=running"
	}) {
		t.Fatalf("it does not run again:\n%s", now)
	}
	if got := fetch("http://" + m.address + "/-/healthy"); !strings.Contains(got, "alive") {
		t.Errorf("it answers %q", got)
	}
	journal := m.Exec("journalctl", "--no-pager", "-o", "cat", "-u", "postflight")
	for _, told := range []string{"Watchdog timeout", "SIGABRT: abort", "goroutine 1 "} {
		if !strings.Contains(journal, told) {
			t.Errorf("the journal does not tell of %q", told)
		}
	}
}

func (m *machine) givesUp(t *testing.T) {
	m.write(t, configuration, "services: []\n", 0o644)
	if out, err := m.Command(t.Context(), "systemctl", "restart", "postflight").CombinedOutput(); err == nil {
		t.Errorf("it was started: %s", out)
	}
	want := "Result=exit-code\nNRestarts=0\nExecMainStatus=2\nSubState=failed"
	if got := m.Exec("systemctl", "show", "-p", "Result,NRestarts,ExecMainStatus,SubState", "postflight"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// set lays settings over those of the unit.
func (m *machine) set(t *testing.T, settings string) {
	t.Helper()
	m.write(t, dropIns+"test.conf", "[Service]\n"+settings+"\n", 0o644)
	m.Exec("systemctl", "daemon-reload")
}

func (m *machine) path(inside string) string { return filepath.Join(m.Root, inside) }

func (m *machine) write(t *testing.T, file, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(file)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.path(file), []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// silent is the address of a server that takes connections, and requests, and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections that nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
