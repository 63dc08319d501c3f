package docs

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postflight/internal/testhost"
)

// machine is a host that the page's scripts deploy a backend on. What they call is real but for the network: pip finds its
// packages in a directory, ssh stays on the machine, and sudo has nothing to do.
type machine struct{ *testhost.Host }

const apiToken = "a-token-of-the-API"

// The backend cannot be imported without the module that a release forgets.
const backend = `
import http.server
import jwt

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": "healthy"}')

http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Health).serve_forever()
`

const unit = `[Service]
ExecStart=/opt/proxy-system/current/venv/bin/python /opt/proxy-system/current/app.py
Restart=always
RestartSec=100ms
`

const daemon = `[Service]
Type=notify
ExecStart=/usr/local/bin/postflight serve --config /etc/postflight/postflight.yml --web.api-token-file /opt/tools/token
RuntimeDirectory=postflight
`

const configuration = `
services:
  - name: proxy-system
    targets: ["http://127.0.0.1:8000"]
    units: [proxy-system.service]
    release: {file: /opt/proxy-system/current/VERSION}
    checks: [{use: health, schedule: "@every 1s"}]
    verification: {settle_timeout: 20s, window: 300ms, interval: 100ms, consecutive: 2}
`

// venvFaster makes virtual environments as python3 does, with the same pip. It leaves out copying that, which takes seconds.
const venvFaster = `#!/bin/sh
set -eu
[ "$1 $2" = "-m venv" ] || exec /usr/bin/python3 "$@"
/usr/bin/python3 -m venv --without-pip "$3"
cat >"$3/bin/pip" <<END
#!/bin/sh
exec $(realpath "$3")/bin/python /opt/pip/pip "\$@"
END
chmod +x "$3/bin/pip"
`

func newMachine(t *testing.T) *machine {
	t.Helper()
	testhost.RequireTools(t, "go", "bash", "curl", "/usr/bin/python3")
	binary := filepath.Join(t.TempDir(), "postflight")
	build := exec.Command("go", "build", "-o", binary, "postflight/cmd/postflight")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building postflight: %v\n%s", err, out)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{testhost.Start(t, testhost.PrivateNet())}
	m.write("usr/local/bin/postflight", string(program))
	m.write("opt/tools/python3", venvFaster)
	m.write("opt/tools/ssh", "#!/bin/sh\nshift\nexec sh -c \"$*\"\n")
	m.write("opt/tools/sudo", "#!/bin/sh\nexec \"$@\"\n")
	m.write("opt/tools/token", apiToken)
	m.write("opt/wheels/PyJWT-2.8.0-py3-none-any.whl", wheel(t))
	m.write("etc/postflight/postflight.yml", configuration)
	m.WriteUnit("proxy-system.service", unit)
	m.WriteUnit("postflight.service", daemon)
	m.Exec("sh", "-c", "/usr/bin/python3 -m zipfile -e /usr/share/python-wheels/pip-*.whl /opt/pip")
	m.Exec("mkdir", "-p", "/opt/proxy-system/releases/1.4.0")
	m.Exec("ln", "-s", "releases/1.4.0", "/opt/proxy-system/current") // by hand, as the page says
	return m
}

// wheel is a package that holds a module named jwt.
func wheel(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, file := range []struct{ name, content string }{
		{"jwt.py", ""},
		{"PyJWT-2.8.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: PyJWT\nVersion: 2.8.0\n"},
		{"PyJWT-2.8.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{"PyJWT-2.8.0.dist-info/RECORD", "jwt.py,,\nPyJWT-2.8.0.dist-info/METADATA,,\nPyJWT-2.8.0.dist-info/WHEEL,,\nPyJWT-2.8.0.dist-info/RECORD,,\n"},
	} {
		w, err := z.Create(file.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(file.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// offer uploads a release with these requirements.
func (m *machine) offer(release string, requirements ...string) {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for name, content := range map[string]string{
		"app.py": backend, "VERSION": release + "\n", "requirements-production.txt": strings.Join(requirements, "\n") + "\n",
	} {
		archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}) // into memory: it cannot fail
		archive.Write([]byte(content))
	}
	archive.Close()
	zipped.Close()
	m.write("opt/proxy-system/releases/"+release+".tar.gz", out.String())
}

// deploys runs the script, and wants an exit code and texts in what it printed.
func (m *machine) deploys(t *testing.T, release string, want int, texts ...string) {
	t.Helper()
	m.does(t, "/opt/proxy-system/deploy.sh "+release, nil, want, texts...)
}

// does runs commands, and wants the same of them.
func (m *machine) does(t *testing.T, commands string, environment []string, want int, texts ...string) {
	t.Helper()
	out, code := m.sh(t, commands, environment...)
	if code != want {
		t.Errorf("exit code %d, want %d\n%s", code, want, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("it did not print %q but\n%s", text, out)
		}
	}
}

// runs wants a release to be the one that runs, and to answer.
func (m *machine) runs(t *testing.T, release string) {
	t.Helper()
	if got := m.Exec("readlink", "/opt/proxy-system/current"); got != "releases/"+release {
		t.Errorf("current is %s, want releases/%s", got, release)
	}
	out, code := m.sh(t, "for i in $(seq 50); do curl -sSf http://127.0.0.1:8000/health && exit; sleep 0.1; done; systemctl status proxy-system; exit 1")
	if code != 0 || !strings.HasSuffix(out, `{"status": "healthy"}`) {
		t.Errorf("it does not answer:\n%s", out)
	}
}

// sh runs commands as a step of GitHub Actions does, in a directory of its own.
func (m *machine) sh(t *testing.T, commands string, environment ...string) (printed string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append([]string{
		"env", "--chdir=/tmp", "PATH=/opt/tools:/usr/local/bin:/usr/bin:/bin", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/opt/wheels", "PIP_ROOT_USER_ACTION=ignore",
	}, environment...)
	cmd := m.Command(ctx, append(args, "bash", "-e", "-c", commands)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// write writes a file that everybody may run.
func (m *machine) write(path, content string) {
	full := filepath.Join(m.Root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o755); err != nil {
		panic(err)
	}
}
