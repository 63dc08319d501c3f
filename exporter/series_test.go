package exporter_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"postflight/exporter"
	"postflight/internal/state"
	"postflight/probe"
)

// seriesWith counts the series of an exposition that hold all of the texts.
func seriesWith(exposition string, texts ...string) int {
	n := 0
lines:
	for line := range strings.Lines(exposition) {
		for _, text := range texts {
			if strings.HasPrefix(line, "#") || !strings.Contains(line, text) {
				continue lines
			}
		}
		n++
	}
	return n
}

// TestACheckHasFewSeries: with every phase, every counter and a reason, of which no check has more.
func TestACheckHasFewSeries(t *testing.T) {
	const limit = 30
	store, e := newExporter(t, exporter.Options{}, state.Service{Name: "shop", Checks: []probe.Check{check("auth", true)}})
	key := check("auth", true).Key
	store.Fold(probe.Result{Key: key, Start: time.Now(), Outcome: probe.Warn, Status: 200})
	store.Fold(probe.Result{
		Key: key, Start: time.Now(), Outcome: probe.Fail, Reason: probe.ReasonStatus, Status: 500,
		Phases: [...]time.Duration{1, 1, 1, 1, 1}, Latencies: slices.Repeat([]time.Duration{time.Millisecond}, 20),
	})
	got := seriesWith(scrape(t, e), `check="auth"`, "target=")
	if got > limit {
		t.Errorf("%d series, at most %d", got, limit)
	}
	if got < 25 {
		t.Errorf("only %d series: this is not the most that a check has", got)
	}
}

// TestATargetCostsLittle: ten thousand of them, with a check each that has run, must fit into a daemon of 200 MiB, of which
// this is what is known of them and their latencies.
func TestATargetCostsLittle(t *testing.T) {
	const targets, limit = 2000, 4 << 10 // bytes each
	service := state.Service{Name: "shop"}
	for i := range targets {
		url := fmt.Sprint("http://10.0.0.1:", i)
		service.Targets = append(service.Targets, state.Target{URL: url})
		service.Checks = append(service.Checks, probe.Check{Key: probe.Key{Service: "shop", Target: url, Check: "health"}})
	}
	before := heap()
	store, e := newExporter(t, exporter.Options{}, service)
	for _, c := range service.Checks {
		store.Fold(probe.Result{Key: c.Key, Start: time.Now(), Latencies: []time.Duration{time.Millisecond}})
	}
	got := int64(heap()-before) / targets
	runtime.KeepAlive(store)
	runtime.KeepAlive(e)
	t.Logf("%d bytes a target", got)
	if got <= 0 || got > limit {
		t.Errorf("%d bytes a target, at most %d", got, limit)
	}
}

// heap is how much is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestWhatIsNoLongerConfiguredLeavesNoSeries(t *testing.T) {
	store, e := newExporter(t, exporter.Options{}, shop()...)
	aMorning(store, e)
	left := shop()
	left[0].Checks, left[0].Units = left[0].Checks[1:], left[0].Units[:1]
	store.Apply(left[:1])
	exposition := scrape(t, e)
	for _, gone := range []string{`check="health"`, `unit="typo.service"`, `service="worker"`, "postflight_health_status"} {
		if n := seriesWith(exposition, gone); n > 0 {
			t.Errorf("%d series with %s are left", n, gone)
		}
	}
	for _, kept := range []string{
		`postflight_probe_duration_seconds_count{check="auth",service="shop",target="https://10.0.0.1:8443"} 3`,
		`postflight_probes_skipped_total{reason="overlap",service="shop"} 1`,
		queries + "2",
		`postflight_unit_restarts_total{service="shop",unit="shop.service"} 1`,
	} {
		if seriesWith(exposition, kept) != 1 {
			t.Errorf("%s is not kept", kept)
		}
	}

	store.Apply(nil)
	store.Apply(shop())
	exposition = scrape(t, e)
	for _, anew := range []string{
		`postflight_probe_duration_seconds_count{check="auth",service="shop",target="https://10.0.0.1:8443"} 0`,
		`postflight_probes_skipped_total{reason="overlap",service="shop"} 0`,
		queries + "0",
	} {
		if seriesWith(exposition, anew) != 1 {
			t.Errorf("what comes back does not begin anew: no %s", anew)
		}
	}
}

// TestChecksOfOneTargetShareItsSeries: two checks that read the same metric must not break the scrape.
func TestChecksOfOneTargetShareItsSeries(t *testing.T) {
	store, e := newExporter(t, exporter.Options{}, state.Service{
		Name: "shop", Checks: []probe.Check{check("health", true), check("health-again", true)},
	})
	for i, status := range []string{"degraded", "healthy"} {
		store.Fold(probe.Result{
			Key: check([]string{"health", "health-again"}[i], true).Key, Start: time.Now(),
			Values:            []probe.Value{{Metric: "health_status", State: status}},
			Assertions:        []probe.Assertion{{Name: "twice", Held: true}, {Name: "twice"}},
			CertificateExpiry: time.Now(),
		})
	}
	if want := `postflight_health_status{service="shop",status="degraded",target="https://10.0.0.1:8443"} 1`; seriesWith(scrape(t, e), want) != 1 {
		t.Errorf("no %s", want)
	}
}

// TestTheHealthCheckIsKnownUnderAnyName: its state set is there from the start. One that only is called so has none.
func TestTheHealthCheckIsKnownUnderAnyName(t *testing.T) {
	renamed, own := check("health", true), check("health", true)
	renamed.Key.Check, own.Use = "alive", ""
	for _, row := range []struct {
		check probe.Check
		want  int
	}{{renamed, 4}, {own, 0}} {
		_, e := newExporter(t, exporter.Options{}, state.Service{Name: "shop", Checks: []probe.Check{row.check}})
		if got := seriesWith(scrape(t, e), "postflight_health_status"); got != row.want {
			t.Errorf("%s: %d series, want %d", row.check.Key.Check, got, row.want)
		}
	}
}

func TestAGaugeIsNotShownAsACounter(t *testing.T) {
	store, e := newExporter(t, exporter.Options{}, shop()...)
	store.Fold(probe.Result{Key: check("db-monitor", true).Key, Start: time.Now(), Values: []probe.Value{
		{Metric: "db_sessions_opened_total", Number: 120345}, // a counter whose process is not known
		{Metric: "db_sessions_active", Number: 1, Process: probe.Process{Latest: time.Now()}},
	}})
	if n := seriesWith(scrape(t, e), "postflight_db_"); n != 0 {
		t.Errorf("%d series", n)
	}
}

// TestNRestartsOnlyWhereSystemdHasIt: only services have it, and only a unit that is loaded is one.
func TestNRestartsOnlyWhereSystemdHasIt(t *testing.T) {
	for _, row := range []struct {
		unit, load string
		want       int
	}{
		{"shop.service", "loaded", 1},
		{"shop.service", "not-found", 0},
		{"shop.service", "masked", 0},
		{"shop.service", "bad-setting", 0},
		{"shop.socket", "loaded", 0},
		{"shop.timer", "loaded", 0},
	} {
		store, e := newExporter(t, exporter.Options{}, state.Service{Name: "shop", Units: []string{row.unit}})
		store.Fold(probe.Result{
			Key: probe.Key{Service: "shop", Unit: row.unit}, Start: time.Now(), Unit: &probe.Unit{LoadState: row.load, ActiveState: "active"},
		})
		if got := seriesWith(scrape(t, e), "postflight_unit_nrestarts"); got != row.want {
			t.Errorf("%s, %s: %d series, want %d", row.unit, row.load, got, row.want)
		}
		if seriesWith(scrape(t, e), "postflight_unit_restarts_total") != 1 {
			t.Errorf("%s, %s: our own count is not there", row.unit, row.load)
		}
	}
}

func TestAuthBypassedOutlivesAProbeThatCannotTell(t *testing.T) {
	store, e := newExporter(t, exporter.Options{}, shop()...)
	key := check("auth", true).Key
	store.Fold(probe.Result{Key: key, Start: time.Now(), Outcome: probe.Fail, Values: []probe.Value{{Metric: "auth_bypassed", Number: 1}}})
	store.Fold(probe.Result{Key: key, Start: time.Now(), Outcome: probe.Fail, Reason: probe.ReasonConnect})
	if seriesWith(scrape(t, e), `postflight_auth_bypassed{service="shop",target="https://10.0.0.1:8443"} 1`) != 1 {
		t.Error("it was cleared")
	}
}

func TestTextThatIsNotUTF8IsExported(t *testing.T) {
	odd := probe.Key{Service: "sh\xffop", Target: "http://\xff\"\n", Check: "\\\xff"}
	store, e := newExporter(t, exporter.Options{Version: "\xff"}, state.Service{
		Name: odd.Service, Checks: []probe.Check{{Key: odd}}, Units: []string{"\xff.service"},
	})
	store.Fold(probe.Result{Key: odd, Start: time.Now(), Latencies: []time.Duration{1}})
	e.CountSkip(odd, probe.SkipCapacity)
	want := "postflight_probe_success{check=\"\\\\\uFFFD\",service=\"sh\uFFFDop\",target=\"http://\uFFFD\\\"\\n\"} 1"
	if seriesWith(scrape(t, e), want) != 1 {
		t.Errorf("no %s", want)
	}
}

func TestNativeHistogramsOnlyWhenAsked(t *testing.T) {
	for _, asked := range []bool{false, true} {
		store, e := newExporter(t, exporter.Options{NativeHistograms: asked}, shop()...)
		aMorning(store, e)
		w := get(t, e, prometheus.NewRegistry(), string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
		decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
		seen := 0
		for family := new(dto.MetricFamily); decoder.Decode(family) == nil; family = new(dto.MetricFamily) {
			for _, m := range family.GetMetric() {
				h := m.GetHistogram()
				if h.GetSampleCount() == 0 {
					continue
				}
				seen++
				counted := strings.HasPrefix(family.GetName(), "postflight_verification_") // by the state, in buckets of its own
				if native := h.Schema != nil; native != (asked && !counted) || len(h.GetBucket()) < 3 {
					t.Errorf("%s: native is %t when asked is %t, and %d classic buckets", family.GetName(), native, asked, len(h.GetBucket()))
				}
			}
		}
		if seen != 9 {
			t.Errorf("%d histograms with observations, want those of 4 checks, 2 patterns, 2 of verifications and the scheduler's", seen)
		}
	}
}

func BenchmarkScrape(b *testing.B) {
	service := state.Service{Name: "large"}
	for i := range 4000 {
		key := probe.Key{Service: "large", Target: fmt.Sprint("http://10.0.0.1:", i/4), Check: fmt.Sprint("check-", i%4)}
		service.Checks = append(service.Checks, probe.Check{Key: key, Interval: 15 * time.Second})
	}
	store, e := newExporter(b, exporter.Options{}, service)
	for _, c := range service.Checks {
		store.Fold(probe.Result{
			Key: c.Key, Start: time.Now(), Duration: time.Millisecond, Status: 200,
			Phases:    [...]time.Duration{probe.Connect: 1, probe.Processing: 1, probe.Transfer: 1},
			Latencies: slices.Repeat([]time.Duration{time.Millisecond}, 20),
		})
	}
	b.ReportAllocs()
	b.ReportMetric(float64(seriesWith(scrape(b, e), "postflight")), "series")
	for b.Loop() {
		get(b, e, prometheus.NewRegistry(), "")
	}
}
