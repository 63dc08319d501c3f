// Package testhost boots throw-away systemd machines for tests: a real pid 1, a real system bus and a real journal,
// inside Linux namespaces, in about a second. See README.md beside this file.
package testhost

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed systemd-host
var script []byte

// Host is a running machine. What its fields name is reached from outside.
type Host struct {
	Root       string // its root directory
	BusAddress string // of its system bus, as D-Bus writes addresses
	JournalDir string // for journalctl --directory
	PID        int    // of its pid 1, as seen from outside

	t      testing.TB
	script string // path of the script
	name   string
}

// An Option is something that Start asks of the host.
type Option []string

// PrivateNet gives the host a network of its own with only a loopback interface: real port numbers without clashes.
// Whatever is to reach them must run inside.
func PrivateNet() Option { return Option{"--private-net"} }

// Bind shows the outside's path inside, at the same place, live and writable. Paths below /tmp, /run, /etc, /var, /opt,
// /srv and /usr/local need it; t.TempDir is such a path.
func Bind(path string) Option { return Option{"--bind", path} }

// VolatileJournal keeps the host's journal in /run/log/journal instead of /var/log/journal.
func VolatileJournal() Option { return Option{"--journal", "volatile"} }

const (
	bootTimeout    = 60 * time.Second // the script itself gives up after 30 s
	commandTimeout = 60 * time.Second
)

// Start boots a host that is taken down when the test ends. Where the machine cannot run one, the test is skipped;
// with CI=true it fails instead, for there nothing may be left out unseen.
func Start(t testing.TB, opts ...Option) *Host {
	t.Helper()
	h := &Host{t: t, name: uniqueName(), script: filepath.Join(t.TempDir(), "systemd-host")}
	if err := os.WriteFile(h.script, script, 0o755); err != nil {
		t.Fatalf("writing the host's script: %v", err)
	}
	if out, err := h.control(commandTimeout, "check"); err != nil {
		lacking(t, "this machine cannot run a test host: %s", out)
	}
	args := []string{"up", "--replace"}
	for _, o := range opts {
		args = append(args, o...)
	}
	t.Cleanup(h.down)
	out, err := h.control(bootTimeout, args...)
	if err != nil {
		t.Fatalf("booting a test host: %v\n%s", err, out)
	}
	h.describe(out)
	return h
}

// RequireTools skips the test where one of the programs is not on this machine (which the host shares); with CI=true
// it fails instead.
func RequireTools(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			lacking(t, "this test needs %s: %v", name, err)
		}
	}
}

// Command is a command that will run inside, as root. It is for what runs in the background or has pipes; the host's
// end is its end too.
func (h *Host) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, h.script, append([]string{"--name", h.name, "exec", "--"}, args...)...)
}

// Exec runs a command inside and returns its standard output without the last line's end. It fails the test when the
// command fails.
func (h *Host) Exec(args ...string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := h.Command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("%s inside: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// WriteUnit writes a unit file, which daemon-reload makes known.
func (h *Host) WriteUnit(name, content string) {
	h.t.Helper()
	path := filepath.Join(h.Root, "run/systemd/system", name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		h.t.Fatalf("writing unit %s: %v", name, err)
	}
	h.Exec("systemctl", "daemon-reload")
}

func (h *Host) down() {
	if out, err := h.control(commandTimeout, "down"); err != nil {
		h.t.Errorf("taking the test host down: %v\n%s", err, out)
	}
}

// control runs the script itself. Its output goes through a file: a pipe would be held open by the host.
func (h *Host) control(timeout time.Duration, args ...string) (string, error) {
	log, err := os.CreateTemp(filepath.Dir(h.script), "out")
	if err != nil {
		return "", err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.script, append([]string{"--name", h.name}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Run()
	out, readErr := os.ReadFile(log.Name())
	if readErr != nil {
		return "", readErr
	}
	return string(out), err
}

// describe takes the host's particulars from the KEY=VALUE lines that the script prints.
func (h *Host) describe(lines string) {
	h.t.Helper()
	for line := range strings.Lines(lines) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch key {
		case "ROOT":
			h.Root = value
		case "DBUS_SYSTEM_BUS_ADDRESS":
			h.BusAddress = value
		case "JOURNAL_DIR":
			h.JournalDir = value
		case "PID":
			h.PID, _ = strconv.Atoi(value)
		}
	}
	if h.Root == "" || h.BusAddress == "" || h.JournalDir == "" || h.PID == 0 {
		h.t.Fatalf("the test host did not say where it is:\n%s", lines)
	}
}

// uniqueName is a name that no other test, of this process or another, uses at the same time.
func uniqueName() string { return "test-" + strings.ToLower(rand.Text()[:10]) }

func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
