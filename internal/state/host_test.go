package state_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/unitprobe"
)

// followed is a Store that a Watcher feeds with what a real systemd says of the shop's unit.
type followed struct {
	*state.Store
	t     *testing.T
	folds chan struct{} // holds one when there was a fold since
}

func follow(t *testing.T, h *testhost.Host) *followed {
	f := &followed{Store: applied(shop()), t: t, folds: make(chan struct{}, 1)}
	f.Subscribe(func(state.Event) {
		select {
		case f.folds <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := unitprobe.New(h.BusAddress, []probe.Key{unit}, unitprobe.Interval(200*time.Millisecond)).Watch(ctx, f.Fold); err != nil {
			t.Errorf("watching: %v", err)
		}
	})
	t.Cleanup(watching.Wait)
	t.Cleanup(cancel)
	return f
}

// until waits until the unit's state, as folded, is the one that is awaited.
func (f *followed) until(what string, holds func(*state.UnitState) bool) *state.UnitState {
	f.t.Helper()
	enough := time.After(time.Minute)
	for {
		u := f.Snapshot(time.Now()).Services[0].Units[0]
		if u.Observable() && holds(u) {
			return u
		}
		select {
		case <-f.folds:
		case <-enough:
			f.t.Fatalf("it did not come to be: %s; at last %+v of %+v", what, u.Last.Unit, u)
		}
	}
}

// TestExitsAreThoseOfSystemdsJournal: of a crash loop whose main process never runs, and of one whose does. The start
// limit ends it.
func TestExitsAreThoseOfSystemdsJournal(t *testing.T) {
	for _, row := range []struct{ name, starts string }{
		{"before the main process", "ExecStartPre=sh -c 'exit 4'\nExecStart=sleep infinity"},
		{"the main process", "ExecStart=sh -c 'exit 4'"},
		{"by turns", "ExecStartPre=sh -c 'test -e /run/ok || { touch /run/ok; exit 4; }'\nExecStart=sh -c 'rm /run/ok; exit 4'"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := testhost.Start(t)
			h.WriteUnit(unit.Unit, "[Unit]\nStartLimitIntervalSec=1h\n[Service]\n"+row.starts+"\nRestart=always\nRestartSec=50ms\n")
			f := follow(t, h)
			f.until("looked at", func(*state.UnitState) bool { return true })

			h.Exec("systemctl", "start", "--no-block", unit.Unit)
			got := f.until("given up", func(u *state.UnitState) bool { return u.State() == "failed" && u.Restarts == 5 })

			if diff := cmp.Diff(failures(h), counted(got)); diff != "" {
				t.Errorf("exits (-systemd's journal +counted):\n%s", diff)
			}
		})
	}
}

// failures are the runs of the unit of whose failure systemd wrote in its journal, by result. Of the last it writes
// twice, again when it gives up.
func failures(h *testhost.Host) map[string]uint64 {
	h.Exec("journalctl", "--sync")
	results, told := map[string]uint64{}, map[string]bool{}
	const unitFailed = "d9b373ed55a64feb8242e02dbe79a49c"
	for line := range strings.Lines(h.Exec("journalctl", "-o", "json", "_PID=1", "UNIT="+unit.Unit, "MESSAGE_ID="+unitFailed)) {
		var entry struct {
			Invocation string `json:"INVOCATION_ID"`
			Result     string `json:"UNIT_RESULT"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && !told[entry.Invocation] {
			told[entry.Invocation] = true
			results[entry.Result]++
		}
	}
	return results
}

// TestACrashLoopThatIsStoppedIsOver: of a unit that systemd unloads then, and of one that it keeps loaded because
// another wants it.
func TestACrashLoopThatIsStoppedIsOver(t *testing.T) {
	for _, kept := range []bool{false, true} {
		t.Run(map[bool]string{false: "unloaded", true: "kept"}[kept], func(t *testing.T) {
			h := testhost.Start(t)
			h.WriteUnit(unit.Unit, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=sh -c 'exit 4'\nRestart=always\nRestartSec=50ms\n"+
				"[Install]\nWantedBy=basic.target\n")
			if kept {
				h.Exec("systemctl", "enable", unit.Unit)
			}
			f := follow(t, h)
			f.until("looked at", func(*state.UnitState) bool { return true })

			h.Exec("systemctl", "start", unit.Unit)
			f.until("crash looping", func(u *state.UnitState) bool { return u.CrashLooping(time.Now()) })
			f.until("still so while it is restarted", func(u *state.UnitState) bool { return u.Restarts >= 6 && u.CrashLooping(time.Now()) })
			h.Exec("systemctl", "stop", unit.Unit)
			h.Exec("systemctl", "reset-failed") // where the stop met the process as it failed
			over := f.until("over", func(u *state.UnitState) bool { return !u.CrashLooping(time.Now()) })

			if forgot := over.Last.Unit.InvocationID == ""; forgot == kept {
				t.Errorf("systemd forgot it: %t, but it was kept: %t", forgot, kept)
			}
		})
	}
}
