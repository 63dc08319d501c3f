package deploy

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/testhost"
)

// The image is built from the Dockerfile as it is, and what comes is run as `docker run` would. The only certificate
// authority in it is the one that the build's base image has: the backend's, so that the prober shows that it reads it.
func TestTheImage(t *testing.T) {
	backend := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"status": "healthy"}`)
	}))
	defer backend.Close()
	authorities := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: backend.Certificate().Raw})
	c := buildImage(t, authorities)

	t.Run("holds the program and the certificate authorities, nothing else", func(t *testing.T) {
		want := []string{"etc/ssl/certs/ca-certificates.crt", "postflight"}
		if diff := cmp.Diff(want, c.files(t)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	})
	t.Run("tells its version", func(t *testing.T) {
		if got := c.output(t, "version"); !strings.HasPrefix(got, "postflight v1.2.3 ") {
			t.Errorf("%q, want the version that the build was given", got)
		}
	})
	t.Run("probes and is scraped, as user 65532", func(t *testing.T) {
		c.serve(t, "services:\n  - {name: app, targets: ["+backend.URL+"], checks: [{use: health}]}\n")
	})
}

func TestTheImageIsBuiltWithTheModulesGo(t *testing.T) {
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	used := regexp.MustCompile(`(?m)^FROM golang:(\d+\.\d+)`).FindStringSubmatch(read(t, "../Dockerfile"))
	if wanted == nil || used == nil || wanted[1] != used[1] {
		t.Errorf("go.mod says %v, the Dockerfile %v", wanted, used)
	}
}

// container is a working container of the image.
type container struct {
	store   string // where buildah keeps everything
	name    string
	program []string // that the image runs, with its arguments
}

// buildImage builds the Dockerfile without a registry and without a network. In place of Go's own image stands one that
// has nothing but the authorities: the toolchain, a shell and the downloaded modules are those of this machine, mounted.
func buildImage(t *testing.T, authorities []byte) *container {
	t.Helper()
	testhost.RequireTools(t, "buildah", "go", "make")
	requireRoot(t)
	goCommand(t, "mod", "download") // so that the cache has them all
	base := t.TempDir()
	for _, directory := range []string{"etc/ssl/certs", "tmp", "usr"} {
		if err := os.MkdirAll(filepath.Join(base, directory), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "etc/ssl/certs/ca-certificates.crt"), authorities, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+link, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	c := &container{store: t.TempDir()}
	standIn := c.buildah(t, "from", "scratch")
	c.buildah(t, "copy", standIn, base, "/")
	c.buildah(t, "config", "--env", "PATH=/usr/local/go/bin:/usr/bin", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local",
		"--env", "GOPROXY=off", "--env", "GOCACHE=/go/built", standIn)
	c.buildah(t, "commit", standIn, "docker.io/library/"+baseImage(t))

	c.buildah(t, "build", "--isolation", "chroot", "--layers=false", "--pull-never", "--build-arg", "VERSION=v1.2.3",
		"--volume", "/usr/bin:/usr/bin:ro", "--volume", "/usr/lib:/usr/lib:ro", "--volume", "/usr/lib64:/usr/lib64:ro",
		"--volume", goCommand(t, "env", "GOROOT")+":/usr/local/go:ro",
		"--volume", goCommand(t, "env", "GOMODCACHE")+":/go/pkg/mod:ro",
		"--volume", goCommand(t, "env", "GOCACHE")+":/go/built",
		"--tag", "postflight", "..")
	c.name = c.buildah(t, "from", "--pull-never", "postflight")
	var image struct {
		OCI struct {
			Config struct{ Entrypoint, Cmd []string }
		} `json:"OCIv1"`
	}
	if err := json.Unmarshal([]byte(c.buildah(t, "inspect", c.name)), &image); err != nil {
		t.Fatal(err)
	}
	c.program = slices.Concat(image.OCI.Config.Entrypoint, image.OCI.Config.Cmd)
	return c
}

// baseImage is the one that the program is built in.
func baseImage(t *testing.T) string {
	t.Helper()
	from := regexp.MustCompile(`(?m)^FROM (\S+) AS build$`).FindStringSubmatch(read(t, "../Dockerfile"))
	if from == nil {
		t.Fatal("the Dockerfile has no stage with the name build")
	}
	return from[1]
}

// files are all that are in the container.
func (c *container) files(t *testing.T) []string {
	t.Helper()
	root := os.DirFS(c.buildah(t, "mount", c.name))
	var files []string
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// output is what the program prints that the image runs, with other arguments.
func (c *container) output(t *testing.T, args ...string) string {
	t.Helper()
	return c.buildah(t, slices.Concat([]string{"run", "--isolation", "chroot", c.name, "--", c.program[0]}, args)...)
}

// serve runs what the image runs with what deploy/README.md mounts, until a check has passed, and looks whose the process
// is by what it has written.
func (c *container) serve(t *testing.T, configuration string) {
	t.Helper()
	settings, kept := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(settings, "postflight.yml"), []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	const user = 65532
	if err := os.Chown(kept, user, user); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	cmd := c.command(t, slices.Concat(
		[]string{"run", "--isolation", "chroot", "--volume", settings + ":/etc/postflight:ro", "--volume", kept + ":/state", c.name, "--"},
		c.program, []string{"--web.listen-address", address, "--state", "/state/postflight.json"})...)
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM) // buildah then kills the program, and tidies up
		cmd.Wait()
	}()

	passed := regexp.MustCompile(`(?m)^postflight_probe_success\{check="health".*\} 1$`)
	if !eventually(func() bool { return passed.MatchString(fetch("http://" + address + "/metrics")) }) {
		t.Errorf("no %v in\n%s\nIt said:\n%s", passed, fetch("http://"+address+"/metrics"), read(t, said.Name()))
	}
	var state os.FileInfo
	if !eventually(func() bool {
		state, err = os.Stat(filepath.Join(kept, "postflight.json"))
		return err == nil
	}) {
		t.Fatalf("%v. It said:\n%s", err, read(t, said.Name()))
	}
	if owner := state.Sys().(*syscall.Stat_t); owner.Uid != user || owner.Gid != user {
		t.Errorf("its file is of %d:%d, want %d:%[3]d", owner.Uid, owner.Gid, user)
	}
}

// buildah runs a command of it and returns what it prints.
func (c *container) buildah(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, c.command(t, args...))
}

// command is one of buildah's, which keeps everything in a directory of the test's.
func (c *container) command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "buildah", append([]string{"--root", filepath.Join(c.store, "root"),
		"--runroot", filepath.Join(c.store, "run"), "--storage-driver", "vfs"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+c.store)
	return cmd
}

func goCommand(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, exec.CommandContext(t.Context(), "go", args...))
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, said.String())
	}
	return strings.TrimSpace(string(out))
}

func requireRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("CI") == "true":
		t.Fatal("this test needs root")
	default:
		t.Skip("this test needs root (a failure under CI)")
	}
}

// fetch is the answer's body, or why there is none.
func fetch(url string) string {
	response, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually asks until the answer is yes, for as long as a slow machine may take.
func eventually(yes func() bool) bool {
	for begun := time.Now(); time.Since(begun) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
		if yes() {
			return true
		}
	}
	return false
}
