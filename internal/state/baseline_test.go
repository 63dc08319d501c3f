package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/latency"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

func TestTheBaselineIsOfWhatIsWellAndNotVerified(t *testing.T) {
	took := func(outcome probe.Outcome, d time.Duration, n int) func(*state.Store) {
		return func(s *state.Store) {
			s.Fold(probe.Result{Key: health.Key, Start: noon, Outcome: outcome, Latencies: slices.Repeat([]time.Duration{d}, n)})
		}
	}
	folded := func(d state.Deployment) func(*state.Store) { return func(s *state.Store) { s.FoldDeployment(d) } }
	elsewhere := begun("1", 0)
	elsewhere.Service = "other"
	const quick, slow = 20 * time.Millisecond, time.Second
	for _, row := range []struct {
		name  string
		folds []func(*state.Store)
		count int
		p95   time.Duration // about
	}{
		{"nothing yet", nil, 0, 0},
		{"a check with several requests", []func(*state.Store){took(probe.Pass, quick, 3)}, 3, quick},
		{"warnings count", []func(*state.Store){took(probe.Pass, quick, 20), took(probe.Warn, slow, 20)}, 40, slow},
		{"failures do not", []func(*state.Store){took(probe.Pass, quick, 20), took(probe.Fail, slow, 20), took(probe.Error, slow, 20)}, 20, quick},
		{"what is verified does not", []func(*state.Store){took(probe.Pass, quick, 20), folded(begun("1", 0)), took(probe.Pass, slow, 20)}, 20, quick},
		{
			"nor the rollback's",
			[]func(*state.Store){took(probe.Pass, quick, 20), folded(ofRollback(begun("2", 0), "1")), took(probe.Pass, slow, 20)}, 20, quick,
		},
		{
			"once it is decided it does",
			[]func(*state.Store){folded(begun("1", 0)), took(probe.Pass, quick, 20), folded(ended(begun("1", 0), verdict.Passed, 31)), took(probe.Pass, slow, 20)}, 20, slow,
		},
		{"another service is verified", []func(*state.Store){folded(elsewhere), took(probe.Pass, quick, 20)}, 20, quick},
		{"the newest 500 to 1000", []func(*state.Store){took(probe.Pass, slow, 5000), took(probe.Pass, quick, 999)}, 999, quick},
		{"a reload", []func(*state.Store){took(probe.Pass, quick, 20), func(s *state.Store) { s.Apply([]state.Service{shop(), {Name: "other"}}) }}, 20, quick},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(shop(), state.Service{Name: "other"})
			for _, fold := range row.folds {
				fold(store)
			}
			got := store.Snapshot(noon).Services[0].Checks[0].Baseline
			if off := got.P95 - row.p95; got.Count != row.count || off.Abs() > row.p95/20 {
				t.Errorf("of %d requests p95 is %v, want about %v of %d", got.Count, got.P95, row.p95, row.count)
			}
		})
	}
}

func TestAVerificationThatWasRestoredIsOn(t *testing.T) {
	before, store := applied(shop()), state.New()
	before.FoldDeployment(begun("1", 0))
	if err := store.Restore(before.Save()); err != nil {
		t.Fatal(err)
	}
	store.Apply([]state.Service{shop()})
	store.Fold(probe.Result{Key: health.Key, Start: noon, Latencies: []time.Duration{time.Second}})
	if got := store.Snapshot(noon).Services[0].Checks[0].Baseline; got.Count != 0 {
		t.Errorf("what is verified is in the baseline: %+v", got)
	}
}

func TestABaselineIsSharedByNobody(t *testing.T) {
	store := applied(shop())
	store.Fold(probe.Result{Key: health.Key, Start: noon, Latencies: []time.Duration{time.Second}})
	before := store.Snapshot(noon).Services[0].Checks
	want := before[0].Baseline
	store.Fold(probe.Result{Key: health.Key, Start: noon, Latencies: []time.Duration{time.Minute, time.Minute}})
	if diff := cmp.Diff(want, before[0].Baseline); diff != "" || before[1].Baseline != (latency.Summary{}) {
		t.Errorf("the snapshot has changed, or another check has a baseline:\n%s", diff)
	}
}

func BenchmarkFoldWithLatencies(b *testing.B) {
	store, results := large()
	for i := range results {
		results[i].Values, results[i].Latencies = nil, []time.Duration{time.Duration(i) * time.Millisecond}
		for range 600 { // so that there are two generations
			store.Fold(results[i])
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		store.Fold(results[i%4000])
	}
}
