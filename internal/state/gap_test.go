package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

// story is what a Store was told of the unit, and the starts by hand that it told.
type story struct {
	t     *testing.T
	store *state.Store
	told  []string // invocations
}

func begin(t *testing.T) *story {
	s := &story{t: t}
	s.takes(nil)
	return s
}

// takes lets a new process begin with what was saved.
func (s *story) takes(saved []byte) {
	s.store = state.New()
	if saved != nil {
		if err := s.store.Restore(saved); err != nil {
			s.t.Fatal(err)
		}
	}
	s.store.Apply([]state.Service{watched()})
	s.store.Subscribe(func(e state.Event) {
		if e.Started == state.Manual {
			s.told = append(s.told, e.Unit.Run)
		}
	})
}

func (s *story) unit() *state.UnitState { return s.store.Snapshot(noon).Services[0].Units[0] }

// step is something that a story consists of.
type step func(*story)

func saw(l look) step { return func(s *story) { s.store.Fold(l.outcome()) } }

func lost(at float64) step { return saw(look{away: true, at: at}) }

func wrote(events ...probe.UnitEvent) step {
	return func(s *story) {
		s.store.Fold(probe.Result{Key: unit, Log: &probe.Log{Lines: uint64(len(events)), Until: events[len(events)-1].Time, Events: events}})
	}
}

func unreadable(s *story) {
	s.store.Fold(probe.Result{Key: unit, Outcome: probe.Error, Got: "not allowed to read the journal", Log: &probe.Log{}})
}

func startedAnew(s *story) {
	s.store.FoldCursor("somewhere")
	s.takes(s.store.Save())
}

// of an event at so many seconds after noon.
func event(kind probe.UnitEventKind, at float64, invocation string) probe.UnitEvent {
	return probe.UnitEvent{Kind: kind, Time: seconds(at), BootID: "b1", InvocationID: invocation, Result: "exit-code", ExitCode: "exited", ExitStatus: 7}
}

func scheduled(at float64, invocation string, n uint32) probe.UnitEvent {
	e := event(probe.RestartScheduled, at, invocation)
	e.NRestarts = n
	return e
}

func in(boot string, events ...probe.UnitEvent) []probe.UnitEvent {
	for i := range events {
		events[i].BootID = boot
	}
	return events
}

// A crash loop from a to d, as the journal tells of it.
var loop = []probe.UnitEvent{
	event(probe.UnitFailed, 1, "a"), scheduled(2, "a", 1), event(probe.UnitStarted, 2.1, "b"),
	event(probe.UnitFailed, 3, "b"), scheduled(4, "b", 2), event(probe.UnitStarted, 4.1, "c"),
	event(probe.UnitFailed, 5, "c"), scheduled(6, "c", 3), event(probe.UnitStarted, 6.1, "d"),
}

const up, waits = "active/running", "activating/auto-restart"

func TestWhatHappenedWhenNobodyWatchedTheBus(t *testing.T) {
	a := saw(look{at: 0, state: up, invocation: "a", boot: "b1"})
	for _, row := range []struct {
		name     string
		steps    []step
		restarts uint64
		starts   state.Starts
		exits    map[string]uint64
		told     []string
	}{
		{
			"the readings tell",
			[]step{a, startedAnew, saw(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3}, nil, nil,
		},
		{
			"the journal tells the same: it counts once",
			[]step{a, lost(5), saw(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"}), wrote(loop...)},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"the journal tells first",
			[]step{a, startedAnew, wrote(loop...), saw(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"in the middle the journal tells, and then the reading comes",
			[]step{a, lost(3), wrote(loop[:4]...), saw(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"}), wrote(loop[4:]...)},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"before the loss of the bus was noticed, the journal told",
			[]step{a, wrote(loop...), lost(15), saw(look{at: 20, n: 0, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3, Manual: 1}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"only the journal tells of restarts before systemd's count was reset",
			[]step{a, startedAnew, wrote(loop...), wrote(event(probe.UnitStopping, 7, "d"), event(probe.UnitStarted, 7.1, "e")),
				saw(look{at: 10, n: 0, state: up, invocation: "e", boot: "b1"})},
			3, state.Starts{Automatic: 3, Manual: 1}, map[string]uint64{"exit-code": 3, "success": 1}, []string{"e"},
		},
		{
			"only the reading tells of restarts of which the journal holds no entry any more",
			[]step{a, startedAnew, unreadable, wrote(loop[7:]...), saw(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3}, nil, nil,
		},
		{
			"what came before the gap is not in it",
			[]step{saw(look{at: 2.5, n: 1, state: up, invocation: "b", boot: "b1"}), startedAnew, wrote(loop...), saw(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
			2, state.Starts{Automatic: 2}, map[string]uint64{"exit-code": 2}, nil,
		},
		{
			"and what comes after it, the bus tells",
			[]step{a, lost(1), saw(look{at: 2.05, n: 1, state: waits, invocation: "a", boot: "b1"}), saw(look{at: 6.05, n: 3, state: up, invocation: "d", boot: "b1"}), wrote(loop...)},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 1}, nil,
		},
		{
			"while nobody reads the unit, the journal alone counts, in hindsight",
			[]step{a, lost(5), wrote(loop...), lost(20)},
			2, state.Starts{Automatic: 2}, map[string]uint64{"exit-code": 2}, nil,
		},
		{
			"another boot",
			[]step{saw(look{at: 0, n: 5, state: up, invocation: "a", boot: "b1"}), startedAnew, saw(look{at: 60, n: 7, state: up, invocation: "z", boot: "b2"})},
			7, state.Starts{Automatic: 7, Boot: 1}, nil, nil,
		},
		{
			"a boot is no start by hand",
			[]step{a, startedAnew, saw(look{at: 60, state: up, invocation: "b", boot: "b2", atBoot: true})},
			0, state.Starts{Boot: 1}, nil, nil,
		},
		{
			"and the journal does not make it two",
			[]step{a, startedAnew, wrote(in("b2", event(probe.UnitStarted, 50, "b"))...), saw(look{at: 60, state: up, invocation: "b", boot: "b2", atBoot: true})},
			0, state.Starts{Boot: 1}, nil, nil,
		},
		{
			"started with the machine, and restarted by hand before anybody looked",
			[]step{a, startedAnew, saw(look{at: 60, state: up, invocation: "c", boot: "b2"}),
				wrote(in("b2", event(probe.UnitStarted, 50, "b"), event(probe.UnitStopping, 55, "b"), event(probe.UnitStarted, 56, "c"))...)},
			0, state.Starts{Boot: 1, Manual: 1}, map[string]uint64{"success": 1}, []string{"c"},
		},
		{
			"two boots",
			[]step{a, startedAnew, wrote(append(in("b2", event(probe.UnitStarted, 50, "b")), in("b3", event(probe.UnitStarted, 90, "c"))...)...),
				saw(look{at: 100, state: up, invocation: "c", boot: "b3", atBoot: true})},
			0, state.Starts{Boot: 2}, nil, nil,
		},
		{
			"a deployment while postflight did not run",
			[]step{saw(look{at: 0, n: 5, state: up, invocation: "a", boot: "b1"}), startedAnew, saw(look{at: 10, state: up, invocation: "b", boot: "b1"})},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"of two only the one that runs is told",
			[]step{a, startedAnew, wrote(event(probe.UnitStopping, 3, "a"), event(probe.UnitStarted, 4, "b"), event(probe.UnitStopping, 5, "b"), event(probe.UnitStarted, 6, "c")),
				saw(look{at: 10, state: up, invocation: "c", boot: "b1"})},
			0, state.Starts{Manual: 2}, map[string]uint64{"success": 2}, []string{"c"},
		},
		{
			"mended in the middle of auto-restart, which leaves systemd's count: the journal knows",
			[]step{saw(look{at: 0, n: 9, state: waits, invocation: "a", boot: "b1"}), startedAnew, saw(look{at: 10, n: 9, state: up, invocation: "b", boot: "b1"}),
				wrote(event(probe.UnitStarted, 3, "b"))},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"where the journal cannot be read, it is taken to be so at once",
			[]step{saw(look{at: 0, n: 9, state: waits, invocation: "a", boot: "b1"}), startedAnew, unreadable, saw(look{at: 10, n: 9, state: up, invocation: "b", boot: "b1"})},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"crashes and then mended: the journal tells of both",
			[]step{a, startedAnew, saw(look{at: 10, n: 3, state: up, invocation: "e", boot: "b1"}), wrote(loop...), wrote(event(probe.UnitFailed, 7, "d"), event(probe.UnitStarted, 8, "e"))},
			3, state.Starts{Automatic: 3, Manual: 1}, map[string]uint64{"exit-code": 4}, []string{"e"},
		},
		{
			"the last restart met the start limit",
			[]step{a, startedAnew, saw(look{at: 10, n: 3, state: "failed/failed", invocation: "c", boot: "b1"}), wrote(loop[:8]...), wrote(event(probe.UnitFailed, 6.1, "c"), event(probe.StartFailed, 6.2, "c"))},
			3, state.Starts{Automatic: 2}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"an entry that the first reading after the gap includes already, though it took its time",
			[]step{a, startedAnew, saw(look{at: 5.9, took: 0.15, n: 3, state: waits, invocation: "c", boot: "b1"}), wrote(loop...), saw(look{at: 6.1, n: 3, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"and one that it does not",
			[]step{a, startedAnew, saw(look{at: 5.9, took: 0.15, n: 2, state: waits, invocation: "c", boot: "b1"}), wrote(loop...), saw(look{at: 7, n: 3, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"an entry that the last reading before the gap includes already",
			[]step{saw(look{at: 4.5, n: 2, state: up, invocation: "c", boot: "b1"}),
				saw(look{at: 5.9, took: 0.15, n: 3, state: waits, invocation: "c", boot: "b1"}), startedAnew, wrote(loop[7:]...),
				wrote(event(probe.UnitStopping, 7, "d"), event(probe.UnitStarted, 8, "e")), saw(look{at: 10, state: up, invocation: "e", boot: "b1"})},
			1, state.Starts{Automatic: 1, Manual: 1}, map[string]uint64{"success": 1}, []string{"e"},
		},
		{
			"a start while the first reading after the gap was made",
			[]step{a, startedAnew, wrote(event(probe.UnitStopping, 3, "a"), event(probe.UnitStarted, 4, "b"), event(probe.UnitStopping, 5, "b"), event(probe.UnitStarted, 6, "c")),
				saw(look{at: 5.9, took: 0.15, state: up, invocation: "c", boot: "b1"})},
			0, state.Starts{Manual: 2}, map[string]uint64{"success": 2}, []string{"c"},
		},
		{
			"a restart that was counted before the gap, and begun in it",
			[]step{a, saw(look{at: 1, state: waits, invocation: "a", boot: "b1"}), saw(look{at: 2.05, n: 1, state: waits, invocation: "a", boot: "b1"}), lost(2.06),
				wrote(loop[2], event(probe.UnitStopping, 3, "b"), event(probe.UnitStarted, 4, "c")), saw(look{at: 10, state: up, invocation: "c", boot: "b1"})},
			1, state.Starts{Automatic: 1, Manual: 1}, map[string]uint64{"success": 1}, []string{"c"},
		},
		{
			"an exit that was counted before the gap, and of which systemd writes in it",
			[]step{a, saw(look{at: 0.9, state: "deactivating/stop-post", invocation: "a", boot: "b1", exit: 0.9, result: "exit-code"}), startedAnew,
				wrote(loop[:3]...), saw(look{at: 2.5, n: 1, state: up, invocation: "b", boot: "b1"})},
			1, state.Starts{Automatic: 1}, map[string]uint64{"exit-code": 1}, nil,
		},
		{
			"a machine that does not start the unit, and a person who does",
			[]step{a, startedAnew, wrote(in("b2", event(probe.UnitStarted, 50, "b"))...), saw(look{at: 60, state: up, invocation: "b", boot: "b2"})},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"of another boot the journal holds the last entry only",
			[]step{a, startedAnew, unreadable, wrote(in("b2", event(probe.UnitStarted, 50, "c"))...), saw(look{at: 60, n: 1, state: up, invocation: "c", boot: "b2"})},
			1, state.Starts{Automatic: 1, Boot: 1}, nil, nil,
		},
		{
			"nobody knows where reading the journal stopped",
			[]step{a, func(s *story) { s.takes(s.store.Save()) }, wrote(loop[5:]...), saw(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 1}, nil,
		},
		{
			"where entries may be missing, what has none need not have been by hand",
			[]step{a, startedAnew, unreadable, wrote(event(probe.UnitStarted, 4.1, "c"), event(probe.UnitFailed, 5, "c")), saw(look{at: 10, n: 2, state: waits, invocation: "c", boot: "b1"})},
			2, state.Starts{Automatic: 2}, map[string]uint64{"exit-code": 1}, nil,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := begin(t)
			for _, step := range row.steps {
				step(s)
			}
			got := s.unit()
			if got.Restarts != row.restarts {
				t.Errorf("%d restarts, want %d", got.Restarts, row.restarts)
			}
			if diff := cmp.Diff(row.starts, got.Starts); diff != "" {
				t.Errorf("starts (-want +got):\n%s", diff)
			}
			if row.exits == nil {
				row.exits = map[string]uint64{}
			}
			if diff := cmp.Diff(row.exits, counted(got)); diff != "" {
				t.Errorf("exits (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(row.told, s.told); diff != "" {
				t.Errorf("starts by hand that were told (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLastExitOfAGapIsTheJournals(t *testing.T) {
	s := begin(t)
	for _, step := range []step{
		saw(look{at: 0, state: up, invocation: "a", boot: "b1"}), startedAnew,
		saw(look{at: 10, n: 1, state: up, invocation: "b", boot: "b1"}), wrote(event(probe.ProcessExited, 1, "a")),
	} {
		step(s)
	}
	if diff := cmp.Diff(state.MainExit{Kind: "exited", Status: 7, At: seconds(1)}, s.unit().MainExit); diff != "" {
		t.Errorf("last exit (-want +got):\n%s", diff)
	}
}

func TestACrashLoopThatTheJournalTellsOf(t *testing.T) {
	for _, row := range []struct {
		name  string
		steps []step
	}{
		{"after the reading", []step{saw(look{at: 10, state: up, invocation: "d", boot: "b1"}), wrote(loop...)}},
		{"before it", []step{wrote(loop...), saw(look{at: 10, state: up, invocation: "d", boot: "b1"})}},
		{"while there is none", []step{wrote(loop...), lost(30)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := begin(t)
			saw(look{at: 0, state: up, invocation: "a", boot: "b1"})(s)
			startedAnew(s)
			for _, step := range row.steps {
				step(s)
			}
			if u := s.unit(); !u.CrashLooping(seconds(31)) || u.CrashLooping(seconds(10).Add(5*time.Minute)) {
				t.Errorf("crash looping: %t, and after five quiet minutes %t", u.CrashLooping(seconds(31)), u.CrashLooping(seconds(310)))
			}
		})
	}
}

func TestALoopBeforeItWasMendedIsOver(t *testing.T) {
	s := begin(t)
	for _, step := range []step{
		saw(look{at: 0, state: up, invocation: "a", boot: "b1"}), startedAnew,
		saw(look{at: 10, state: up, invocation: "e", boot: "b1"}), wrote(loop...), // late
	} {
		step(s)
	}
	if u := s.unit(); !u.CrashLooping(seconds(60)) || u.CrashLooping(seconds(71)) {
		t.Errorf("crash looping: %t, and after a minute %t", u.CrashLooping(seconds(60)), u.CrashLooping(seconds(71)))
	}
}

// TestMoreEventsThanAnybodyKeeps: nobody noticed that the bus hung, and what is not remembered is not made up for.
func TestMoreEventsThanAnybodyKeeps(t *testing.T) {
	s := begin(t)
	saw(look{at: 0, state: up, invocation: "0", boot: "b1"})(s)
	for n := range 1000 {
		run, next := fmt.Sprint(n), fmt.Sprint(n+1)
		at := float64(n + 1)
		wrote(event(probe.UnitFailed, at, run), scheduled(at+0.1, run, uint32(n+1)), event(probe.UnitStarted, at+0.2, next))(s)
	}
	lost(1000.5)(s)
	saw(look{at: 1001, n: 1000, state: up, invocation: "1000", boot: "b1"})(s)
	if u := s.unit(); u.Restarts != 1000 || u.Starts != (state.Starts{Automatic: 1000}) || s.told != nil {
		t.Errorf("%d restarts, %+v, told %v", u.Restarts, u.Starts, s.told)
	}
}

func TestALiveStartTellsWhatCausedIt(t *testing.T) {
	var got []state.Trigger
	store := applied(shop())
	store.Subscribe(func(e state.Event) { got = append(got, e.Started) })
	for _, l := range []look{
		{at: 0, state: "inactive/dead", boot: "b1"},
		{at: 1, state: up, invocation: "a", boot: "b1", atBoot: true},
		{at: 2, state: waits, invocation: "a", boot: "b1", atBoot: true},
		{at: 3, state: up, invocation: "b", boot: "b1", atBoot: true, n: 1},
		{at: 4, state: waits, invocation: "b", boot: "b1", atBoot: true, n: 1},
		{at: 5, state: up, invocation: "c", boot: "b1", atBoot: true, n: 1},
		{at: 6, state: up, invocation: "c", boot: "b1", atBoot: true, n: 1},
	} {
		store.Fold(l.outcome())
	}
	want := []state.Trigger{state.NotStarted, state.Boot, state.NotStarted, state.Automatic, state.NotStarted, state.Manual, state.NotStarted}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("triggers (-want +got):\n%s", diff)
	}
}
