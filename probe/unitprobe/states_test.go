package unitprobe_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/unitprobe"
)

const (
	crashing = `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=sh -c 'exit 3'
Restart=always
RestartSec=50ms
`
	steady = "[Service]\nExecStart=sleep infinity\n"

	exited, killed = 1, 2 // CLD_EXITED, CLD_KILLED
)

func TestEveryCrashOfALoopIsTold(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("crash.service", crashing)
	w := watch(t, h.BusAddress, []string{"crash.service"}, unitprobe.Interval(never))
	w.state("crash.service", "inactive")

	h.Exec("systemctl", "start", "crash.service")
	w.reading("crash.service", "restarted 10 times", func(u probe.Unit) bool { return u.NRestarts == 10 })
	h.Exec("systemctl", "stop", "crash.service")
	h.WriteUnit("mark.service", steady) // the reload has everything read again: what came before it was told
	w.reading("crash.service", "stopped", func(u probe.Unit) bool { return u.InvocationID == "" })

	var last uint32
	var starts, exits []string
	for _, r := range w.seen {
		u := *r.Unit
		if u.NRestarts > last+1 {
			t.Errorf("NRestarts went from %d to %d", last, u.NRestarts)
		}
		last = u.NRestarts
		if id := u.InvocationID; id != "" && (len(starts) == 0 || starts[len(starts)-1] != id) {
			starts = append(starts, id)
		}
		if u.Result == "exit-code" && (len(exits) == 0 || exits[len(exits)-1] != u.InvocationID) {
			exits = append(exits, u.InvocationID)
			if u.ExecMainCode != exited || u.ExecMainStatus != 3 || u.ExecMainExit.IsZero() {
				t.Errorf("exit 3 was read as code %d, status %d, at %v", u.ExecMainCode, u.ExecMainStatus, u.ExecMainExit)
			}
		}
	}
	if diff := cmp.Diff(journal(h, "crash.service", "39f53479d3a045ac8e11786248231fbf"), starts); diff != "" {
		t.Errorf("starts (-systemd's journal +told):\n%s", diff)
	}
	if diff := cmp.Diff(journal(h, "crash.service", "d9b373ed55a64feb8242e02dbe79a49c"), exits); diff != "" {
		t.Errorf("failed exits (-systemd's journal +told):\n%s", diff)
	}
}

// journal lists the invocations of which systemd itself wrote a message of that kind, in their order.
func journal(h *testhost.Host, unit, messageID string) []string {
	h.Exec("journalctl", "--sync")
	var ids []string
	for line := range strings.Lines(h.Exec("journalctl", "-o", "json", "_PID=1", "UNIT="+unit, "MESSAGE_ID="+messageID)) {
		var entry struct {
			ID string `json:"INVOCATION_ID"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil {
			ids = append(ids, entry.ID)
		}
	}
	return ids
}

func TestStartRestartStopByHand(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("steady.service", steady)
	w := watch(t, h.BusAddress, []string{"steady.service"}, unitprobe.Interval(never))
	w.sameAs(h, "steady.service", "inactive")

	h.Exec("systemctl", "start", "steady.service")
	w.sameAs(h, "steady.service", "active")
	before := w.seen[len(w.seen)-1].Unit.InvocationID

	h.Exec("systemctl", "restart", "steady.service")
	after := w.reading("steady.service", "started anew", func(u probe.Unit) bool {
		return u.ActiveState == "active" && u.InvocationID != before
	})
	if after.NRestarts != 0 {
		t.Errorf("NRestarts %d after a restart by hand", after.NRestarts)
	}

	h.Exec("systemctl", "kill", "-s", "KILL", "steady.service")
	w.sameAs(h, "steady.service", "failed")

	h.Exec("systemctl", "start", "steady.service")
	w.state("steady.service", "active")
	h.Exec("systemctl", "stop", "steady.service")
	stopped := w.reading("steady.service", "stopped", func(u probe.Unit) bool {
		return u.ActiveState == "inactive" && u.ExecMainCode != 0
	})
	if stopped.ExecMainCode != killed || stopped.ExecMainStatus != int32(syscall.SIGTERM) || stopped.Result != "success" {
		t.Errorf("a stop was told as %+v", stopped)
	}
}

func TestUnitsThatAreNoDaemons(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("task.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\n")
	h.WriteUnit("steady.service", steady)
	h.WriteUnit("steady.socket", "[Socket]\nListenStream=/run/steady.sock\n")
	w := watch(t, h.BusAddress, []string{"task.service", "steady.socket", "basic.target"}, unitprobe.Interval(never))
	w.sameAs(h, "basic.target", "active")

	h.Exec("systemctl", "start", "task.service")
	w.sameAs(h, "task.service", "active")

	h.Exec("systemctl", "start", "steady.socket")
	w.sameAs(h, "steady.socket", "active")
}

func TestTheStartLimitIsHit(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("limited.service", "[Service]\nExecStart=false\nRestart=always\nRestartSec=1ms\n")
	w := watch(t, h.BusAddress, []string{"limited.service"}, unitprobe.Interval(never))
	w.sameAs(h, "limited.service", "inactive")

	h.Exec("systemctl", "start", "limited.service")

	w.reading("limited.service", "failed for good", func(u probe.Unit) bool {
		return u.ActiveState == "failed" && u.NRestarts == 5
	})
	h.WriteUnit("mark.service", steady)
	w.sameAs(h, "limited.service", "failed")
}

func TestUnitsThatCannotBeStarted(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("broken.service", "[Service]\n")
	h.WriteUnit("running.service", steady)
	h.Exec("systemctl", "start", "running.service")
	w := watch(t, h.BusAddress, []string{"absent.service", "broken.service", "late.service", "running.service"}, unitprobe.Interval(never))
	is := func(unit, load, active string) {
		t.Helper()
		w.reading(unit, load, func(u probe.Unit) bool { return u.LoadState == load && u.ActiveState == active })
	}
	is("absent.service", "not-found", "inactive")
	is("broken.service", "bad-setting", "inactive")
	is("late.service", "not-found", "inactive")
	is("running.service", "loaded", "active")

	h.WriteUnit("late.service", steady)
	is("late.service", "loaded", "inactive")

	h.Exec("rm", "/run/systemd/system/running.service")
	h.Exec("systemctl", "mask", "late.service", "running.service")
	is("late.service", "masked", "inactive")
	is("running.service", "masked", "active")

	h.Exec("systemctl", "stop", "running.service")
	is("running.service", "masked", "inactive")

	h.Exec("systemctl", "unmask", "late.service")
	h.Exec("systemctl", "start", "late.service")
	is("late.service", "loaded", "active")
}

// sameAs waits until the unit is told as systemctl shows it, in that state.
func (w *watched) sameAs(h *testhost.Host, unit, active string) {
	w.t.Helper()
	var diff string
	for range 100 {
		got := w.state(unit, active)
		got.Changed = time.Time{} // which readings do not tell
		if diff = cmp.Diff(shown(w.t, h, unit), got); diff == "" {
			return
		}
	}
	w.t.Errorf("%s (-systemctl show +told):\n%s", unit, diff)
}

// bootID is what the journal calls the machine's present run.
func bootID(t testing.TB) string {
	t.Helper()
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(id)), "-", "")
}

// shown is the unit as systemctl shows it.
func shown(t testing.TB, h *testhost.Host, unit string) probe.Unit {
	t.Helper()
	value := map[string]string{}
	for line := range strings.Lines(h.Exec("systemctl", "show", "--timestamp=us+utc", unit)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		value[k] = v
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(value[name], 10, 64)
		return n
	}
	at := func(name string) (at time.Time) {
		if value[name] != "" {
			var err error
			if at, err = time.Parse("Mon 2006-01-02 15:04:05.000000 MST", value[name]); err != nil {
				t.Fatal(err)
			}
		}
		return at
	}
	accounted := func(name string) *uint64 {
		if n, err := strconv.ParseUint(value[name], 10, 64); err == nil {
			return &n
		}
		return nil
	}
	u := probe.Unit{
		LoadState: value["LoadState"], ActiveState: value["ActiveState"], SubState: value["SubState"],
		InvocationID: value["InvocationID"], ActiveEnter: at("ActiveEnterTimestamp"),
		BootID: bootID(t),
	}
	started, _ := strconv.ParseInt(h.Exec("systemctl", "show", "--value", "-p", "FinishTimestampMonotonic"), 10, 64)
	u.AtBoot = u.InvocationID != "" && number("InactiveExitTimestampMonotonic") <= started
	if strings.HasSuffix(unit, ".service") {
		u.Result, u.NRestarts = value["Result"], uint32(number("NRestarts"))
		u.ExecMainCode, u.ExecMainStatus = int32(number("ExecMainCode")), int32(number("ExecMainStatus"))
		u.ExecMainExit = at("ExecMainExitTimestamp")
		u.MemoryBytes, u.Tasks = accounted("MemoryCurrent"), accounted("TasksCurrent")
	}
	return u
}

func TestAUnitThatAppearsWithoutAReload(t *testing.T) {
	h := testhost.Start(t)
	w := watch(t, h.BusAddress, []string{"new.service"}, unitprobe.Interval(never))
	w.reading("new.service", "not found", func(u probe.Unit) bool { return u.LoadState == "not-found" })

	h.Exec("sh", "-c", "printf '[Service]\nExecStart=sleep infinity\n' > /run/systemd/system/new.service")
	h.Exec("systemctl", "start", "new.service")

	if u := w.state("new.service", "active"); u.LoadState != "loaded" {
		t.Errorf("told as %+v", u)
	}
}

func TestTwoServicesMayHaveTheSameUnitAndAnAliasOfIt(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("steady.service", steady)
	h.Exec("ln", "-s", "steady.service", "/run/systemd/system/alias.service")
	h.Exec("systemctl", "daemon-reload")
	w := watchKeys(t, h.BusAddress, []probe.Key{
		{Service: "one", Unit: "steady.service"}, {Service: "two", Unit: "steady.service"}, {Service: "three", Unit: "alias.service"},
	}, unitprobe.Interval(never))
	for range 3 {
		w.until("a first reading", func(r probe.Result) bool { return r.Unit != nil })
	}

	h.Exec("systemctl", "start", "steady.service")

	active := map[string]bool{}
	for len(active) < 3 {
		r := w.until("active", func(r probe.Result) bool { return r.Unit != nil && r.Unit.ActiveState == "active" })
		active[r.Key.Service] = true
	}
}
