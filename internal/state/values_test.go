package state_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

// valuesAfter folds one probe of a check for each list of values and returns what is shown afterwards.
func valuesAfter(probes ...[]probe.Value) []state.Value {
	store := applied(shop())
	for i, values := range probes {
		r := result(i, probe.Pass)
		r.Values = values
		store.Fold(r)
	}
	return store.Snapshot(noon).Services[0].Checks[0].Values
}

func TestGaugesAreThoseOfTheLastProbe(t *testing.T) {
	for _, row := range []struct {
		name   string
		probes [][]probe.Value
		want   []state.Value
	}{
		{
			"the newest number",
			[][]probe.Value{{{Metric: "queue_tasks", Label: "queued", Number: 3}}, {{Metric: "queue_tasks", Label: "queued", Number: 7}}},
			[]state.Value{{Metric: "queue_tasks", Label: "queued", Number: 7}},
		},
		{
			"gone with the probe that read it",
			[][]probe.Value{{{Metric: "queue_tasks", Label: "queued", Number: 3}, {Metric: "health_status", State: "healthy"}}, nil},
			nil,
		},
		{
			"whether authentication is bypassed outlives a probe that could not tell",
			[][]probe.Value{{{Metric: "auth_bypassed", Number: 1}}, nil, {{Metric: "auth_rejection_status_code", Label: "malformed", Number: 401}}},
			[]state.Value{{Metric: "auth_rejection_status_code", Label: "malformed", Number: 401}, {Metric: "auth_bypassed", Number: 1}},
		},
		{
			"until a probe can tell",
			[][]probe.Value{{{Metric: "auth_bypassed", Number: 1}}, nil, {{Metric: "auth_bypassed", Number: 0}}},
			[]state.Value{{Metric: "auth_bypassed", Number: 0}},
		},
		{
			"a state that is none of the known ones",
			[][]probe.Value{{{Metric: "health_status", State: "fine\nand dandy"}}},
			[]state.Value{{Metric: "health_status", State: "unknown"}},
		},
		{
			"numbers of one label are summed",
			[][]probe.Value{{{Metric: "m", Label: "a\xff", Number: 1}, {Metric: "m", Label: "b", Number: 5}, {Metric: "m", Label: "a\xfe", Number: 2}}},
			[]state.Value{{Metric: "m", Label: "a\uFFFD", Number: 3}, {Metric: "m", Label: "b", Number: 5}},
		},
		{
			"of states of one label the worst is shown",
			[][]probe.Value{{
				{Metric: "m", Label: "\xff", State: "healthy"}, {Metric: "m", Label: "\xfe", State: "unhealthy"},
				{Metric: "m", Label: "\xfd", State: "degraded"},
			}},
			[]state.Value{{Metric: "m", Label: "\uFFFD", State: "unhealthy"}},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, valuesAfter(row.probes...)); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabelsAreBounded(t *testing.T) {
	var many []probe.Value
	for i := range 5000 {
		many = append(many, probe.Value{Metric: "m", Label: fmt.Sprint("state ", i), Number: 1})
	}
	many = append(many, probe.Value{Metric: "m", Label: "other", Number: 10}, probe.Value{Metric: "n", Label: "state 4999", Number: 1})
	got := valuesAfter(many)
	if len(got) != 66 {
		t.Fatalf("%d values, want 64 of m, its others, and the one of n", len(got))
	}
	if want := (state.Value{Metric: "m", Label: "state 63", Number: 1}); got[63] != want {
		t.Errorf("the last that found a place: %+v", got[63])
	}
	if want := (state.Value{Metric: "m", Label: "other", Number: 5000 - 64 + 10}); got[64] != want {
		t.Errorf("the others: %+v", got[64])
	}
	if got[65].Metric != "n" || got[65].Label != "state 4999" {
		t.Errorf("another metric has places of its own: %+v", got[65])
	}
}

func TestThoseThatCameFirstKeepTheirPlaces(t *testing.T) {
	var first, second []probe.Value
	for i := range 64 {
		first = append(first, probe.Value{Metric: "m", Label: fmt.Sprint(i)})
	}
	second = append(second, probe.Value{Metric: "m", Label: "late", Number: 2}, probe.Value{Metric: "m", Label: "63", Number: 1})
	want := []state.Value{{Metric: "m", Label: "other", Number: 2}, {Metric: "m", Label: "63", Number: 1}}
	if diff := cmp.Diff(want, valuesAfter(first, nil, second)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestLabelsAreCutBetweenCharacters(t *testing.T) {
	for _, row := range []struct{ name, label, want string }{
		{"as it is", "Redis运行正常", "Redis运行正常"},
		{"just short enough", strings.Repeat("a", 128), strings.Repeat("a", 128)},
		{"one too many", strings.Repeat("a", 129), strings.Repeat("a", 128)},
		{"three bytes a character", strings.Repeat("运", 50), strings.Repeat("运", 42)},
		{"four bytes a character", "a" + strings.Repeat("🚀", 40), "a" + strings.Repeat("🚀", 31)},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
		{"not UTF-8 at the cut", strings.Repeat("a", 127) + "\xe8\xbf", strings.Repeat("a", 127)},
		{"not UTF-8 and far too long", strings.Repeat("\xff", 1<<20), "\uFFFD"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := valuesAfter([]probe.Value{{Metric: "m", Label: row.label}})[0].Label
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if len(got) > 128 || !utf8.ValidString(got) {
				t.Errorf("%d bytes, valid %t", len(got), utf8.ValidString(got))
			}
		})
	}
}

func TestWhatIsNoCountIsNotCounted(t *testing.T) {
	process := probe.Process{Earliest: noon, Latest: noon}
	store := applied(shop())
	for i, number := range []float64{1, math.NaN(), math.Inf(1), 3} {
		r := result(i, probe.Pass)
		r.Values = []probe.Value{{Metric: "c", Number: number, Process: process}}
		store.Fold(r)
	}
	got := store.Snapshot(noon).Services[0].Checks[0]
	if diff := cmp.Diff([]state.Counter{{Metric: "c", Total: 2}}, got.Counters); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if got.Values != nil {
		t.Errorf("counters among the gauges: %v", got.Values)
	}
}
