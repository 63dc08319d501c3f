package unitprobe_test

import (
	"testing"

	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/unitprobe"
)

func TestWhatWasStartedWhileTheMachineStarted(t *testing.T) {
	for _, row := range []struct {
		name       string
		finished   any    // when the machine had started
		began      uint64 // when the unit's run did
		invocation []byte
		want       bool
	}{
		{"with the machine", uint64(3_000_000), 2_000_000, []byte{1}, true},
		{"at that very time", uint64(3_000_000), 3_000_000, []byte{1}, true},
		{"afterwards", uint64(3_000_000), 3_000_001, []byte{1}, false},
		{"and the machine is still at it", uint64(0), 2_000_000, []byte{1}, true},
		{"so just now that its time is not told yet", uint64(0), 0, []byte{1}, true},
		{"never", uint64(3_000_000), 0, []byte{1}, false},
		{"and stopped since", uint64(3_000_000), 2_000_000, []byte{}, false},
		{"nobody says when the machine had started", nil, 2_000_000, []byte{1}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			address := startBus(t)
			f := startSystemd(t, address)
			f.set("FinishTimestampMonotonic", row.finished)
			f.set("InactiveExitTimestampMonotonic", row.began)
			f.set("InvocationID", row.invocation)
			w := watch(t, address, []string{"a.service"}, unitprobe.Interval(never))
			if u := w.state("a.service", "active"); u.AtBoot != row.want || u.BootID != bootID(t) {
				t.Errorf("at boot: %t, want %t; boot id %q", u.AtBoot, row.want, u.BootID)
			}
		})
	}
}

func TestTheMachineHasStarted(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	f.set("FinishTimestampMonotonic", uint64(0))
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(never))
	if u := w.state("a.service", "active"); !u.AtBoot {
		t.Fatal("not at boot, though the machine is still starting")
	}

	f.set("FinishTimestampMonotonic", uint64(6_000_000))
	var times [6]any
	for i := range times {
		times[i] = uint64(1_000_000)
	}
	must(t, f.conn.Emit("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager.StartupFinished", times[:]...))
	asked := func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.asked["systemd1"]["FinishTimestampMonotonic"] == 2
	}
	for !asked() { // a signal for each look, so that nothing is waited for that does not come
		f.signal("a.service", unitInterface, map[string]any{"SubState": "running"})
		w.state("a.service", "active")
	}
	f.signal("a.service", unitInterface, map[string]any{
		"InvocationID": []byte{2}, "InactiveExitTimestampMonotonic": uint64(7_000_000),
	})
	u := w.reading("a.service", "started anew", func(u probe.Unit) bool { return u.InvocationID == "02" })
	if u.AtBoot {
		t.Error("at boot, though it was started after the machine had started")
	}
}

func TestUnitsOfARealBoot(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("late.service", steady)
	w := watch(t, h.BusAddress, []string{"basic.target", "dbus.service", "late.service"}, unitprobe.Interval(never))
	for _, unit := range []string{"basic.target", "dbus.service"} {
		if u := w.state(unit, "active"); !u.AtBoot {
			t.Errorf("%s was not started at boot: %+v", unit, u)
		}
	}

	h.Exec("systemctl", "start", "late.service")

	if u := w.state("late.service", "active"); u.AtBoot {
		t.Errorf("late.service was started at boot: %+v", u)
	}
	if ids := h.Exec("journalctl", "--output=cat", "--output-fields=_BOOT_ID", "-F", "_BOOT_ID"); ids != bootID(t) {
		t.Errorf("the journal's boot id is %q, the readings' %q", ids, bootID(t))
	}
}
