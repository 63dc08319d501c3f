package e2e

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"postflight/internal/testhost"
)

const (
	target = "http://127.0.0.1:8000"
	unit   = "proxy-system.service"

	configFile = "/etc/postflight/postflight.yml"
	venv       = "opt/proxy-system/venv/lib/python3*/site-packages"
	systemJWT  = "/usr/lib/python3/dist-packages/jwt"
)

// machine is a host on which postflight runs as an operator installs it, and what it looks at.
type machine struct {
	*testhost.Host
	t       testing.TB
	token   string       // an administrator's
	metrics *http.Client // reaches postflight's port, whatever the URL's host says
}

// start boots the machine and starts everything on it.
func start(t *testing.T) *machine {
	t.Helper()
	testhost.RequireTools(t, "mariadbd", "redis-server")
	requireDebianPython(t)
	m := boot(t)
	m.token = token(m.backendSecret(), map[string]any{"sub": "1", "role": "admin", "exp": time.Now().Add(time.Hour).Unix()})
	m.installBackend()
	m.install("testdata/postflight.yml", configFile, 0o644)
	m.installCredentials()
	m.Exec("systemctl", "start", "proxy-system")
	m.Exec("systemctl", "start", "postflight")
	return m
}

// boot boots a machine and installs postflight on it, without a configuration.
func boot(t testing.TB, more ...testhost.Option) *machine {
	t.Helper()
	testhost.RequireTools(t, "go", "systemd-sysusers", "/lib/systemd/systemd-socket-proxyd")
	binary := build(t)
	m := &machine{Host: testhost.Start(t, append(more, testhost.PrivateNet())...), t: t}
	m.metrics = m.forward("metrics", "127.0.0.1:9876")
	t.Cleanup(m.tellOfFailure)
	m.installPostflight(binary)
	return m
}

// requireDebianPython asks Debian's interpreter for the packages that the backend is made of.
func requireDebianPython(t *testing.T) {
	t.Helper()
	out, err := exec.Command("/usr/bin/python3", "-c", "import fastapi, uvicorn, jwt, sqlalchemy, pymysql, redis").CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("this test needs Debian's packages for the backend: %v\n%s", err, out)
	default:
		t.Skipf("this test needs Debian's packages for the backend (a failure under CI): %v\n%s", err, out)
	}
}

// build builds postflight beside the test's own program, which goes with it when all is over. Where it is already, that
// takes next to no time.
func build(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(filepath.Dir(self), "postflight")
	cmd := exec.Command("go", "build", "-o", binary, "postflight/cmd/postflight")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building postflight: %v\n%s", err, out)
	}
	return binary
}

func (m *machine) installBackend() {
	m.t.Helper()
	const source = "run/backend-source"
	if err := os.CopyFS(m.path(source), os.DirFS("backend")); err != nil {
		m.t.Fatalf("copying the backend: %v", err)
	}
	m.Exec("systemctl", "start", "mariadb", "redis-server")
	m.Exec("sh", "-c", "mariadb < /"+source+"/schema.sql")
	m.Exec("sh", "/"+source+"/install.sh")
	m.Exec("systemctl", "daemon-reload")
}

// installPostflight does what deploy/README.md says, with the shipped files.
func (m *machine) installPostflight(binary string) {
	m.t.Helper()
	m.install(binary, "usr/local/bin/postflight", 0o755)
	m.install(deployed+"postflight.service", "etc/systemd/system/postflight.service", 0o644)
	m.install(deployed+"sysusers.d/postflight.conf", "etc/sysusers.d/postflight.conf", 0o644)
	m.Exec("systemd-sysusers", "postflight.conf")
	m.Exec("systemctl", "daemon-reload")
}

const deployed = "../../deploy/systemd/"

// installCredentials hands postflight an administrator's token, as the shipped example does.
func (m *machine) installCredentials() {
	m.t.Helper()
	const dropIn = "postflight.service.d/credentials.conf"
	m.install(deployed+dropIn, "etc/systemd/system/"+dropIn, 0o644)
	m.write("etc/postflight/admin-token", m.token+"\n", 0o600)
	// systemd hands credentials over by mounting them in a namespace that shares its mounts with pid 1's. A real
	// machine shares them from boot; the host, in systemd's eyes a container, does not.
	m.Exec("mount", "--make-rshared", "/")
	m.Exec("systemctl", "daemon-reload")
}

// backendSecret is the key that the backend signs its tokens with.
func (m *machine) backendSecret() string {
	m.t.Helper()
	env, err := os.ReadFile("backend/backend.env")
	if err != nil {
		m.t.Fatal(err)
	}
	for line := range strings.Lines(string(env)) {
		if secret, ok := strings.CutPrefix(line, "JWT_SECRET_KEY="); ok {
			return strings.TrimSpace(secret)
		}
	}
	m.t.Fatal("backend.env has no JWT_SECRET_KEY")
	return ""
}

// forward makes a client for a port of the machine's own network: a unit on a unix socket, which can be reached from
// outside, passes everything on.
func (m *machine) forward(name, address string) *http.Client {
	m.t.Helper()
	socket := "run/" + name + ".sock"
	m.WriteUnit(name+".socket", "[Socket]\nListenStream=/"+socket+"\n")
	m.WriteUnit(name+".service", "[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd "+address+"\n")
	m.Exec("systemctl", "start", name+".socket")
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", m.path(socket))
			},
		},
	}
}

// takeOutJWT takes PyJWT out of the backend's venv, as the incident's deploy did.
func (m *machine) takeOutJWT() {
	m.t.Helper()
	if err := os.Remove(filepath.Join(m.sitePackages(), "jwt")); err != nil {
		m.t.Fatal(err)
	}
}

// putBackJWT is the repair.
func (m *machine) putBackJWT() {
	m.t.Helper()
	if err := os.Symlink(systemJWT, filepath.Join(m.sitePackages(), "jwt")); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) sitePackages() string {
	m.t.Helper()
	dirs, err := filepath.Glob(m.path(venv))
	if err != nil || len(dirs) != 1 {
		m.t.Fatalf("the venv's packages: %v, %v", dirs, err)
	}
	return dirs[0]
}

// sessions is how many database sessions the backend's processes have really opened and closed since the first start
// of the unit: each writes its totals to a file of its own, which outlives it.
func (m *machine) sessions() (opened, closed int) {
	m.t.Helper()
	files, err := filepath.Glob(m.path("run/proxy-system/sessions-*.json"))
	if err != nil || len(files) == 0 {
		m.t.Fatalf("the backend's own totals: %v, %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			m.t.Fatal(err)
		}
		var totals struct {
			Created int `json:"sessions_created"`
			Closed  int `json:"sessions_closed"`
		}
		if err := json.Unmarshal(b, &totals); err != nil {
			m.t.Fatalf("%s: %v", file, err)
		}
		opened += totals.Created
		closed += totals.Closed
	}
	return opened, closed
}

// restarts is systemd's own figure.
func (m *machine) restarts() int {
	m.t.Helper()
	n, err := strconv.Atoi(m.Exec("systemctl", "show", "-P", "NRestarts", unit))
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

// postflight runs a command of the binary inside, as root, as a deploy script does.
func (m *machine) postflight(args ...string) (stdout string, code int) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := m.Command(ctx, append([]string{"/usr/local/bin/postflight"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("postflight %s: %v", strings.Join(args, " "), err)
	}
	m.t.Logf("postflight %s: exit code %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), &stderr)
	return string(out), cmd.ProcessState.ExitCode()
}

func (m *machine) path(inside string) string { return filepath.Join(m.Root, inside) }

func (m *machine) install(from, to string, mode os.FileMode) {
	m.t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(to, string(b), mode)
}

func (m *machine) write(to, content string, mode os.FileMode) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(to)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(to), []byte(content), mode); err != nil {
		m.t.Fatal(err)
	}
}

// tellOfFailure shows what the units had to say, where the test failed.
func (m *machine) tellOfFailure() {
	if m.t.Failed() {
		m.t.Log(m.Exec("journalctl", "--no-pager", "-n", "60", "-u", "postflight", "-u", "proxy-system"))
	}
}

// token signs claims as a backend does whose key is secret.
func token(secret string, claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(fmt.Sprintf("claims that are no JSON: %v", err))
	}
	part := base64.RawURLEncoding.EncodeToString
	signed := part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + part(mac.Sum(nil))
}
