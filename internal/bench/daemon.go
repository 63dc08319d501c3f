package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// patience is how long the daemon may take to get ready.
const patience = 20 * time.Second

// daemon is a real `postflight serve`, or its peer.
type daemon struct {
	cmd    *exec.Cmd
	base   string // URL
	stderr bytes.Buffer
}

// check is one check of the configuration that the daemon is given.
type check struct {
	use      string
	schedule string // empty: the check's own
	reuse    bool
}

// configure writes a configuration of one service.
func (b *bench) configure(targets int, checks ...check) (file string, err error) {
	var text strings.Builder
	text.WriteString("services:\n  - name: bench\n    targets:\n")
	for i := range targets {
		fmt.Fprintf(&text, "      - %s\n", target(i, b.backend.port))
	}
	text.WriteString("    credentials: {admin: {token_file: token}}\n    checks:\n")
	for _, c := range checks {
		fmt.Fprintf(&text, "      - use: %s\n        reuse_connections: %t\n", c.use, c.reuse)
		if c.schedule != "" {
			fmt.Fprintf(&text, "        schedule: %q\n", c.schedule)
		}
	}
	if _, err := b.write("token", adminToken); err != nil {
		return "", err
	}
	return b.write("postflight.yml", text.String())
}

// write writes a file beside the others.
func (b *bench) write(name, text string) (file string, err error) {
	file = filepath.Join(b.directory, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// serve starts the daemon with a configuration file.
func (b *bench) serve(configuration string, flags ...string) (*daemon, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	d := &daemon{base: "http://" + address}
	d.cmd = exec.Command(b.binary, append([]string{"serve", "--config", configuration, "--web.listen-address", address}, flags...)...)
	d.cmd.Stderr = &d.stderr
	return d, d.cmd.Start()
}

// serveReady does so and waits until every check has run.
func (b *bench) serveReady(configuration string, flags ...string) (*daemon, error) {
	d, err := b.serve(configuration, flags...)
	if err != nil {
		return nil, err
	}
	if err := d.await("/-/ready", 20*time.Millisecond); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// probeReady starts the daemon with these checks and waits until every one has run.
func (b *bench) probeReady(targets int, checks ...check) (*daemon, error) {
	file, err := b.configure(targets, checks...)
	if err != nil {
		return nil, err
	}
	return b.serveReady(file)
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

func (d *daemon) stop() {
	d.cmd.Process.Signal(os.Interrupt)
	d.cmd.Wait() // how it ends says nothing any more
}

// await asks for a path until the answer is 200.
func (d *daemon) await(path string, pause time.Duration) error {
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(pause) {
		response, err := http.Get(d.base + path)
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("no 200 from %s within %v; %s said: %s", path, patience, filepath.Base(d.cmd.Path), d.stderr.String())
}

// What is accepted of /metrics: what Prometheus 3 asks for, and the text that is parsed here.
const (
	asPrometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.2"
	asText       = "text/plain;version=0.0.4"
)

// get asks for compressed content, as Prometheus does, and reads it to the end.
func (d *daemon) get(path, accept string) (string, error) {
	request, err := http.NewRequest(http.MethodGet, d.base+path, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", path, response.Status)
	}
	var body io.Reader = response.Body
	if response.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(response.Body); err != nil {
			return "", err
		}
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

func (d *daemon) scrape() (families, error) {
	text, err := d.get("/metrics", asText)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(strings.NewReader(text))
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
