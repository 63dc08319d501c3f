package exporter

import (
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"postflight/internal/state"
	"postflight/probe"
)

// TestAScrapeEndsNothingNewerThanItself: a reload, and a line that its pattern measures, may come just after the scrape's
// snapshot. The next scrape ends what has no pattern any more.
func TestAScrapeEndsNothingNewerThanItself(t *testing.T) {
	unit := probe.Key{Service: "shop", Unit: "shop.service"}
	pattern := probe.Pattern{Name: "slow-query", Metric: "log_value_query_duration_seconds", Buckets: []float64{1}}
	store := state.New()
	e := New(store, Options{})

	scrape := e.nextScrape()
	snapshot := store.Snapshot(time.Now())
	store.Apply([]state.Service{{Name: unit.Service, Units: []string{unit.Unit}, Patterns: []probe.Pattern{pattern}}})
	store.Fold(probe.Result{Key: unit, Log: &probe.Log{Matches: []probe.Match{{Pattern: pattern.Name, Measured: true, Value: 2}}}})
	e.endLogValues(snapshot, scrape)

	var m dto.Metric
	if err := e.logHistogramOf(unit, pattern).Write(&m); err != nil || m.GetHistogram().GetSampleCount() != 1 {
		t.Errorf("%v, and %d observations, want 1", err, m.GetHistogram().GetSampleCount())
	}
	e.endLogValues(snapshot, e.nextScrape())
	if len(e.logValues) != 0 {
		t.Error("the next scrape, which does not know the pattern, left it")
	}
}
