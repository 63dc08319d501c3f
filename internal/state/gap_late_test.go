package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

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
		saw(look{at: 30, state: up, invocation: "e", boot: "b1"}),
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
	patiently(look{at: 1001, n: 1000, state: up, invocation: "1000", boot: "b1"})(s)
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
