package exporter_test

import (
	"sync"
	"testing"
	"time"

	"postflight/exporter"
	"postflight/internal/state"
	"postflight/probe"
)

// aMorningOfLogs is what the shop's units write, as far as it can be read.
func aMorningOfLogs(store *state.Store, at func(float64) time.Time) {
	unit := probe.Key{Service: "shop", Unit: "shop.service"}
	seconds := func(pattern string, value float64) probe.Match {
		return probe.Match{Pattern: pattern, Measured: true, Value: value}
	}
	store.Fold(probe.Result{Key: unit, Start: at(6), Log: &probe.Log{Lines: 40, Matches: []probe.Match{
		{Pattern: missingModule.Name, Severity: missingModule.Severity, Module: "jwt", Text: "ModuleNotFoundError: No module named 'jwt'"},
		{Pattern: missingModule.Name, Severity: missingModule.Severity, Module: "odd \"name\"\n\\ \xff"},
		{Pattern: missingModule.Name, Severity: missingModule.Severity}, // an ImportError that names none
		seconds(slowAuth.Name, 1.25), seconds(slowQuery.Name, 0.5), seconds(slowQuery.Name, 20),
		{Pattern: slowQuery.Name}, // no number in it
	}}})
	store.Fold(probe.Result{Key: unit, Start: at(7), Log: &probe.Log{Lines: 2, Dropped: 300, Matches: []probe.Match{
		{Pattern: missingModule.Name, Severity: missingModule.Severity, Module: "jwt"},
		seconds("a-pattern-of-the-configuration-before", 1),
	}}})
	unit.Unit = "typo.service"
	store.Fold(probe.Result{Key: unit, Start: at(7), Outcome: probe.Error, Got: "not in group systemd-journal", Log: &probe.Log{}})
}

// measured is a line of a unit's log that holds a number of seconds.
func measured(service, unit string, p probe.Pattern, seconds float64) probe.Result {
	return probe.Result{Key: probe.Key{Service: service, Unit: unit}, Start: time.Now(), Log: &probe.Log{
		Lines: 1, Matches: []probe.Match{{Pattern: p.Name, Severity: p.Severity, Measured: true, Value: seconds}},
	}}
}

const (
	queries = `postflight_log_value_query_duration_seconds_count{service="shop",unit="shop.service"} `
	auths   = `postflight_log_value_auth_duration_seconds_count{service="shop",unit="shop.service"} `
	lines   = `postflight_log_lines_total{service="shop",unit="shop.service"} `
)

// TestLogsGoWithTheConfiguration: what is no longer looked for leaves no series, and begins anew when it comes back. The
// rest goes on.
func TestLogsGoWithTheConfiguration(t *testing.T) {
	wider := slowQuery
	wider.Buckets = []float64{5, 50}
	for _, row := range []struct {
		gone   string
		change func(*state.Service)
		texts  []string // that no series has then
		back   []string // series, once all is as before
	}{
		{"nothing", func(*state.Service) {}, nil, []string{queries + "1", auths + "1", lines + "2"}},
		{
			"a pattern", func(s *state.Service) { s.Patterns = s.Patterns[:2] },
			[]string{"slow-query", "query_duration"}, []string{queries + "0", auths + "1", lines + "2"},
		},
		{
			"all patterns, so that no log is watched", func(s *state.Service) { s.Patterns = nil },
			[]string{"postflight_log_"}, []string{queries + "0", auths + "0", lines + "0"},
		},
		{
			"the unit", func(s *state.Service) { s.Units = s.Units[1:] },
			[]string{`unit="shop.service"`}, []string{queries + "0", auths + "0", lines + "0"},
		},
		{
			"buckets", func(s *state.Service) { s.Patterns = []probe.Pattern{missingModule, slowAuth, wider} },
			[]string{`query_duration_seconds_bucket{service="shop",unit="shop.service",le="0.1"}`, queries + "1"},
			[]string{queries + "0", auths + "1", lines + "2"},
		},
	} {
		t.Run(row.gone, func(t *testing.T) {
			store, e := newExporter(t, exporter.Options{}, shop()...)
			store.Fold(measured("shop", "shop.service", slowQuery, 1))
			store.Fold(measured("shop", "shop.service", slowAuth, 1))
			services := shop()
			row.change(&services[0])
			store.Apply(services)
			exposition := scrape(t, e)
			for _, text := range row.texts {
				if n := seriesWith(exposition, text); n > 0 {
					t.Errorf("%d series with %s are left", n, text)
				}
			}
			store.Apply(shop())
			exposition = scrape(t, e)
			for _, series := range row.back {
				if seriesWith(exposition, series) != 1 {
					t.Errorf("when it is back, no %s", series)
				}
			}
		})
	}
}

// TestALogOutOfReachKeepsItsCounts: they fell behind, and are not wrong.
func TestALogOutOfReachKeepsItsCounts(t *testing.T) {
	store, e := newExporter(t, exporter.Options{}, shop()...)
	store.Fold(measured("shop", "shop.service", slowQuery, 1))
	blind := measured("shop", "shop.service", slowQuery, 1)
	blind.Outcome, blind.Got, blind.Log = probe.Error, "not in group systemd-journal", &probe.Log{}
	store.Fold(blind)
	exposition := scrape(t, e)
	for _, want := range []string{`postflight_log_observable{service="shop",unit="shop.service"} 0`, queries + "1", lines + "1"} {
		if seriesWith(exposition, want) != 1 {
			t.Errorf("no %s", want)
		}
	}
}

// TestWhatWasSavedIsNoReading: the counts go on, and what only a look can tell is absent until there is one.
func TestWhatWasSavedIsNoReading(t *testing.T) {
	before, e := newExporter(t, exporter.Options{}, shop()...)
	aMorning(before, e)
	after := state.New()
	e = exporter.New(after, exporter.Options{})
	if err := after.Restore(before.Save()); err != nil {
		t.Fatal(err)
	}
	after.Apply(shop())
	exposition := scrape(t, e)
	for text, want := range map[string]int{
		`postflight_unit_restarts_total{service="shop",unit="shop.service"} 1`:                                         1,
		`postflight_unit_exits_total{result="oom-kill",service="shop",unit="shop.service"} 1`:                          1,
		`postflight_unit_observable{service="shop",unit="shop.service"} 0`:                                             1,
		`postflight_log_observable{service="shop",unit="shop.service"} 0`:                                              1,
		`postflight_log_matches_total{pattern="missing-module",service="shop",severity="error",unit="shop.service"} 4`: 1,
		`postflight_log_missing_modules_total{module="jwt",service="shop",unit="shop.service"} 2`:                      1,
		lines + "42":                            1,
		"postflight_unit_nrestarts":             0,
		"postflight_unit_main_exit_status":      0,
		"postflight_unit_crash_looping":         0,
		"postflight_unit_active_enter":          0,
		"postflight_unit_memory_bytes":          0,
		"postflight_unit_tasks":                 0,
		`state="active",unit="shop.service"} 1`: 0,
	} {
		if got := seriesWith(exposition, text); got != want {
			t.Errorf("%d series with %s, want %d", got, text, want)
		}
	}
}

// TestPatternsShareAMetric: within a unit they are one series, and over services one family.
func TestPatternsShareAMetric(t *testing.T) {
	slower := slowQuery
	slower.Name = "slower-query"
	services := shop()
	services[0].Patterns = []probe.Pattern{slowQuery, slower}
	services[1].Patterns = []probe.Pattern{slower}
	store, e := newExporter(t, exporter.Options{}, services...)
	store.Fold(measured("shop", "shop.service", slowQuery, 1))
	store.Fold(measured("shop", "shop.service", slower, 2))
	store.Fold(measured("worker", "worker.service", slower, 4))
	exposition := scrape(t, e)
	for _, want := range []string{
		queries + "2",
		`postflight_log_value_query_duration_seconds_sum{service="shop",unit="shop.service"} 3`,
		`postflight_log_value_query_duration_seconds_sum{service="worker",unit="worker.service"} 4`,
	} {
		if seriesWith(exposition, want) != 1 {
			t.Errorf("no %s", want)
		}
	}
}

// TestScrapesAndReloadsLoseNothing that is measured meanwhile.
func TestScrapesAndReloadsLoseNothing(t *testing.T) {
	store, e := newExporter(t, exporter.Options{}, shop()...)
	var both sync.WaitGroup
	both.Go(func() {
		for range 500 {
			store.Fold(measured("shop", "shop.service", slowQuery, 1))
		}
	})
	both.Go(func() {
		for range 20 {
			scrape(t, e)
			store.Apply(shop())
		}
	})
	both.Wait()
	if seriesWith(scrape(t, e), queries+"500") != 1 {
		t.Error("not 500 observations")
	}
}
