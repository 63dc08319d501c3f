package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/state"
	"postflight/probe"
)

// answer is what a worker process says of its counter: it started between from and to seconds after noon, says the
// answer that comes at seconds after noon.
type answer struct {
	at, from, to float64
	count        float64
}

func seconds(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

func (a answer) result(more ...probe.Value) probe.Result {
	p := probe.Process{Earliest: seconds(a.from), Latest: seconds(a.to)}
	values := append([]probe.Value{{Metric: "opened", Number: a.count}}, more...)
	for i := range values {
		values[i].Process = p
	}
	return probe.Result{Key: monitor.Key, Start: seconds(a.at), Values: values}
}

func opened(s *state.Store) float64 {
	for _, c := range s.Snapshot(noon).Services[0].Checks[1].Counters {
		if c.Metric == "opened" {
			return c.Total
		}
	}
	return -1
}

func TestGrowthIsAssignedToTheProcessThatGrew(t *testing.T) {
	for _, row := range []struct {
		name    string
		answers []answer
		want    []float64 // total after each
	}{
		{
			"the first reading is the baseline",
			[]answer{{100, 0, 0.1, 120345}, {115, 0, 0.1, 120350}, {130, 0, 0.1, 120350}},
			[]float64{0, 5, 5},
		},
		{
			"two workers by turns",
			[]answer{{100, 0, 0.1, 1000}, {115, 2, 2.1, 10}, {130, 0, 0.1, 1001}, {145, 2, 2.1, 13}, {160, 0, 0.1, 1002}},
			[]float64{0, 0, 1, 4, 5},
		},
		{
			"a new process counts from its first reading",
			[]answer{{100, 0, 0.1, 1000}, {115, 110, 110.1, 7}, {130, 110, 110.1, 9}},
			[]float64{0, 0, 2},
		},
		{
			"a slow answer that may be either's adds nothing, and the next clear one has it all",
			[]answer{{100, 0, 0.1, 10}, {115, 2, 2.1, 50}, {130, -1, 3, 14}, {145, 0, 0.1, 15}},
			[]float64{0, 0, 0, 5},
		},
		{
			"so does the slow answer of a sibling that has not answered before",
			[]answer{{100, 0, 0.1, 1000}, {115, -1, 3, 90000}, {130, 0, 0.1, 1001}},
			[]float64{0, 0, 1},
		},
		{
			"a slow first answer is no baseline: the first quick one is, whoever's it is",
			[]answer{{100, -2, 2, 1000}, {115, 1, 1.1, 90000}, {130, 0, 0.1, 1002}, {145, 1, 1.1, 90001}, {160, 0, 0.1, 1005}},
			[]float64{0, 0, 0, 1, 4},
		},
		{
			"what is known of the start grows narrower, so a later sibling is told apart",
			[]answer{{100, 0, 0.3, 10}, {115, 0, 0.1, 11}, {130, 0.2, 0.3, 500}, {145, 0, 0.1, 12}, {160, 0.2, 0.3, 501}},
			[]float64{0, 1, 1, 2, 3},
		},
		{
			"clocks that drift apart make a new baseline",
			[]answer{{0, 0, 0.01, 1}, {3600, 0.9, 0.91, 2}, {3615, 0.9, 0.91, 3}, {7215, 1.8, 1.81, 4}},
			[]float64{0, 0, 1, 1},
		},
		{
			"since over an hour a sibling looks like such a drift",
			[]answer{{0, 0, 0.01, 1000}, {3600, 1, 1.01, 90000}, {7200, 1, 1.01, 90001}, {10800, 0, 0.01, 1001}, {14400, 0, 0.01, 1002}},
			[]float64{0, 0, 1, 1, 2},
		},
		{
			"what was counted after a drift is not counted again when it is undone",
			[]answer{{0, 0, 0.01, 1}, {3600, 0.9, 0.91, 5}, {3615, 0.9, 0.91, 9}, {7215, 0, 0.01, 10}, {7230, 0, 0.01, 11}},
			[]float64{0, 0, 4, 4, 5},
		},
		{
			"two that drift at once begin anew",
			[]answer{{0, 0, 0.01, 1}, {1, 1, 1.01, 50}, {3601, 0.5, 0.51, 4}, {3602, 1.5, 1.51, 60}, {3603, 0.5, 0.51, 5}, {3604, 1.5, 1.51, 61}},
			[]float64{0, 0, 0, 0, 1, 2},
		},
		{
			"a clock that was set is another process",
			[]answer{{100, 0, 0.1, 1000}, {115, 30, 30.1, 1005}, {130, 30, 30.1, 1006}},
			[]float64{0, 0, 1},
		},
		{
			"a sibling that died long ago does not confuse the living",
			[]answer{{10, 0, 0.01, 10}, {11, 0.1, 0.11, 20}, {10000, 0, 0.01, 15}, {10015, 0, 0.01, 16}},
			[]float64{0, 0, 5, 6},
		},
		{
			"two that cannot be told apart add nothing once that is proven",
			[]answer{{100, 0, 0.1, 1000}, {115, 0, 0.1, 10}, {130, 0, 0.1, 1001}, {145, 0, 0.1, 1002}, {160, 0, 0.1, 12}},
			[]float64{0, 0, 0, 0, 0},
		},
		{
			"nor when their clock has drifted",
			[]answer{{100, 0, 0.1, 1000}, {115, 0, 0.1, 10}, {3715, 1, 1.1, 11}, {3730, 1, 1.1, 90000}},
			[]float64{0, 0, 0, 0},
		},
		{
			"and do not disturb a third that can be",
			[]answer{{100, 0, 0.1, 1000}, {115, 0, 0.1, 10}, {130, 60, 60.1, 5}, {145, 0, 0.1, 11}, {160, 60, 60.1, 8}},
			[]float64{0, 0, 0, 0, 3},
		},
		{
			"nor their successors",
			[]answer{{100, 0, 0.1, 1000}, {115, 0, 0.1, 10}, {130, 120, 120.1, 5}, {145, 120, 120.1, 6}},
			[]float64{0, 0, 0, 1},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(shop())
			var got []float64
			for _, a := range row.answers {
				store.Fold(a.result())
				got = append(got, opened(store))
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheCountersOfOneAnswerProveTogether(t *testing.T) {
	store := applied(shop())
	store.Fold(answer{100, 0, 0.1, 10}.result(probe.Value{Metric: "closed", Number: 9}))
	store.Fold(answer{115, 0, 0.1, 99}.result(probe.Value{Metric: "closed", Number: 8})) // opened grew, closed fell back
	store.Fold(answer{130, 0, 0.1, 100}.result(probe.Value{Metric: "closed", Number: 9}))
	want := []state.Counter{{Metric: "opened"}, {Metric: "closed"}}
	if diff := cmp.Diff(want, store.Snapshot(noon).Services[0].Checks[1].Counters); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestACounterThatIsLeftOutForAWhileLosesNothing(t *testing.T) {
	store := applied(shop())
	store.Fold(answer{100, 0, 0.1, 1}.result(probe.Value{Metric: "closed", Number: 1}))
	store.Fold(answer{115, 0, 0.1, 2}.result())
	store.Fold(answer{130, 0, 0.1, 3}.result(probe.Value{Metric: "closed", Number: 4}))
	want := []state.Counter{{Metric: "opened", Total: 2}, {Metric: "closed", Total: 3}}
	if diff := cmp.Diff(want, store.Snapshot(noon).Services[0].Checks[1].Counters); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestOthersAreCountedOnlyWhileTheyAreTheSame(t *testing.T) {
	store := applied(shop())
	fold := func(at float64, others ...probe.Value) float64 {
		var values []probe.Value
		for i := range 64 {
			values = append(values, probe.Value{Metric: "by_state", Label: fmt.Sprint(i)})
		}
		store.Fold(answer{at, 0, 0.1, 0}.result(append(values, others...)...))
		for _, c := range store.Snapshot(noon).Services[0].Checks[1].Counters {
			if c.Label == "other" {
				return c.Total
			}
		}
		return -1
	}
	old, late := probe.Value{Metric: "by_state", Label: "old", Number: 5}, probe.Value{Metric: "by_state", Label: "late", Number: 1000}
	steps := []float64{fold(0)}
	steps = append(steps, fold(15, old))
	old.Number = 7
	steps = append(steps, fold(30, old))
	steps = append(steps, fold(45, old, late)) // late has counted for long: that is no growth that was seen
	late.Number, old.Number = 1001, 8
	steps = append(steps, fold(60, old, late))
	steps = append(steps, fold(75, old)) // no fall either
	if diff := cmp.Diff([]float64{-1, 0, 2, 2, 4, 4}, steps); diff != "" {
		t.Errorf("others (-want +got):\n%s", diff)
	}
}

func TestTheProcessUnseenForLongestIsForgotten(t *testing.T) {
	store := applied(shop())
	for i := range 65 {
		store.Fold(answer{1000 + float64(i), float64(i), float64(i), 10}.result())
	}
	store.Fold(answer{1100, 64, 64, 11}.result())
	if got := opened(store); got != 1 {
		t.Errorf("growth of a process that is remembered: %v", got)
	}
	store.Fold(answer{1101, 0, 0, 11}.result())
	if got := opened(store); got != 1 {
		t.Errorf("with growth of a process that was forgotten: %v", got)
	}
}

// worker is a process of the backend that the properties below are tried on.
type worker struct {
	start float64
	count float64
	read  float64 // as last answered; -1: never
}

// TestTheSumIsTrueWhereStartsCanBeToldApart: whatever the workers do and whichever of them answers, if it does so
// quickly and often enough.
func TestTheSumIsTrueWhereStartsCanBeToldApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := applied(shop())
		now, truth, shown := 1000.0, 0.0, 0.0
		var workers []*worker
		for i := range rapid.IntRange(1, 8).Draw(t, "workers") {
			workers = append(workers, &worker{start: 10 * float64(i), count: rapid.Float64Range(0, 1e6).Draw(t, "count"), read: -1})
		}
		pick := func(t *rapid.T) *worker { return rapid.SampledFrom(workers).Draw(t, "worker") }
		t.Repeat(map[string]func(*rapid.T){
			"serve": func(t *rapid.T) { pick(t).count += float64(rapid.IntRange(0, 1000).Draw(t, "sessions")) },
			"restart": func(t *rapid.T) {
				now++
				*pick(t) = worker{start: now, read: -1}
				now++
			},
			"answer": func(t *rapid.T) {
				w := pick(t)
				now += rapid.Float64Range(0, 60).Draw(t, "later")
				before := rapid.Float64Range(0, 0.15).Draw(t, "before")
				after := rapid.Float64Range(0, 0.15).Draw(t, "after")
				store.Fold(answer{now, w.start - before, w.start + after, w.count}.result())
				if w.read >= 0 {
					truth += w.count - w.read
				}
				w.read = w.count
				shown = opened(store)
			},
			"": func(t *rapid.T) {
				if diff := shown - truth; diff > 1e-3 || diff < -1e-3 {
					t.Fatalf("shown %v, truth %v", shown, truth)
				}
			},
		})
	})
}

// TestTheSumNeverExceedsTheTruth where starts are further apart than the windows of two answers, and than the backend's
// clock strays from ours: however long nobody asks, and however slow the answers are.
func TestTheSumNeverExceedsTheTruth(t *testing.T) {
	const (
		quick  = 0.3 // the widest window that counts
		astray = 0.2 // seconds, to either side
		apart  = 2*quick + 2*astray + 0.01
	)
	rapid.Check(t, func(t *rapid.T) {
		store := applied(shop())
		now, drift, truth := 1000.0, 0.0, 0.0
		var workers []*worker
		started := 0.0
		begin := func(t *rapid.T) *worker {
			started = max(started+apart, rapid.SampledFrom([]float64{0, now}).Draw(t, "start"))
			now = max(now, started)
			return &worker{start: started, count: rapid.Float64Range(0, 1e6).Draw(t, "count"), read: -1}
		}
		for range rapid.IntRange(1, 4).Draw(t, "workers") {
			workers = append(workers, begin(t))
		}
		t.Repeat(map[string]func(*rapid.T){
			"restart": func(t *rapid.T) { workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")] = begin(t) },
			"answer": func(t *rapid.T) {
				gap := rapid.SampledFrom([]float64{1, 15, 60, 3600, 86400}).Draw(t, "gap")
				now += gap
				drift += rapid.Float64Range(max(-gap/2000, -astray-drift), min(gap/2000, astray-drift)).Draw(t, "drift")
				widest := rapid.SampledFrom([]float64{0.01, quick, 5}).Draw(t, "widest")
				before := rapid.Float64Range(0, widest).Draw(t, "before")
				after := rapid.Float64Range(0, widest-before).Draw(t, "after")
				w := rapid.SampledFrom(workers).Draw(t, "worker")
				w.count += float64(rapid.IntRange(0, 1000).Draw(t, "sessions"))
				at := w.start + drift
				store.Fold(answer{now, at - before, at + after, w.count}.result())
				if w.read >= 0 {
					truth += w.count - w.read
				}
				w.read = w.count
				if shown := opened(store); shown > truth+1e-3 {
					t.Fatalf("shown %v, truth %v", shown, truth)
				}
			},
		})
	})
}

// TestTheSumNeverFalls: whatever starts the answers claim and whatever they count.
func TestTheSumNeverFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := applied(shop())
		now, shown := 1000.0, 0.0
		t.Repeat(map[string]func(*rapid.T){
			"answer": func(t *rapid.T) {
				now += rapid.Float64Range(-1, 100).Draw(t, "later")
				from := rapid.Float64Range(0, 10).Draw(t, "from")
				to := from + rapid.Float64Range(0, 3).Draw(t, "width")
				store.Fold(answer{now, from, to, float64(rapid.IntRange(0, 100).Draw(t, "count"))}.result())
				if got := opened(store); got < shown {
					t.Fatalf("from %v to %v", shown, got)
				} else {
					shown = got
				}
			},
		})
	})
}

// TestNothingIsAddedAfterTheProof: workers that started together, whichever of them answers. What was added before a
// counter fell back is what one process would have grown by.
func TestNothingIsAddedAfterTheProof(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := applied(shop())
		workers := make([]worker, rapid.IntRange(2, 4).Draw(t, "workers"))
		now, last, want, proven := 1000.0, -1.0, 0.0, false
		t.Repeat(map[string]func(*rapid.T){
			"answer": func(t *rapid.T) {
				w := &workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")]
				w.count += float64(rapid.IntRange(0, 100).Draw(t, "sessions"))
				now += 15
				store.Fold(answer{now, -0.1, 0.1, w.count}.result())
				switch {
				case last < 0 || proven:
				case w.count < last:
					proven = true
				default:
					want += w.count - last
				}
				last = w.count
				if got := opened(store); got != want {
					t.Fatalf("shown %v, want %v; proven: %t", got, want, proven)
				}
			},
		})
	})
}
