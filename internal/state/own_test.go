package state_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/state"
	"postflight/probe"
)

// Metrics of the check orders.
var (
	open    = &probe.Metric{Name: "value_open"}
	byState = &probe.Metric{Name: "value_by_state", Label: "state"}
	sold    = &probe.Metric{Name: "value_sold_total", Counter: true}
	byKind  = &probe.Metric{Name: "value_by_kind_total", Counter: true, Label: "kind"}
)

// orders is a service whose only check has these metrics.
func orders(metrics ...*probe.Metric) state.Service {
	return state.Service{Name: "shop", Checks: []probe.Check{{Key: ofTarget("a"), Metrics: metrics}}}
}

func own(m *probe.Metric, number float64) probe.Value {
	return probe.Value{Metric: m.Name, Own: m, Number: number}
}

func labelled(m *probe.Metric, label string, number float64) probe.Value {
	return probe.Value{Metric: m.Name, Own: m, Label: label, Number: number}
}

// of says of which process a counter is: the one that started so many seconds after noon.
func of(start float64, v probe.Value) probe.Value {
	v.Process = probe.Process{Earliest: seconds(start), Latest: seconds(start + 0.1)}
	return v
}

// reads is an answer to the check.
func reads(values ...probe.Value) func(*state.Store) {
	return func(s *state.Store) { s.Fold(probe.Result{Key: ofTarget("a"), Start: noon, Values: values}) }
}

func knownOf(s *state.Store) *state.CheckState { return s.Snapshot(noon).Services[0].Checks[0] }

func TestOwnGaugesAreThoseOfTheLastAnswer(t *testing.T) {
	var many []probe.Value
	for i := range 66 {
		many = append(many, labelled(byState, fmt.Sprint(i), 1))
	}
	for _, row := range []struct {
		name  string
		after []func(*state.Store)
		want  []state.Value
	}{
		{"a number", []func(*state.Store){reads(own(open, 3)), reads(own(open, 4))}, []state.Value{{Metric: "value_open", Number: 4}}},
		{
			"one a label",
			[]func(*state.Store){reads(labelled(byState, "new", 3), labelled(byState, "\xff", 4))},
			[]state.Value{{Metric: "value_by_state", Label: "new", Number: 3}, {Metric: "value_by_state", Label: "\uFFFD", Number: 4}},
		},
		{"gone when the answer does not yield it", []func(*state.Store){reads(own(open, 3)), reads()}, nil},
		{
			"a process does not make a counter of it",
			[]func(*state.Store){reads(of(0, own(open, 3)))}, []state.Value{{Metric: "value_open", Number: 3}},
		},
		{
			"the 65th label and those after it are the others",
			[]func(*state.Store){reads(many...), reads(many[63:]...)},
			[]state.Value{{Metric: "value_by_state", Label: "63", Number: 1}, {Metric: "value_by_state", Label: "other", Number: 2}},
		},
		{"gone with the metric", []func(*state.Store){reads(own(open, 3), labelled(byState, "new", 4)), configured(orders(open))}, []state.Value{{Metric: "value_open", Number: 3}}},
		{"not of a metric that there is no more", []func(*state.Store){configured(orders(open)), reads(labelled(byState, "new", 4))}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(orders(open, byState))
			for _, does := range row.after {
				does(store)
			}
			if diff := cmp.Diff(row.want, knownOf(store).Values); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnCountersShowTheGrowthThatWasSeen(t *testing.T) {
	const builtIn = "db_sessions_opened_total"
	ofDatabase := func(start, number float64) probe.Value {
		return of(start, probe.Value{Metric: builtIn, Number: number})
	}
	for _, row := range []struct {
		name  string
		after []func(*state.Store)
		want  map[string]float64 // by metric and label
	}{
		{"the first reading is the baseline", []func(*state.Store){reads(own(sold, 700))}, map[string]float64{"value_sold_total ": 0}},
		{"growth", []func(*state.Store){reads(own(sold, 700)), reads(own(sold, 703)), reads(own(sold, 703.5))}, map[string]float64{"value_sold_total ": 3.5}},
		{"over an answer that does not yield it", []func(*state.Store){reads(own(sold, 1)), reads(), reads(own(sold, 5))}, map[string]float64{"value_sold_total ": 4}},
		{"what is no number is not read", []func(*state.Store){reads(own(sold, 1)), reads(own(sold, math.NaN())), reads(own(sold, math.Inf(1))), reads(own(sold, 5))}, map[string]float64{"value_sold_total ": 4}},
		{
			"a fall is a new start, which adds nothing",
			[]func(*state.Store){reads(own(sold, 10)), reads(own(sold, 12)), reads(own(sold, 5)), reads(own(sold, 6))}, map[string]float64{"value_sold_total ": 3},
		},
		{
			"of all counters of the process",
			[]func(*state.Store){
				reads(own(sold, 10), labelled(byKind, "book", 1)), reads(own(sold, 5), labelled(byKind, "book", 3)),
				reads(own(sold, 6), labelled(byKind, "book", 4)),
			},
			map[string]float64{"value_sold_total ": 1, "value_by_kind_total book": 1},
		},
		{
			"also of those that the answer leaves out",
			[]func(*state.Store){reads(own(sold, 10), labelled(byKind, "book", 1)), reads(own(sold, 5)), reads(own(sold, 6), labelled(byKind, "book", 3))},
			map[string]float64{"value_sold_total ": 1, "value_by_kind_total book": 0},
		},
		{
			"a label that comes later has its own baseline",
			[]func(*state.Store){reads(labelled(byKind, "book", 1)), reads(labelled(byKind, "book", 2), labelled(byKind, "map", 50)), reads(labelled(byKind, "map", 51))},
			map[string]float64{"value_by_kind_total book": 1, "value_by_kind_total map": 1},
		},
		{
			"workers told apart",
			[]func(*state.Store){reads(of(0, own(sold, 1000))), reads(of(5, own(sold, 10))), reads(of(0, own(sold, 1001))), reads(of(5, own(sold, 13)))},
			map[string]float64{"value_sold_total ": 4},
		},
		{
			"the worker that a built-in counter names is the one that answered",
			[]func(*state.Store){
				reads(ofDatabase(0, 7), own(sold, 1000)), reads(own(sold, 10), ofDatabase(5, 70)),
				reads(ofDatabase(0, 8), own(sold, 1001)), reads(ofDatabase(5, 70), own(sold, 13)),
			},
			map[string]float64{"value_sold_total ": 4, builtIn + " ": 1},
		},
		{
			"an answer that names no worker is of any of them: it is a baseline",
			[]func(*state.Store){reads(of(0, own(sold, 10))), reads(own(sold, 900)), reads(own(sold, 902))}, map[string]float64{"value_sold_total ": 2},
		},
		{
			"and so is one that names one again",
			[]func(*state.Store){reads(of(0, own(sold, 10))), reads(own(sold, 12)), reads(of(0, own(sold, 15))), reads(own(sold, 17)), reads(of(0, own(sold, 19)))},
			map[string]float64{"value_sold_total ": 0},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(orders(sold, byKind))
			for _, does := range row.after {
				does(store)
			}
			if diff := cmp.Diff(row.want, totals(store)); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
		})
	}
}

func totals(s *state.Store) map[string]float64 {
	totals := map[string]float64{}
	for _, c := range knownOf(s).Counters {
		totals[c.Metric+" "+c.Label] = c.Total
	}
	return totals
}

func TestAChangeKeepsWhatIsKnownOfTheMetricsThatStay(t *testing.T) {
	like := func(m probe.Metric) *probe.Metric { return &m }
	grew := map[string]float64{"value_by_kind_total book": 2, "value_sold_total ": 3}
	for _, row := range []struct {
		name  string
		to    []*probe.Metric
		kept  map[string]float64 // totals right after the change
		again map[string]float64 // and after another answer in which each has grown by 1
	}{
		{"nothing about metrics", []*probe.Metric{sold, byKind}, grew, map[string]float64{"value_by_kind_total book": 3, "value_sold_total ": 4}},
		{
			"the same metrics, read anew, in another order and with other words",
			[]*probe.Metric{open, like(*byKind), {Name: sold.Name, Counter: true, Help: "Sold."}}, grew,
			map[string]float64{"value_by_kind_total book": 3, "value_sold_total ": 4},
		},
		{"one has gone", []*probe.Metric{byKind}, map[string]float64{"value_by_kind_total book": 2}, map[string]float64{"value_by_kind_total book": 3}},
		{"the other has gone", []*probe.Metric{sold}, map[string]float64{"value_sold_total ": 3}, map[string]float64{"value_sold_total ": 4}},
		{"all have gone", nil, map[string]float64{}, map[string]float64{}},
		{
			"one has another label", []*probe.Metric{sold, {Name: byKind.Name, Counter: true, Label: "sort"}},
			map[string]float64{"value_sold_total ": 3}, map[string]float64{"value_sold_total ": 4},
		},
		{"one is a gauge now", []*probe.Metric{{Name: sold.Name}, byKind}, map[string]float64{"value_by_kind_total book": 2}, map[string]float64{"value_by_kind_total book": 3}},
	} {
		for _, known := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, processes known: %t", row.name, known), func(t *testing.T) {
				counted := func(values ...probe.Value) func(*state.Store) {
					for i, v := range values {
						if known {
							values[i] = of(0, v)
						}
					}
					return reads(values...)
				}
				store := applied(orders(sold, byKind))
				counted(labelled(byKind, "book", 1), own(sold, 10))(store)
				counted(labelled(byKind, "book", 3), own(sold, 13))(store)
				before := knownOf(store)
				store.Apply([]state.Service{orders(row.to...)})
				if diff := cmp.Diff(row.kept, totals(store)); diff != "" {
					t.Errorf("counters (-want +got):\n%s", diff)
				}
				if len(before.Counters) != 2 {
					t.Errorf("the snapshot taken before has changed: %v", before.Counters)
				}
				counted(labelled(byKind, "book", 4), own(sold, 14))(store) // of a probe that began before
				if diff := cmp.Diff(row.again, totals(store)); diff != "" {
					t.Errorf("counters after another answer (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestAMetricThatComesBackBeginsAnew(t *testing.T) {
	store := applied(orders(sold, byKind))
	reads(own(sold, 1), labelled(byKind, "a", 1))(store)
	reads(own(sold, 5), labelled(byKind, "a", 3))(store)
	store.Apply([]state.Service{orders(byKind)})
	store.Apply([]state.Service{orders(sold, byKind)})
	reads(own(sold, 9), labelled(byKind, "a", 4))(store)
	reads(own(sold, 10), labelled(byKind, "a", 5))(store)
	if diff := cmp.Diff(map[string]float64{"value_sold_total ": 1, "value_by_kind_total a": 4}, totals(store)); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestAnswersThatDoNotYieldAMetricAreCounted(t *testing.T) {
	unread := func(metrics ...*probe.Metric) func(*state.Store) {
		return func(s *state.Store) { s.Fold(probe.Result{Key: ofTarget("a"), Start: noon, Unread: metrics}) }
	}
	gone, twin := &probe.Metric{Name: "value_gone"}, *open
	for _, row := range []struct {
		name  string
		after []func(*state.Store)
		want  []uint64 // in the order of the configuration
	}{
		{"0 from the start", nil, []uint64{0, 0}},
		{"each by itself", []func(*state.Store){unread(open, sold), unread(sold), unread()}, []uint64{1, 2}},
		{"what is not configured is not", []func(*state.Store){unread(gone)}, []uint64{0, 0}},
		{"kept by a change", []func(*state.Store){unread(sold), configured(orders(sold, gone, &twin)), unread(open)}, []uint64{1, 0, 1}},
		{"gone with its metric", []func(*state.Store){unread(sold), configured(orders(open)), configured(orders(sold))}, []uint64{0}},
		{"none where the check has no metrics", []func(*state.Store){unread(sold), configured(orders())}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(orders(open, sold))
			for _, does := range row.after {
				before := knownOf(store)
				was := fmt.Sprint(before.ExtractionErrors)
				does(store)
				if now := fmt.Sprint(before.ExtractionErrors); now != was {
					t.Errorf("the snapshot taken before has changed from %s to %s", was, now)
				}
			}
			if diff := cmp.Diff(row.want, knownOf(store).ExtractionErrors); diff != "" {
				t.Errorf("extraction errors (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnOwnCounterIsTheSumOfAllRises of one process that restarts now and then, whatever it counts.
func TestAnOwnCounterIsTheSumOfAllRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := applied(orders(sold))
		last, want := -1.0, 0.0
		for _, n := range rapid.SliceOf(rapid.IntRange(0, 1000)).Draw(t, "readings") {
			reads(own(sold, float64(n)))(store)
			if last >= 0 {
				want += max(0, float64(n)-last)
			}
			last = float64(n)
			if got := totals(store)["value_sold_total "]; got != want {
				t.Fatalf("shown %v, want %v", got, want)
			}
		}
	})
}

// TestChecksWithoutOwnMetricsCarryNothingForThem: there may be ten thousand.
func TestChecksWithoutOwnMetricsCarryNothingForThem(t *testing.T) {
	store := applied(shop())
	store.Fold(result(1, probe.Pass))
	known := store.Snapshot(noon).Services[0].Checks[0]
	if known.ExtractionErrors != nil || known.Values != nil || known.Counters != nil {
		t.Errorf("%+v", known)
	}
	store.Apply([]state.Service{shop()})
	if store.Snapshot(noon).Services[0].Checks[0] != known {
		t.Error("a change that does not touch the check has made it anew")
	}
}
