package state_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"postflight/internal/state"
	"postflight/internal/testhost"
)

const (
	shopUnit = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=sleep infinity\nRestart=always\nRestartSec=100ms\n"

	// What is done to the unit, in shell: crash waits until it runs again, wound does not wait at all. Who falls waits for a
	// restart that is far away until somebody acts, and does not take a restart that is due already for one by hand.
	shell = `
		u=shop.service
		wound() { systemctl kill -s KILL $u; }
		crash() {
			old=$(systemctl show --value -p InvocationID $u); wound
			while [ "$(systemctl show --value -p InvocationID $u)" = "$old" ] || ! systemctl is-active -q $u; do sleep 0.02; done
		}
		restart() { systemctl restart $u; }
		restarts_after() {
			mkdir -p /run/systemd/system/$u.d
			printf '[Service]\nRestartSec=%s\n' $1 >/run/systemd/system/$u.d/after.conf; systemctl daemon-reload
		}
		fall() {
			restarts_after 1h; wound
			until [ "$(systemctl show --value -p SubState $u)" = auto-restart ]; do sleep 0.02; done
		}
		mend() { fall; restart; restarts_after 100ms; }
		reset() { systemctl reset-failed $u; }
	`
)

// TestTortureAgainstSystemdsJournal does to a unit, to its bus, to its journal and to postflight itself all that may make a
// counter err, and compares it with what systemd wrote in its journal.
func TestTortureAgainstSystemdsJournal(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit(unit.Unit, shopUnit)
	d := newDaemon(t, h)
	byHand := 0
	for _, act := range []struct {
		name   string
		does   string
		byHand int
		killed bool // postflight, a moment before
	}{
		{"a first start", "systemctl start $u", 1, false},
		{"crashes", "crash; crash; crash", 0, false},
		{"reset-failed while it runs", "crash; reset; crash; crash", 0, false},
		{"restart by hand", "restart; crash; restart", 2, false},
		{"restart by hand while it waits for its restart", "crash; mend; crash", 1, false},
		{"stop and start", "systemctl stop $u; systemctl start $u; crash", 1, false},
		{"a stop while it waits", "fall; systemctl stop $u; systemctl start $u; restarts_after 100ms; crash", 1, false},
		{"daemon-reload and daemon-reexec", "crash; systemctl daemon-reload; crash; systemctl daemon-reexec; crash; systemctl daemon-reexec", 0, false},
		{"the bus killed", "crash; systemctl kill -s KILL dbus.service; crash; reset; crash; crash", 0, false},
		{"the bus stopped for a while", "systemctl stop dbus.socket dbus.service; crash; crash; restart; crash; systemctl start dbus.service; crash", 1, false},
		{"the bus hung", "systemctl kill -s STOP dbus.service; crash; restart; crash; sleep 6; crash; systemctl kill -s CONT dbus.service", 1, false},
		{"journald killed and the journal rotated", "systemctl kill -s KILL systemd-journald; crash; journalctl --rotate; crash", 0, false},
		{"postflight killed", "crash; crash; crash", 0, true},
		{"postflight killed, and a reset", "crash; crash; crash; reset; crash; crash", 0, true},
		{"postflight killed, and a deployment in between", "crash; crash; restart; crash; restart", 2, true},
		{"postflight killed, and mended while it waits", "crash; mend", 1, true},
		{"postflight and the bus killed", "crash; restart; crash; crash; systemctl kill -s KILL dbus.service; crash", 1, true},
	} {
		if act.killed {
			h.Exec("sh", "-c", shell+"crash; restart; crash")
			byHand++
			d.kill() // before it has saved, perhaps
		}
		h.Exec("sh", "-c", shell+act.does)
		if act.killed {
			d.run()
		}
		byHand += act.byHand
		d.agrees(act.name, byHand)
	}
}

// TestDeploysAndCrashesAreToldApart: ten restarts by hand and fifty crashes, mixed at random. Some restarts come while the
// unit waits for one.
func TestDeploysAndCrashesAreToldApart(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit(unit.Unit, shopUnit)
	h.Exec("systemctl", "start", unit.Unit)
	d := newDaemon(t, h)
	acts := strings.Fields(strings.Repeat("restart ", 5) + strings.Repeat("mend ", 5) + strings.Repeat("crash ", 45))
	seed := rand.Uint64()
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	t.Logf("seed %d", seed)

	h.Exec("sh", "-c", shell+strings.Join(acts, "\n"))

	restarts, runs := journalOf(h)
	d.until("all is counted", func(u *state.UnitState) bool { return u.Starts.Automatic+u.Starts.Manual == uint64(runs-1) })
	if u := d.unit(); u.Starts.Manual != 10 || u.Restarts != uint64(restarts) || u.Starts.Automatic != uint64(restarts) {
		t.Errorf("%d restarts and %+v, want %d restarts and 10 starts by hand", u.Restarts, u.Starts, restarts)
	}
	if n := len(d.byHand); n != 10 {
		t.Errorf("%d starts by hand were told, want 10", n)
	}
}
