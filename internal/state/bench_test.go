package state_test

import (
	"fmt"
	"testing"

	"postflight/internal/state"
	"postflight/probe"
)

// large is 1000 targets with 4 checks each, every one with the values of the database's.
func large() (*state.Store, []probe.Result) {
	service := state.Service{Name: "large"}
	var results []probe.Result
	process := probe.Process{Earliest: noon, Latest: noon}
	for i := range 4000 {
		key := probe.Key{Service: "large", Target: fmt.Sprint("http://10.0.0.1:", i/4), Check: fmt.Sprint("check-", i%4)}
		service.Checks = append(service.Checks, probe.Check{Key: key})
		results = append(results, probe.Result{Key: key, Start: noon, Outcome: probe.Pass, Values: []probe.Value{
			{Metric: "db_sessions_active", Number: 3},
			{Metric: "db_sessions_max_concurrent", Number: 9},
			{Metric: "db_sessions_opened_total", Number: 100, Process: process},
			{Metric: "db_sessions_closed_total", Number: 100, Process: process},
		}})
	}
	return applied(service), results
}

// maxAllocs is what one fold may allocate: the new state, its lists, and what it grows by.
const maxAllocs = 8

func TestAFoldAllocatesLittle(t *testing.T) {
	store, results := large()
	for _, r := range results {
		store.Fold(r)
	}
	i := 0
	if got := testing.AllocsPerRun(4000, func() { store.Fold(results[i%4000]); i++ }); got > maxAllocs {
		t.Errorf("%v allocations a fold, at most %d", got, maxAllocs)
	}
}

func BenchmarkFold(b *testing.B) {
	store, results := large()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		store.Fold(results[i%4000])
	}
}

func BenchmarkFoldWithoutValues(b *testing.B) {
	store, results := large()
	for i := range results {
		results[i].Values = nil
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		store.Fold(results[i%4000])
	}
}

func BenchmarkSnapshot(b *testing.B) {
	store, _ := large()
	b.ReportAllocs()
	for b.Loop() {
		store.Snapshot(noon)
	}
}
