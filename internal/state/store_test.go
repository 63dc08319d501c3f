package state_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"postflight/internal/state"
	"postflight/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	health = probe.Check{
		Key:      probe.Key{Service: "shop", Target: "http://10.0.0.1", Check: "health"},
		Critical: true,
		Interval: 15 * time.Second,
	}
	monitor = probe.Check{
		Key:      probe.Key{Service: "shop", Target: "http://10.0.0.1", Check: "db-monitor"},
		Interval: 15 * time.Second,
	}
	unit = probe.Key{Service: "shop", Unit: "shop.service"}
)

func shop() state.Service {
	return state.Service{Name: "shop", Checks: []probe.Check{health, monitor}, Units: []string{"shop.service"}}
}

func applied(services ...state.Service) *state.Store {
	s := state.New()
	s.Apply(services)
	return s
}

// result is one of the check health that ends so many seconds after noon.
func result(after int, outcome probe.Outcome) probe.Result {
	return probe.Result{Key: health.Key, Start: noon.Add(time.Duration(after-1) * time.Second), Duration: time.Second, Outcome: outcome}
}

func TestSnapshotHoldsWhatIsConfiguredFromTheStart(t *testing.T) {
	other := state.Service{Name: "a-unit-alone", Units: []string{"b.service", "a.service"}}
	snapshot := applied(shop(), other).Snapshot(noon)
	var names []string
	for _, service := range snapshot.Services {
		names = append(names, service.Name)
		for _, c := range service.Checks {
			names = append(names, c.Check.Key.Check)
			if c.HasRun() {
				t.Errorf("%v has run", c.Check.Key)
			}
		}
		for _, u := range service.Units {
			names = append(names, u.Key.Unit)
			if u.HasRun() || u.Observable() || u.State() != "" || u.CrashLooping(noon) {
				t.Errorf("%v: something is known of it", u.Key)
			}
		}
	}
	want := []string{"shop", "health", "db-monitor", "shop.service", "a-unit-alone", "b.service", "a.service"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if !snapshot.Time.Equal(noon) {
		t.Errorf("time is %v", snapshot.Time)
	}
}

func TestACheckIsFolded(t *testing.T) {
	store := applied(shop())
	for i, outcome := range []probe.Outcome{probe.Pass, probe.Warn, probe.Fail, probe.Error, probe.Fail} {
		r := result(i, outcome)
		if !outcome.Up() {
			r.Reason, r.Wanted, r.Got, r.Status = probe.ReasonStatus, "200", "500", 500
		}
		store.Fold(r)
	}
	got := store.Snapshot(noon).Services[0].Checks[0]
	want := &state.CheckState{
		Check: health,
		Last: probe.Result{
			Key: health.Key, Start: noon.Add(3 * time.Second), Duration: time.Second,
			Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "200", Got: "500", Status: 500,
		},
		Outcomes:    [...]uint64{probe.Pass: 1, probe.Warn: 1, probe.Error: 1, probe.Fail: 2},
		LastSuccess: noon.Add(time.Second),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestASnapshotDoesNotChange(t *testing.T) {
	store := applied(shop())
	fold := func(after int, number float64) {
		r := result(after, probe.Pass)
		r.Key = monitor.Key
		r.Values = []probe.Value{
			{Metric: "db_sessions_active", Number: number},
			{Metric: "db_sessions_opened_total", Number: number, Process: probe.Process{Earliest: noon, Latest: noon}},
		}
		store.Fold(r)
		store.Fold(probe.Result{Key: unit, Start: noon.Add(time.Duration(after) * time.Second), Unit: &probe.Unit{
			LoadState: "loaded", ActiveState: "active", NRestarts: uint32(number), Result: "exit-code",
			ExecMainCode: 1, ExecMainExit: noon.Add(time.Duration(after) * time.Second),
		}})
	}
	fold(1, 1)
	before := store.Snapshot(noon)
	counter, value := before.Services[0].Checks[1].Counters[0], before.Services[0].Checks[1].Values[0]
	exits, restarts := before.Services[0].Units[0].Exits[3], before.Services[0].Units[0].Restarts
	fold(2, 5)
	after := store.Snapshot(noon)
	if after.Services[0].Checks[1].Counters[0].Total != 4 || after.Services[0].Units[0].Exits[3].Count != 1 {
		t.Fatal("the second fold was not taken up")
	}
	if before.Services[0].Checks[1].Counters[0] != counter || before.Services[0].Checks[1].Values[0] != value ||
		before.Services[0].Units[0].Exits[3] != exits || before.Services[0].Units[0].Restarts != restarts {
		t.Error("the snapshot taken before has changed")
	}
}

func TestApplyKeepsWhatStaysAndForgetsWhatGoes(t *testing.T) {
	store := applied(shop(), state.Service{Name: "gone", Checks: []probe.Check{{Key: probe.Key{Service: "gone", Target: "t", Check: "c"}}}})
	var gone []probe.Key
	store.SubscribeGone(func(k probe.Key) { gone = append(gone, k) })
	store.Fold(result(1, probe.Pass))
	store.Fold(probe.Result{Key: monitor.Key, Start: noon})

	rare := health
	rare.Interval = time.Hour
	store.Apply([]state.Service{{Name: "shop", Checks: []probe.Check{rare}, Units: []string{"shop.service"}}})
	kept := store.Snapshot(noon).Services[0].Checks[0]
	if kept.Outcomes[probe.Pass] != 1 || kept.Check.Interval != time.Hour {
		t.Errorf("the check that stayed: %+v", kept)
	}
	want := []probe.Key{monitor.Key, {Service: "gone", Target: "t", Check: "c"}, {Service: "gone"}}
	if diff := cmp.Diff(asSet(want), asSet(gone)); diff != "" {
		t.Errorf("told to be gone (-want +got):\n%s", diff)
	}

	store.Apply([]state.Service{shop()})
	if back := store.Snapshot(noon).Services[0].Checks[1]; back.HasRun() {
		t.Error("the check that had gone came back with its state")
	}
}

func asSet(keys []probe.Key) map[probe.Key]int {
	set := map[probe.Key]int{}
	for _, k := range keys {
		set[k]++
	}
	return set
}

func TestAKeyConfiguredTwiceIsOneCheck(t *testing.T) {
	service := shop()
	service.Checks = append(service.Checks, health)
	service.Units = append(service.Units, "shop.service")
	got := applied(service).Snapshot(noon).Services[0]
	if len(got.Checks) != 2 || len(got.Units) != 1 {
		t.Errorf("%d checks and %d units", len(got.Checks), len(got.Units))
	}
}

func TestResultsOfUnknownKeysAreDropped(t *testing.T) {
	store := applied(shop())
	store.Subscribe(func(e state.Event) { t.Errorf("told of %v", e.Result.Key) })
	store.Fold(probe.Result{Key: probe.Key{Service: "shop", Target: "elsewhere", Check: "health"}, Start: noon})
	store.Fold(probe.Result{Key: probe.Key{Service: "shop", Unit: "other.service"}, Start: noon})
}

func TestEventsTellEachFoldInOrder(t *testing.T) {
	type told struct {
		Outcome, Previous probe.Outcome
		First, Changed    bool
		Passes            uint64
	}
	store := applied(shop())
	var got []told
	store.Subscribe(func(e state.Event) {
		if e.Unit != nil {
			t.Errorf("a unit's state for %v", e.Result.Key)
		}
		got = append(got, told{e.Result.Outcome, e.Previous, e.First, e.Changed, e.Check.Outcomes[probe.Pass]})
	})
	for i, outcome := range []probe.Outcome{probe.Pass, probe.Pass, probe.Fail, probe.Fail, probe.Warn} {
		store.Fold(result(i, outcome))
	}
	want := []told{
		{Outcome: probe.Pass, First: true, Changed: true, Passes: 1},
		{Outcome: probe.Pass, Previous: probe.Pass, Passes: 2},
		{Outcome: probe.Fail, Previous: probe.Pass, Changed: true, Passes: 2},
		{Outcome: probe.Fail, Previous: probe.Fail, Passes: 2},
		{Outcome: probe.Warn, Previous: probe.Fail, Changed: true, Passes: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestEventsOfAUnit(t *testing.T) {
	store := applied(shop())
	var got []string
	store.Subscribe(func(e state.Event) {
		if e.Check != nil {
			t.Error("a check's state for a unit")
		}
		got = append(got, e.Unit.State())
	})
	store.Fold(probe.Result{Key: unit, Start: noon, Unit: &probe.Unit{LoadState: "loaded", ActiveState: "active"}})
	store.Fold(probe.Result{Key: unit, Start: noon.Add(time.Second), Outcome: probe.Error})
	if diff := cmp.Diff([]string{"active", ""}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestFoldsFromManyGoroutinesAreAllTakenUp(t *testing.T) {
	store := applied(shop())
	told := 0
	store.Subscribe(func(state.Event) { told++ }) // one at a time, so it needs no lock
	var folding sync.WaitGroup
	for range 8 {
		folding.Go(func() {
			for i := range 200 {
				store.Fold(result(i, probe.Pass))
				store.Snapshot(noon)
			}
		})
	}
	folding.Go(func() {
		for range 50 {
			store.Apply([]state.Service{shop()})
		}
	})
	folding.Wait()
	if n := store.Snapshot(noon).Services[0].Checks[0].Outcomes[probe.Pass]; n != 1600 || told != 1600 {
		t.Errorf("%d folded and %d told of 1600", n, told)
	}
}
