package state_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

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
			[]step{a, startedAnew, patiently(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
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
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 3}, nil,
		},
		{
			"only the journal tells of restarts before systemd's count was reset",
			[]step{a, startedAnew, wrote(loop...), wrote(event(probe.UnitStopping, 7, "d"), event(probe.UnitSucceeded, 7, "d"), event(probe.UnitStarted, 7.1, "e")),
				saw(look{at: 10, n: 0, state: up, invocation: "e", boot: "b1"})},
			3, state.Starts{Automatic: 3, Manual: 1}, map[string]uint64{"exit-code": 3, "success": 1}, []string{"e"},
		},
		{
			"only the reading tells of restarts of which the journal holds no entry any more",
			[]step{a, startedAnew, missed, wrote(loop[7:]...), patiently(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
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
			[]step{saw(look{at: 0, n: 5, state: up, invocation: "a", boot: "b1"}), startedAnew, patiently(look{at: 60, n: 7, state: up, invocation: "z", boot: "b2"})},
			7, state.Starts{Automatic: 7, Boot: 1}, nil, nil,
		},
		{
			"a boot is no start by hand",
			[]step{a, startedAnew, patiently(look{at: 60, state: up, invocation: "b", boot: "b2", atBoot: true})},
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
				wrote(in("b2", event(probe.UnitStarted, 50, "b"), event(probe.UnitStopping, 55, "b"), event(probe.UnitSucceeded, 55, "b"), event(probe.UnitStarted, 56, "c"))...)},
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
			[]step{saw(look{at: 0, n: 5, state: up, invocation: "a", boot: "b1"}), startedAnew, patiently(look{at: 10, state: up, invocation: "b", boot: "b1"})},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"of two only the one that runs is told",
			[]step{a, startedAnew, wrote(event(probe.UnitStopping, 3, "a"), event(probe.UnitSucceeded, 3, "a"), event(probe.UnitStarted, 4, "b"), event(probe.UnitStopping, 5, "b"), event(probe.UnitSucceeded, 5, "b"), event(probe.UnitStarted, 6, "c")),
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
				wrote(event(probe.UnitStopping, 7, "d"), event(probe.UnitSucceeded, 7, "d"), event(probe.UnitStarted, 8, "e")), saw(look{at: 10, state: up, invocation: "e", boot: "b1"})},
			1, state.Starts{Automatic: 1, Manual: 1}, map[string]uint64{"success": 1}, []string{"e"},
		},
		{
			"a start while the first reading after the gap was made",
			[]step{a, startedAnew, wrote(event(probe.UnitStopping, 3, "a"), event(probe.UnitSucceeded, 3, "a"), event(probe.UnitStarted, 4, "b"), event(probe.UnitStopping, 5, "b"), event(probe.UnitSucceeded, 5, "b"), event(probe.UnitStarted, 6, "c")),
				saw(look{at: 5.9, took: 0.15, state: up, invocation: "c", boot: "b1"})},
			0, state.Starts{Manual: 2}, map[string]uint64{"success": 2}, []string{"c"},
		},
		{
			"a restart that was counted before the gap, and begun in it",
			[]step{a, saw(look{at: 1, state: waits, invocation: "a", boot: "b1"}), saw(look{at: 2.05, n: 1, state: waits, invocation: "a", boot: "b1"}), lost(2.06),
				wrote(loop[2], event(probe.UnitStopping, 3, "b"), event(probe.UnitSucceeded, 3, "b"), event(probe.UnitStarted, 4, "c")), saw(look{at: 10, state: up, invocation: "c", boot: "b1"})},
			1, state.Starts{Automatic: 1, Manual: 1}, map[string]uint64{"success": 1}, []string{"c"},
		},
		{
			"the reading after it began before an entry that it includes, of a run before the one that it shows",
			[]step{a, startedAnew, saw(look{at: 1.9, took: 0.25, n: 1, state: up, invocation: "b", boot: "b1"}), lost(2.2), wrote(loop[:3]...),
				saw(look{at: 2.5, n: 1, state: up, invocation: "b", boot: "b1"})},
			1, state.Starts{Automatic: 1}, map[string]uint64{"exit-code": 1}, nil,
		},
		{
			"reset-failed before anybody looked again: the journal knows how it ended",
			[]step{a, startedAnew, saw(look{at: 1.5, state: waits, invocation: "a", boot: "b1", exit: 1}), wrote(loop[:3]...), saw(look{at: 2.5, n: 1, state: up, invocation: "b", boot: "b1"})},
			1, state.Starts{Automatic: 1}, map[string]uint64{"exit-code": 1}, nil,
		},
		{
			"started by hand right after the gap, while waiting: the journal knows whether a restart was due",
			[]step{saw(look{at: 0, n: 9, state: waits, invocation: "a", boot: "b1"}), lost(0.5), saw(look{at: 1, n: 9, state: waits, invocation: "a", boot: "b1"}),
				saw(look{at: 1.05, n: 9, state: up, invocation: "b", boot: "b1"}), wrote(event(probe.UnitStarted, 1.04, "b"))},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"an exit that was counted before the gap, and of which systemd writes in it",
			[]step{a, saw(look{at: 0.9, state: "deactivating/stop-post", invocation: "a", boot: "b1", exit: 0.9, result: "exit-code"}), startedAnew,
				wrote(loop[:3]...), saw(look{at: 2.5, n: 1, state: up, invocation: "b", boot: "b1"})},
			1, state.Starts{Automatic: 1}, map[string]uint64{"exit-code": 1}, nil,
		},
		{
			"the bus went when a run had its invocation, and no process yet: its end is still to come",
			[]step{a, saw(look{at: 1, state: "inactive/dead", invocation: "b", boot: "b1"}), startedAnew,
				wrote(event(probe.UnitStarted, 1.1, "b"), event(probe.UnitFailed, 2, "b"), scheduled(3, "b", 1), event(probe.UnitStarted, 3.1, "c")),
				saw(look{at: 10, n: 1, state: up, invocation: "c", boot: "b1"})},
			1, state.Starts{Automatic: 1, Manual: 1}, map[string]uint64{"exit-code": 1}, []string{"b"},
		},
		{
			"a start that the reading shows, and of which systemd writes when it has succeeded",
			[]step{saw(look{at: 0, n: 9, state: waits, invocation: "a", boot: "b1"}), startedAnew,
				saw(look{at: 10, n: 9, state: "activating/start", invocation: "b", boot: "b1"}), wrote(event(probe.UnitStarted, 12, "b"))},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"the reading after it takes long, shows no run, and one begins meanwhile: the bus tells of that",
			[]step{a, startedAnew, saw(look{at: 5, took: 0.15, state: "inactive/dead", boot: "b1"}), saw(look{at: 5.16, state: up, invocation: "b", boot: "b1"}),
				wrote(event(probe.UnitStopping, 3, "a"), event(probe.UnitSucceeded, 3, "a"), event(probe.UnitStarted, 5.1, "b"))},
			0, state.Starts{Manual: 1}, map[string]uint64{"success": 1}, []string{"b"},
		},
		{
			"a machine that does not start the unit, and a person who does",
			[]step{a, startedAnew, wrote(in("b2", event(probe.UnitStarted, 50, "b"))...), saw(look{at: 60, state: up, invocation: "b", boot: "b2"})},
			0, state.Starts{Manual: 1}, nil, []string{"b"},
		},
		{
			"what started the first run of a boot is not told before a reading says",
			[]step{a, startedAnew, wrote(in("b2", event(probe.UnitStarted, 50, "b"))...), lost(80)},
			0, state.Starts{}, nil, nil,
		},
		{
			"of another boot the journal holds the last entry only",
			[]step{a, startedAnew, missed, wrote(in("b2", event(probe.UnitStarted, 50, "c"))...), patiently(look{at: 60, n: 1, state: up, invocation: "c", boot: "b2"})},
			1, state.Starts{Automatic: 1, Boot: 1}, nil, nil,
		},
		{
			"nobody knows where reading the journal stopped",
			[]step{a, func(s *story) { s.takes(s.store.Save()) }, wrote(loop[5:]...), patiently(look{at: 10, n: 3, state: up, invocation: "d", boot: "b1"})},
			3, state.Starts{Automatic: 3}, map[string]uint64{"exit-code": 1}, nil,
		},
		{
			"where entries may be missing, what has none need not have been by hand",
			[]step{a, startedAnew, missed, wrote(event(probe.UnitStarted, 4.1, "c"), event(probe.UnitFailed, 5, "c")), patiently(look{at: 10, n: 2, state: waits, invocation: "c", boot: "b1"})},
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
