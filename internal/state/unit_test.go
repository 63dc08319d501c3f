package state_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/state"
	"postflight/probe"
)

// look is what systemd says of the unit at so many seconds after noon.
type look struct {
	at         float64
	took       float64
	state      string // ActiveState, "/" and SubState
	n          uint32
	invocation string
	exit       float64 // when the main process ended; 0: it runs
	result     string
	away       bool // out of reach
	boot       string
	atBoot     bool
}

func (l look) outcome() probe.Result {
	if l.away {
		return probe.Result{Key: unit, Start: seconds(l.at), Outcome: probe.Error, Reason: probe.ReasonConnect}
	}
	active, sub, _ := cut(l.state)
	u := &probe.Unit{
		LoadState: "loaded", ActiveState: active, SubState: sub, NRestarts: l.n, InvocationID: l.invocation, Result: "success",
		BootID: l.boot, AtBoot: l.atBoot,
	}
	if l.result != "" {
		u.Result = l.result
	}
	if l.exit != 0 {
		u.ExecMainCode, u.ExecMainStatus, u.ExecMainExit = 1, 3, seconds(l.exit)
	}
	return probe.Result{Key: unit, Start: seconds(l.at), Duration: time.Duration(l.took * float64(time.Second)), Unit: u}
}

func cut(s string) (active, sub string, ok bool) {
	for i := range s {
		if s[i] == '/' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func unitAfter(looks ...look) *state.UnitState {
	store := applied(shop())
	for _, l := range looks {
		store.Fold(l.outcome())
	}
	return store.Snapshot(noon).Services[0].Units[0]
}

func TestRestartsOnlyGrow(t *testing.T) {
	const running, waiting = "active/running", "activating/auto-restart"
	for _, row := range []struct {
		name     string
		looks    []look
		restarts uint64
		starts   state.Starts
	}{
		{
			"the first sight is where counting begins",
			[]look{{n: 21667, state: running, invocation: "a"}},
			0, state.Starts{},
		},
		{
			"a crash",
			[]look{{state: running, invocation: "a"}, {state: waiting, invocation: "a"}, {n: 1, state: running, invocation: "b"}},
			1, state.Starts{Automatic: 1},
		},
		{
			"a crash whose start is seen after its count",
			[]look{{state: running, invocation: "a"}, {n: 1, state: waiting, invocation: "a"}, {n: 1, state: running, invocation: "b"}},
			1, state.Starts{Automatic: 1},
		},
		{
			"crashes between two looks",
			[]look{{n: 2, state: running, invocation: "a"}, {n: 9, state: running, invocation: "h"}},
			7, state.Starts{Automatic: 7},
		},
		{
			"restart by hand, and systemd's figure goes back to 0",
			[]look{{n: 5, state: running, invocation: "a"}, {n: 0, state: running, invocation: "b"}},
			0, state.Starts{Manual: 1},
		},
		{
			"restart by hand while waiting to be restarted leaves the figure",
			[]look{{n: 5, state: waiting, invocation: "a"}, {at: 1, n: 5, state: running, invocation: "b"}},
			0, state.Starts{Manual: 1},
		},
		{
			"first seen in the moment between systemd's count and the restart that it counts",
			[]look{{n: 5, state: waiting, invocation: "a"}, {at: 0.02, n: 5, state: running, invocation: "b"}},
			0, state.Starts{},
		},
		{
			"reset-failed between systemd's count and the restart that it counts",
			[]look{{state: running, invocation: "a"}, {n: 1, state: waiting, invocation: "a"}, {state: waiting, invocation: "a"}, {state: running, invocation: "b"}},
			1, state.Starts{Automatic: 1},
		},
		{
			"reset-failed before systemd counts, of which no signal tells: the figure is what it was, the result is not",
			[]look{{n: 1, state: running, invocation: "a"}, {n: 1, state: waiting, invocation: "a", result: "signal"}, {n: 1, state: waiting, invocation: "a"}, {n: 1, state: running, invocation: "b"}},
			1, state.Starts{Automatic: 1},
		},
		{
			"restart by hand after the first restart, while waiting for the next",
			[]look{{n: 1, state: running, invocation: "a"}, {n: 1, state: waiting, invocation: "a", result: "signal"}, {n: 1, state: waiting, invocation: "a", result: "signal"}, {n: 1, state: running, invocation: "b"}},
			0, state.Starts{Manual: 1},
		},
		{
			"nothing was due yet",
			[]look{{state: waiting, invocation: "a"}, {at: 0.02, state: running, invocation: "b"}},
			0, state.Starts{Manual: 1},
		},
		{
			"reset-failed while active starts nothing",
			[]look{{n: 5, state: running, invocation: "a"}, {n: 0, state: running, invocation: "a"}, {n: 1, state: running, invocation: "b"}},
			1, state.Starts{Automatic: 1},
		},
		{
			"a reset and crashes between two looks",
			[]look{{n: 5, state: running, invocation: "a"}, {n: 2, state: running, invocation: "d"}},
			2, state.Starts{Automatic: 2},
		},
		{
			"stop and start",
			[]look{{n: 5, state: running, invocation: "a"}, {state: "inactive/dead"}, {state: running, invocation: "b"}},
			0, state.Starts{Manual: 1},
		},
		{
			"a restart that a stop has cancelled is no start",
			[]look{{state: running, invocation: "a"}, {n: 1, state: waiting, invocation: "a"}, {state: "inactive/dead"}, {state: running, invocation: "b"}},
			1, state.Starts{Manual: 1},
		},
		{
			"a first start",
			[]look{{state: "inactive/dead"}, {state: running, invocation: "a"}},
			0, state.Starts{Manual: 1},
		},
		{
			"restarts while systemd was out of reach",
			[]look{{n: 3, state: running, invocation: "a"}, {away: true}, {n: 8, state: running, invocation: "f"}},
			5, state.Starts{Automatic: 5},
		},
		{
			"the incident",
			[]look{{state: running, invocation: "a"}, {n: 21667, state: waiting, invocation: "z"}, {n: 21667, state: running, invocation: "mended"}},
			21667, state.Starts{Automatic: 21667, Manual: 1},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := unitAfter(row.looks...)
			if got.Restarts != row.restarts {
				t.Errorf("%d restarts, want %d", got.Restarts, row.restarts)
			}
			if diff := cmp.Diff(row.starts, got.Starts); diff != "" {
				t.Errorf("starts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAUnitsStateIsInSystemdsWords(t *testing.T) {
	for _, row := range []struct {
		name string
		unit *probe.Unit
		want string
	}{
		{"out of reach", nil, ""},
		{"as systemd says", &probe.Unit{LoadState: "loaded", ActiveState: "refreshing"}, "refreshing"},
		{"inactive since it does not exist", &probe.Unit{LoadState: "not-found", ActiveState: "inactive"}, "not-found"},
		{"inactive since it is masked", &probe.Unit{LoadState: "masked", ActiveState: "inactive"}, "masked"},
		{"a bad file is no such state", &probe.Unit{LoadState: "bad-setting", ActiveState: "inactive"}, "inactive"},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(shop())
			store.Fold(probe.Result{Key: unit, Start: noon, Unit: row.unit})
			got := store.Snapshot(noon).Services[0].Units[0]
			if got.State() != row.want || got.Observable() != (row.unit != nil) {
				t.Errorf("state %q, observable %t", got.State(), got.Observable())
			}
		})
	}
}

func TestExitsAreLatched(t *testing.T) {
	const running, waiting = "active/running", "activating/auto-restart"
	got := unitAfter(
		look{at: 1, state: waiting, exit: 1, result: "oom-kill"}, // from before the first sight
		look{at: 2, state: running, invocation: "a"},
		look{at: 3, state: waiting, invocation: "a", exit: 3, result: "exit-code"},
		look{at: 4, state: waiting, invocation: "a", exit: 3, result: "exit-code"},
		look{at: 5, state: running, invocation: "b", n: 1},
		look{at: 6, state: waiting, invocation: "b", n: 1, exit: 6, result: "exit-code"},
		look{at: 7, state: "inactive/dead", exit: 7, result: "a-result-of-tomorrow"},
	)
	if diff := cmp.Diff(map[string]uint64{"exit-code": 2, "a-result-of-tomorrow": 1}, counted(got)); diff != "" {
		t.Errorf("exits (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(state.MainExit{Kind: "exited", Status: 3, At: seconds(7)}, got.MainExit); diff != "" {
		t.Errorf("last exit (-want +got):\n%s", diff)
	}
	for i, result := range state.UnitResults {
		if got.Exits[i].Result != result {
			t.Errorf("%s is not there from the start", result)
		}
	}
}

func TestARunThatEndsBeforeItsMainProcessCountsOnce(t *testing.T) {
	const pre, failed, waiting = "activating/start-pre", "failed/failed", "activating/auto-restart"
	for _, row := range []struct {
		name  string
		looks []look
		want  map[string]uint64
	}{
		{
			"a crash loop in ExecStartPre=, failed for a moment each time",
			[]look{
				{state: pre, invocation: "a"}, {state: failed, invocation: "a", result: "exit-code"},
				{state: failed, invocation: "a", result: "exit-code"}, {state: waiting, invocation: "a", result: "exit-code"},
				{n: 1, state: waiting, invocation: "a", result: "exit-code"}, {n: 1, state: "inactive/dead", invocation: "b"},
				{n: 1, state: pre, invocation: "b"}, {n: 1, state: waiting, invocation: "b", result: "exit-code"},
				{n: 1, state: "inactive/dead", invocation: "b", result: "exit-code"},
			},
			map[string]uint64{"exit-code": 2},
		},
		{
			"one that no memory was left for",
			[]look{{state: pre, invocation: "a"}, {state: failed, invocation: "a", result: "resources"}},
			map[string]uint64{"resources": 1},
		},
		{
			"one whose ExecCondition= does not hold",
			[]look{{state: "activating/condition", invocation: "a"}, {state: "inactive/dead", invocation: "a", result: "exec-condition"}, {state: "inactive/dead"}},
			map[string]uint64{"exec-condition": 1},
		},
		{
			"one that had ended before the first sight",
			[]look{{state: waiting, invocation: "a", result: "exit-code"}, {n: 1, state: waiting, invocation: "a", result: "exit-code"}},
			map[string]uint64{},
		},
		{
			"the main process's exit is the end of its run, whatever comes of it",
			[]look{
				{state: "active/running", invocation: "a"}, {state: "deactivating/stop-post", invocation: "a", exit: 3},
				{state: failed, invocation: "a", exit: 3, result: "exit-code"}, {state: failed, invocation: "a", result: "exit-code"},
			},
			map[string]uint64{"success": 1},
		},
		{
			"a run is not over while it is being stopped",
			[]look{
				{state: "activating/start", invocation: "a"}, {state: "deactivating/stop-sigterm", invocation: "a", result: "timeout"},
				{state: failed, invocation: "a", exit: 3, result: "timeout"},
			},
			map[string]uint64{"timeout": 1},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, counted(unitAfter(row.looks...))); diff != "" {
				t.Errorf("exits (-want +got):\n%s", diff)
			}
		})
	}
}

// counted are the exits of a unit, by result, where there are any.
func counted(u *state.UnitState) map[string]uint64 {
	exits := map[string]uint64{}
	for _, e := range u.Exits {
		if e.Count > 0 {
			exits[e.Result] = e.Count
		}
	}
	return exits
}

func TestAUnitThatIsNoServiceHasNoExits(t *testing.T) {
	store := applied(shop())
	for _, active := range []string{"active", "failed"} {
		store.Fold(probe.Result{Key: unit, Start: noon, Unit: &probe.Unit{LoadState: "loaded", ActiveState: active, InvocationID: active}})
	}
	if diff := cmp.Diff(map[string]uint64{}, counted(store.Snapshot(noon).Services[0].Units[0])); diff != "" {
		t.Errorf("exits (-want +got):\n%s", diff)
	}
}

func TestExitsByKind(t *testing.T) {
	for code, want := range map[int32]string{0: "", 1: "exited", 2: "killed", 3: "dumped", 4: ""} {
		store := applied(shop())
		store.Fold(probe.Result{Key: unit, Start: noon, Unit: &probe.Unit{ExecMainCode: code, ExecMainStatus: 9, ExecMainExit: noon}})
		if got := store.Snapshot(noon).Services[0].Units[0].MainExit.Kind; got != want {
			t.Errorf("code %d is %q, want %q", code, got, want)
		}
	}
}

// TestNothingOfAUnitEverFalls: whatever the readings and their order.
func TestNothingOfAUnitEverFalls(t *testing.T) {
	reading := rapid.Custom(func(t *rapid.T) look {
		return look{
			at:         float64(rapid.IntRange(0, 1000).Draw(t, "at")),
			state:      rapid.SampledFrom([]string{"active/running", "failed/failed", "inactive/dead", "activating/auto-restart"}).Draw(t, "state"),
			n:          rapid.Uint32().Draw(t, "n"),
			invocation: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "invocation"),
			exit:       float64(rapid.IntRange(0, 5).Draw(t, "exit")),
			result:     rapid.SampledFrom(state.UnitResults[:]).Draw(t, "result"),
			away:       rapid.Bool().Draw(t, "away"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		store := applied(shop())
		var before *state.UnitState
		for _, l := range rapid.SliceOf(reading).Draw(t, "looks") {
			store.Fold(l.outcome())
			now := store.Snapshot(noon).Services[0].Units[0]
			if before != nil {
				if now.Restarts < before.Restarts || now.Starts.Automatic < before.Starts.Automatic || now.Starts.Manual < before.Starts.Manual {
					t.Fatalf("from %+v to %+v", before, now)
				}
				for i := range before.Exits {
					if now.Exits[i].Count < before.Exits[i].Count {
						t.Fatalf("exits from %+v to %+v", before.Exits, now.Exits)
					}
				}
			}
			before = now
		}
	})
}
