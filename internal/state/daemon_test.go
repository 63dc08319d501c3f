package state_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postflight/internal/state"
	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/journalprobe"
	"postflight/probe/unitprobe"
)

// daemon is what of postflight watches the shop's unit in a real host. It can be killed at any moment, and then goes on from
// what it had saved.
type daemon struct {
	t          *testing.T
	h          *testhost.Host
	journalctl string
	changed    chan struct{} // holds one when there was a fold since

	mu     sync.Mutex // guards all below
	store  *state.Store
	saved  []byte
	byHand map[string]bool // the runs of which it told that they were started by hand
	stop   func()
}

func newDaemon(t *testing.T, h *testhost.Host) *daemon {
	testhost.RequireTools(t, "journalctl")
	d := &daemon{t: t, h: h, changed: make(chan struct{}, 1), byHand: map[string]bool{}}
	d.journalctl = filepath.Join(t.TempDir(), "journalctl")
	script := "#!/bin/bash\nexec"
	for _, arg := range h.Command(context.Background(), "journalctl").Args {
		script += " '" + arg + "'"
	}
	if err := os.WriteFile(d.journalctl, []byte(script+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.kill() })
	d.run()
	d.until("first seen", func(u *state.UnitState) bool { return u.Observable() && u.Log.Observable && d.store.Cursor() != "" })
	d.save()
	return d
}

func (d *daemon) run() {
	store := state.New()
	if d.saved != nil {
		if err := store.Restore(d.saved); err != nil {
			d.t.Fatal(err)
		}
	}
	store.Apply([]state.Service{watched()})
	store.Subscribe(func(e state.Event) {
		if e.Started == state.Manual {
			d.mu.Lock()
			d.byHand[e.Unit.Run] = true
			d.mu.Unlock()
		}
		select {
		case d.changed <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	watch := func(w probe.Watcher) {
		working.Go(func() {
			err := w.Watch(ctx, func(r probe.Result) {
				if ctx.Err() == nil { // who is killed takes up nothing any more
					store.Fold(r)
				}
			})
			if err != nil {
				d.t.Errorf("watching: %v", err)
			}
		})
	}
	watch(unitprobe.New(d.h.BusAddress, []probe.Key{unit}, unitprobe.Interval(200*time.Millisecond)))
	watch(journalprobe.New(journalprobe.Options{
		Units: []probe.Key{unit}, Cursor: store.Cursor(), Journalctl: d.journalctl,
		Since: map[probe.Key]time.Time{unit: store.Snapshot(noon).Services[0].Units[0].Log.Until},
		Moved: func(cursor string) {
			if ctx.Err() == nil {
				store.FoldCursor(cursor)
			}
		},
	}))
	working.Go(func() { d.saveEachSecond(ctx, store) })
	d.mu.Lock()
	d.store = store
	d.stop = func() { cancel(); working.Wait() }
	d.mu.Unlock()
}

func (d *daemon) saveEachSecond(ctx context.Context, store *state.Store) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
			d.save()
		}
	}
}

func (d *daemon) save() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saved = d.store.Save()
}

func (d *daemon) kill() { d.stop() }

func (d *daemon) unit() *state.UnitState { return d.store.Snapshot(time.Now()).Services[0].Units[0] }

// until waits until the unit's state, as folded, is the one that is awaited.
func (d *daemon) until(what string, holds func(*state.UnitState) bool) {
	d.t.Helper()
	enough := time.After(time.Minute)
	for {
		u := d.unit()
		if holds(u) {
			return
		}
		select {
		case <-d.changed:
		case <-enough:
			d.t.Fatalf("it did not come to be: %s; at last %+v of %+v, log %+v", what, u.Last.Unit, u, u.Log)
		}
	}
}

// agrees waits until what is counted is what systemd's own journal says, given how many starts were by hand.
func (d *daemon) agrees(when string, byHand int) {
	d.t.Helper()
	restarts, runs := journalOf(d.h)
	want := state.Starts{Automatic: uint64(runs - byHand), Manual: uint64(byHand)}
	d.until(fmt.Sprintf("after %s: %d restarts and %+v, as in systemd's journal", when, restarts, want), func(u *state.UnitState) bool {
		if u.Restarts > uint64(restarts) {
			d.t.Fatalf("after %s: %d restarts, and only %d in systemd's journal", when, u.Restarts, restarts)
		}
		return u.Restarts == uint64(restarts) && u.Starts == want
	})
}

// journalOf counts the restarts that systemd wrote it had scheduled, and the runs that it wrote it had started.
func journalOf(h *testhost.Host) (restarts, runs int) {
	h.Exec("journalctl", "--sync")
	for line := range strings.Lines(h.Exec("journalctl", "-o", "json", "_PID=1", "UNIT="+unit.Unit)) {
		var entry struct {
			ID string `json:"MESSAGE_ID"`
		}
		switch json.Unmarshal([]byte(line), &entry); entry.ID {
		case "5eb03494b6584870a536b337290809b3":
			restarts++
		case "39f53479d3a045ac8e11786248231fbf":
			runs++
		}
	}
	return restarts, runs
}
