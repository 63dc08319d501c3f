package state_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/state"
	"postflight/probe"
)

// postflight is one that watches systemd through a bus that comes and goes, reads the journal late, and is killed.
type postflight struct {
	t    *rapid.T
	s    *systemd
	bus  bool // signals arrive
	lags bool // but they do so late
	late []probe.Result

	store   *state.Store // nil: it does not run
	saved   []byte
	savedAt time.Time

	base       counts // the truth at the first sight
	seen       bool
	shown      counts    // by this process, last
	lost       bool      // entries of the journal are gone that were not read
	doubt      time.Time // when the last such thing came
	obscured   bool      // in a gap came what leaves no trace of who started the unit
	untraced   uint64    // restarts of which the bus cannot tell
	resetAt    time.Time
	kept       int             // the first entry that the journal still holds
	away       bool            // until the next reading
	sawWaiting time.Time       // when a reading after a gap came between two crashes
	at         int             // the next entry to read
	losses     int             // of the bus, since the journal was last read to its end
	first      string          // the run at the first sight
	deploys    map[string]bool // the runs of which a subscriber was told that they were started by hand
}

func (p *postflight) run() {
	p.store, p.away = state.New(), true
	if p.saved != nil {
		if err := p.store.Restore(p.saved); err != nil {
			p.t.Fatalf("restoring %s: %v", p.saved, err)
		}
	}
	p.store.Apply([]state.Service{watched()})
	p.store.Subscribe(func(e state.Event) {
		if e.Started == state.Manual {
			p.deploys[e.Unit.Run] = true
			if !p.s.manual[e.Unit.Run] && !p.obscured && !p.lost {
				p.t.Fatalf("%s is told as started by hand", e.Unit.Run)
			}
		}
	})
	p.shown = p.got()
	p.at = len(p.s.journal)
	if cursor := p.store.Cursor(); cursor != "" {
		p.at, _ = strconv.Atoi(cursor)
	} else {
		p.lost = p.lost || p.seen
	}
}

func watched() state.Service {
	service := shop()
	service.Patterns = []probe.Pattern{{Name: "any", Severity: probe.SeverityInfo}}
	return service
}

func (p *postflight) unit() *state.UnitState { return p.store.Snapshot(p.s.now).Services[0].Units[0] }

// hear is told by a signal.
func (p *postflight) hear() {
	if p.store == nil || !p.bus {
		return
	}
	u := p.s.shown()
	u.Changed = p.s.changed
	p.take(probe.Result{Key: unit, Start: p.s.now, Unit: u})
}

func (p *postflight) take(r probe.Result) {
	if p.lags {
		p.late = append(p.late, r)
		return
	}
	if !p.seen && p.s.phase == waiting {
		p.sawWaiting = p.s.now
	}
	p.away = false
	if !p.seen {
		p.seen, p.base, p.first = true, p.s.truth.clone(), p.s.invocation
	}
	p.store.Fold(r)
}

// catchUp has what the bus held back arrive.
func (p *postflight) catchUp() {
	late := p.late
	p.lags, p.late = false, nil
	for _, r := range late {
		r.Start = p.s.now
		p.take(r)
	}
}

// look reads the unit; the bus takes its time.
func (p *postflight) look() {
	if p.store == nil || !p.bus || p.lags {
		return
	}
	took := time.Duration(0)
	if p.seen {
		took = time.Duration(rapid.IntRange(0, 50).Draw(p.t, "took")) * time.Millisecond
		took = min(took, p.s.now.Sub(p.resetAt)) // what is reset while it is looked at, leaves no trace
		if p.s.invocation == "" {
			took = 0 // nor does a run that comes and goes meanwhile
		}
	}
	slow := time.Duration(rapid.IntRange(0, 50).Draw(p.t, "slow")) * time.Millisecond // to take what systemd has answered
	p.take(probe.Result{Key: unit, Start: p.s.now.Add(-took), Duration: took + slow, Unit: p.s.shown()})
}

// reconnect comes after a loss, be it that it was not noticed before.
func (p *postflight) reconnect() {
	if !p.bus {
		p.lose()
		p.bus, p.away = true, true
		if p.losses++; p.losses > 12 {
			p.lost = true // more than anybody remembers
		}
	}
}

func (p *postflight) lose() {
	p.lags, p.late = false, nil
	if p.store != nil {
		p.store.Fold(probe.Result{Key: unit, Start: p.s.now, Outcome: probe.Error, Reason: probe.ReasonConnect})
	}
}

// read reads on in the journal.
func (p *postflight) read(entries int) {
	if p.store == nil {
		return
	}
	if p.at < p.kept {
		p.lost, p.at = true, p.kept
		p.store.Fold(probe.Result{Key: unit, Log: &probe.Log{Missed: true}, Outcome: probe.Error, Got: "entries may be missing"})
	}
	if entries >= len(p.s.journal)-p.at {
		p.losses = 0
	}
	for ; p.at < len(p.s.journal) && entries > 0; entries-- {
		e := p.s.journal[p.at]
		p.at++
		if e.Time.After(p.unit().Log.Until) {
			p.store.Fold(probe.Result{Key: unit, Log: &probe.Log{Lines: 1, Until: e.Time, Events: []probe.UnitEvent{e}}})
		}
	}
	if rapid.Bool().Draw(p.t, "moved") {
		p.store.FoldCursor(strconv.Itoa(p.at))
	}
}

// resetFailed leaves no trace where the unit waits after a run that ended well: then a restart passes for a start by hand.
func (p *postflight) resetFailed() {
	p.s.over()
	if p.s.phase == waiting && p.s.result == "success" && p.s.n == 1 {
		p.obscured = true
		p.untraced++
	}
	p.s.resetFailed()
	p.resetAt = p.s.now
}

// obscure is called where something happens that leaves a gap's starts in doubt.
func (p *postflight) obscure() {
	p.doubt = p.s.now
	p.obscured = p.obscured || p.store == nil || !p.bus || p.lags
}

func (p *postflight) save() {
	if p.store != nil {
		p.saved, p.savedAt = p.store.Save(), p.s.now
	}
}

func (p *postflight) kill() {
	p.store, p.lags, p.late = nil, false, nil
	p.obscured = p.obscured || !p.doubt.Before(p.savedAt)
}

// want is what happened since the first sight.
func (p *postflight) want() counts {
	w := p.s.truth.clone()
	w.Restarts -= p.base.Restarts
	w.Starts.Automatic -= p.base.Starts.Automatic
	w.Starts.Manual -= p.base.Starts.Manual
	w.Starts.Boot -= p.base.Starts.Boot
	for result, n := range p.base.Exits {
		if w.Exits[result] -= n; w.Exits[result] == 0 {
			delete(w.Exits, result)
		}
	}
	return w
}

func (p *postflight) got() counts {
	u := p.unit()
	return counts{u.Restarts, u.Starts, counted(u)}
}

// check: no count ever falls, and that of restarts never exceeds the truth.
func (p *postflight) check(t *rapid.T) {
	if p.store == nil || !p.seen {
		return
	}
	got, want := p.got(), p.want()
	if got.Restarts > want.Restarts {
		t.Fatalf("%d restarts are shown; in truth it is %d", got.Restarts, want.Restarts)
	}
	before := p.shown
	if got.Restarts < before.Restarts || got.Starts.Automatic < before.Starts.Automatic ||
		got.Starts.Manual < before.Starts.Manual || got.Starts.Boot < before.Starts.Boot {
		t.Fatalf("%+v is shown, and before it was %+v", got, before)
	}
	for result, n := range before.Exits {
		if got.Exits[result] < n {
			t.Fatalf("exits %v are shown, and before it was %v", got.Exits, before.Exits)
		}
	}
	p.shown = got
}

// settle lets the bus and the journal tell all, and asks for the truth.
func (p *postflight) settle(t *rapid.T) {
	if p.store == nil {
		p.run()
	}
	p.catchUp()
	p.reconnect()
	if rapid.Bool().Draw(t, "journal first") {
		p.read(len(p.s.journal))
	}
	p.s.pass(time.Millisecond)
	p.look()
	p.read(len(p.s.journal))
	p.check(t)
	if p.lost {
		return
	}
	want, got := p.want(), p.got()
	if got.Restarts+p.untraced < want.Restarts {
		t.Fatalf("%d restarts, in truth %d", got.Restarts, want.Restarts)
	}
	if diff := cmp.Diff(want.Starts, got.Starts); diff != "" && !p.obscured {
		t.Fatalf("starts (-truth +shown): %s", diff)
	}
	if run := p.s.invocation; p.s.manual[run] && run != p.first && !p.deploys[run] && !p.obscured {
		t.Fatalf("nobody was told that %s was started by hand", run)
	}
	if diff := cmp.Diff(want.Exits, got.Exits); diff != "" {
		t.Fatalf("exits (-truth +shown): %s", diff)
	}
}

// TestRestartsAreTrue: of a unit that crashes, and is restarted, stopped and reset by people, on a machine that reboots;
// with a bus that comes and goes, a postflight that is killed, and a journal that is read at any time, whose oldest
// entries go.
func TestRestartsAreTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &postflight{t: t, bus: true, s: newSystemd(), deploys: map[string]bool{}}
		p.s.restart()
		for range rapid.IntRange(0, 5).Draw(t, "restarts before") {
			p.s.crash()
			p.s.timer()
		}
		p.s.signal = p.hear
		p.run()
		p.look()
		p.read(0)
		act := func(does func()) func(*rapid.T) {
			return func(t *rapid.T) {
				p.s.pass(time.Duration(rapid.IntRange(1, 400).Draw(t, "ms")) * time.Millisecond)
				if p.s.now.Sub(p.savedAt) > time.Second {
					p.save()
				}
				does()
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"crash": act(p.s.crash), "crash again": act(p.s.crash), "end well": act(p.s.endWell),
			"crash slowly": act(p.s.crashSlowly), "over": act(p.s.over), "fire": act(p.s.fire),
			"timer": act(p.s.timer), "timer again": act(p.s.timer), "limit": act(p.s.limit), "reload": act(p.s.scheduleTwice),
			"restart": act(func() {
				if p.s.phase == waiting && p.s.now.Sub(p.sawWaiting) < time.Second {
					p.obscured = true // it looks like a restart that was due
				}
				p.s.restart()
			}),
			"stop": act(p.s.stop), "unload": act(p.s.unload),
			"reset-failed": act(p.resetFailed),
			"cancel":       act(func() { p.obscure(); p.s.cancel() }),
			"poll":         act(p.look), "save": act(p.save),
			"bus hangs":     act(func() { p.bus = false }),
			"bus lags":      act(func() { p.lags = p.store != nil && p.bus }),
			"it catches up": act(p.catchUp),
			"bus is lost":   act(func() { p.bus = false; p.lose() }),
			"bus returns":   act(func() { p.reconnect(); p.look() }),
			"the bus stays away": act(func() {
				p.obscured = p.obscured || p.at < len(p.s.journal) // nobody waits for the journal for so long
				if p.s.pass(20 * time.Second); !p.bus {
					p.lose()
				}
			}),
			"read the journal":  act(func() { p.read(rapid.IntRange(1, 20).Draw(t, "entries")) }),
			"clear the journal": act(func() { p.kept = len(p.s.journal) - rapid.IntRange(0, min(3, len(p.s.journal))).Draw(t, "kept") }),
			"kill":              act(p.kill),
			"run": act(func() {
				if p.store == nil {
					p.run()
					p.look()
				}
			}),
			"reboot": act(func() {
				p.kill()
				enabled := rapid.Bool().Draw(t, "enabled")
				if !enabled {
					p.obscure()
				}
				p.s.reboot(enabled)
			}),
			"settle": act(func() { p.settle(t) }),
			"":       p.check,
		})
		p.settle(t)
	})
}
