package journalprobe_test

import (
	"fmt"
	"os"

	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/logpattern"
	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/journalprobe"
)

// machine is a test host and what reads its journal.
type machine struct {
	*testhost.Host
	t       *testing.T
	options journalprobe.Options
}

func boot(t *testing.T, units ...string) *machine {
	testhost.RequireTools(t, "journalctl", "python3")
	h := testhost.Start(t)
	return &machine{h, t, journalprobe.Options{Units: keys(units...), Journalctl: inside(t, h, "journalctl")}}
}

// oneshot makes a unit that runs a shell's commands once. They may hold no quotes but double ones.
func (m *machine) oneshot(unit, commands string) {
	m.t.Helper()
	m.WriteUnit(unit, "[Service]\nType=oneshot\nExecStart=/bin/sh -c '"+strings.ReplaceAll(commands, "%", "%%")+"'\n")
}

// counting makes the unit that count starts, and has its numbers read.
func (m *machine) counting() {
	m.t.Helper()
	m.oneshot("count.service", `. /run/count; while [ $from -le $to ]; do echo "number $from"; from=$((from+1)); done`)
	m.options.Units = keys("count.service")
	m.options.Patterns = compile(m.t, numbered)
}

// count has lines written, numbered from one to the other, and waits until journald has them.
func (m *machine) count(from, to int) {
	m.t.Helper()
	m.write("run/count", fmt.Sprintf("from=%d\nto=%d\n", from, to))
	m.Exec("systemctl", "start", "count.service")
	m.Exec("journalctl", "--sync")
}

// write writes a file within the host.
func (m *machine) write(path, text string) {
	m.t.Helper()
	path = filepath.Join(m.Root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// configure sets journald's configuration.
func (m *machine) configure(text string) {
	m.t.Helper()
	m.write("run/systemd/journald.conf.d/test.conf", "[Journal]\n"+text)
	m.Exec("systemctl", "restart", "systemd-journald")
}

// kill kills a process of that name within the host.
func (m *machine) kill(name string) {
	m.t.Helper()
	m.Exec("sh", "-c", "until kill -KILL $(pidof -s "+name+"); do :; done 2>/dev/null")
}

func TestACrashIsToldInFull(t *testing.T) {
	m := boot(t, "app.service")
	m.options.Patterns = compile(t, logpattern.Builtin()...)
	w := watch(t, m.options).following("app.service")
	m.WriteUnit("app.service", `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -c "import jwt_that_is_not_there"
Restart=always
RestartSec=0.1
`)
	m.Exec("systemctl", "start", "app.service")
	log := w.log("app.service", "two restarts", func(l probe.Log) bool { return count(l, probe.RestartScheduled) >= 2 })
	m.Exec("systemctl", "stop", "app.service")

	if len(log.Matches) == 0 || log.Matches[0].Module != "jwt_that_is_not_there" || len(log.Matches[0].Before) == 0 {
		t.Errorf("no missing module with its traceback among the matches %+v", log.Matches)
	}
	if log.Until.IsZero() || log.Lines == 0 {
		t.Errorf("%d lines until %v", log.Lines, log.Until)
	}
	bootID := strings.ReplaceAll(read(t, "/proc/sys/kernel/random/boot_id"), "-", "")
	var seen []probe.UnitEvent
	for _, e := range log.Events[:5] {
		if e.InvocationID == "" || e.BootID != strings.TrimSpace(bootID) || time.Since(e.Time) > patience {
			t.Errorf("of which run, and when: %+v", e)
		}
		e.InvocationID, e.BootID, e.Time = "", "", time.Time{}
		seen = append(seen, e)
	}
	want := []probe.UnitEvent{
		{Kind: probe.UnitStarted},
		{Kind: probe.ProcessExited, ExitCode: "exited", ExitStatus: 1},
		{Kind: probe.UnitFailed, Result: "exit-code"},
		{Kind: probe.RestartScheduled, NRestarts: 1},
		{Kind: probe.UnitStarted},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("events (-want +got): %s", diff)
	}
}

func count(l probe.Log, kind probe.UnitEventKind) (n int) {
	for _, e := range l.Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestWhichEntriesAreAUnitsOwn(t *testing.T) {
	m := boot(t, "app.service", "other.service")
	m.options.Units = append(m.options.Units, probe.Key{Service: "second", Unit: "app.service"})
	m.write("run/forge.py", `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect('/run/systemd/journal/socket')
for more in 'MESSAGE_ID=5eb03494b6584870a536b337290809b3\nN_RESTARTS=1000', 'MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e\nN_DROPPED=1000':
    text = 'MESSAGE=forged\nUNIT=app.service\nOBJECT_SYSTEMD_UNIT=app.service\n_PID=1\n_TRANSPORT=driver\n' + more + '\n'
    s.send(text.encode())
`)
	m.WriteUnit("other.service", `[Service]
Type=oneshot
ExecStartPre=-/bin/false
ExecStart=/usr/bin/python3 /run/forge.py
ExecStart=/bin/sh -c 'kill -KILL $$$$'
ExecStopPost=/bin/echo over
`)
	m.oneshot("app.service", "echo mine; python3 /run/forge.py")
	w := watch(t, m.options).following("app.service")
	if out, err := m.Command(t.Context(), "systemctl", "start", "other.service").CombinedOutput(); err == nil {
		t.Fatalf("the unit that kills itself has not failed: %s", out)
	}
	m.Exec("systemctl", "start", "app.service")

	w.log("other.service", "it failed", func(l probe.Log) bool { return count(l, probe.StartFailed) == 1 })
	w.lines("app.service", 6) // three for each service
	results := w.told()
	if log := logOf(results, "app.service"); log.Lines != 6 || log.Dropped != 0 || count(log, probe.RestartScheduled) != 0 {
		t.Errorf("others were believed: %+v", log)
	}
	services := map[string]uint64{}
	for _, r := range results {
		if r.Key.Unit == "app.service" {
			services[r.Key.Service] += r.Log.Lines
		}
	}
	if diff := cmp.Diff(map[string]uint64{"proxy": 3, "second": 3}, services); diff != "" {
		t.Errorf("lines by service: %s", diff)
	}
	other := logOf(results, "other.service")
	if other.Lines != 3 {
		t.Errorf("%d lines, want the two that were forged and that of ExecStopPost", other.Lines)
	}
	for _, e := range other.Events {
		if e.Kind == probe.ProcessExited && (e.ExitCode != "killed" || e.ExitStatus != 9) {
			t.Errorf("an exit that is not the main process': %+v", e)
		}
	}
}

func TestLinesOfAllKinds(t *testing.T) {
	m := boot(t, "app.service")
	m.options.Patterns = compile(t,
		logpattern.Pattern{Pattern: probe.Pattern{Name: "red", Severity: probe.SeverityWarning}, Match: `^red alert$`},
		logpattern.Pattern{Pattern: probe.Pattern{Name: "odd", Severity: probe.SeverityWarning}, Match: `^odd \x{FFFD} bytes`},
		logpattern.Pattern{Pattern: probe.Pattern{Name: "second", Severity: probe.SeverityWarning}, Match: `^second of two$`},
		logpattern.Pattern{Pattern: probe.Pattern{Name: "last", Severity: probe.SeverityWarning}, Match: `^last$`},
	)
	m.write("run/lines.py", `
import socket, struct, sys
out = sys.stdout.buffer
out.write(b'\x1b[31mred alert\x1b[0m\n')
out.write(b'odd \xff bytes\n')
out.write(b'x' * 100_000 + b'\n')
out.flush()
def native(message):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    datagram = b'MESSAGE\n' + struct.pack('<Q', len(message)) + message + b'\n'
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
    s.connect('/run/systemd/journal/socket')
    s.send(datagram)
native(b'first of two\nsecond of two')
native(b'y' * 99 + b'\n' + (b'z' * 99 + b'\n') * 8999)
native(b'\x00\xfe' * 50_000)
out.write(b'last\n')
`)
	m.WriteUnit("app.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/python3 /run/lines.py\n")
	w := watch(t, m.options).following("app.service")
	m.Exec("systemctl", "start", "app.service")
	const want = 1 + 1 + 3 + 2 + 9000 + 1 + 1 // journald cuts the long line at 48 KiB
	w.lines("app.service", want)
	w.stop()

	log := logOf(w.told(), "app.service")
	if log.Lines != want {
		t.Errorf("%d lines, want %d", log.Lines, want)
	}
	for _, name := range []string{"red", "odd", "second", "last"} {
		if matched(log, name) != 1 {
			t.Errorf("%d matches of %s", matched(log, name), name)
		}
	}
}

func matched(l probe.Log, name string) (n int) {
	for _, m := range l.Matches {
		if m.Pattern == name {
			n++
		}
	}
	return n
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
