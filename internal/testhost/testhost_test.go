package testhost_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/testhost"
)

func TestAHostRunsUnitsAndKeepsTheirJournal(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("greeting.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=echo good morning\n")

	h.Exec("systemctl", "start", "greeting.service")

	if got := h.Exec("systemctl", "show", "-P", "ActiveState", "greeting.service"); got != "active" {
		t.Errorf("ActiveState: %q, want active", got)
	}
	h.Exec("journalctl", "--sync")
	if got := h.Exec("journalctl", "-u", "greeting.service", "-o", "cat", "_COMM=echo"); got != "good morning" {
		t.Errorf("the journal holds %q", got)
	}
	if comm := read(t, "/proc/"+strconv.Itoa(h.PID)+"/comm"); comm != "systemd\n" {
		t.Errorf("the host's pid 1 is %q", comm)
	}
	if _, err := os.Stat(h.JournalDir); err != nil {
		t.Errorf("the journal from outside: %v", err)
	}
	socket := strings.TrimPrefix(h.BusAddress, "unix:path=")
	if info, err := os.Stat(socket); err != nil || info.Mode().Type() != os.ModeSocket {
		t.Errorf("the bus from outside: %v, %v", info, err)
	}
}

func TestHostsLiveSideBySideWithTheirOptions(t *testing.T) {
	shared := t.TempDir()
	private := testhost.Start(t, testhost.PrivateNet(), testhost.Bind(shared), testhost.VolatileJournal())
	other := testhost.Start(t)

	private.Exec("sh", "-c", "ls /sys/class/net > "+filepath.Join(shared, "interfaces"))

	if diff := cmp.Diff("lo\n", read(t, filepath.Join(shared, "interfaces"))); diff != "" {
		t.Errorf("interfaces of a private network (-want +got):\n%s", diff)
	}
	if !strings.Contains(private.JournalDir, "/run/log/journal/") {
		t.Errorf("a volatile journal at %s", private.JournalDir)
	}
	if private.Root == other.Root {
		t.Errorf("two hosts share the root %s", other.Root)
	}
}

func TestAHostIsGoneWhenItsTestEnds(t *testing.T) {
	var root string
	t.Run("inner", func(t *testing.T) { root = testhost.Start(t).Root })
	if root == "" {
		t.Skip("the inner test was skipped")
	}
	if _, err := os.Stat(filepath.Join(root, "etc")); !os.IsNotExist(err) {
		t.Errorf("the host's root after its test: %v, want that it does not exist", err)
	}
}

func TestACommandsStatusIsItsOwn(t *testing.T) {
	h := testhost.Start(t)

	err := h.Command(context.Background(), "sh", "-c", "exit 7").Run()

	if err == nil || err.Error() != "exit status 7" {
		t.Errorf("exit 7 inside: %v outside", err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
