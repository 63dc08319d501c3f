package exporter_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"postflight/exporter"
	"postflight/internal/state"
	"postflight/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const backend = "https://10.0.0.1:8443"

// check is a built-in check of the shop's.
func check(name string, critical bool) probe.Check {
	return probe.Check{
		Key:      probe.Key{Service: "shop", Target: backend, Check: name},
		Use:      name,
		Critical: critical,
		Interval: 15 * time.Second,
	}
}

// What the shop's own check reads.
var (
	ordersOpen    = &probe.Metric{Name: "value_orders_open", Help: "Orders not yet closed."}
	ordersByState = &probe.Metric{Name: "value_orders_by_state", Help: "Orders by state.", Label: "state"}
	ordersTotal   = &probe.Metric{Name: "value_orders_total", Help: "Orders, as far as seen.", Counter: true, Label: "kind"}
	ordersAge     = &probe.Metric{Name: "value_orders_age_seconds", Help: "Age of the oldest order."}
)

// frontEnd is a check of the user's own.
func frontEnd(service, target string) probe.Check {
	return probe.Check{
		Key:      probe.Key{Service: service, Target: target, Check: "front-end"},
		Interval: 15 * time.Second,
		Metrics:  []*probe.Metric{ordersOpen, ordersByState, ordersTotal, ordersAge},
	}
}

// What is looked for in the shop's logs.
var (
	missingModule = probe.Pattern{Name: "missing-module", Severity: probe.SeverityError}
	slowAuth      = probe.Pattern{
		Name: "slow-auth", Severity: probe.SeverityWarning, Metric: "log_value_auth_duration_seconds", Buckets: []float64{1, 1.5, 3},
	}
	slowQuery = probe.Pattern{
		Name: "slow-query", Severity: probe.SeverityInfo, Metric: "log_value_query_duration_seconds", Buckets: []float64{.1, 1, 10},
	}
)

// listed is a target that a list names, with labels some of which are taken.
var listed = state.Target{URL: "http://10.0.0.2", Labels: []state.Label{
	{Name: "exported_job", Value: "first"}, {Name: "instance", Value: "a:1"}, {Name: "job", Value: "second"},
	{Name: "service", Value: "theirs"}, {Name: "zone", Value: "eu \"west\"\n\xff"},
}}

func newExporter(t testing.TB, options exporter.Options, services ...state.Service) (*state.Store, *exporter.Exporter) {
	t.Helper()
	store := state.New()
	e := exporter.New(store, options)
	store.Apply(services)
	return store, e
}

// scrape is what a Prometheus that asks for text gets. No series may be told twice.
func scrape(t testing.TB, e *exporter.Exporter) string {
	t.Helper()
	text := get(t, e, prometheus.NewRegistry(), "").Body.String()
	told := map[string]bool{}
	for line := range strings.Lines(text) {
		series := line[:strings.LastIndex(line, " ")]
		if told[series] {
			t.Errorf("told twice: %s", series)
		}
		told[series] = true
	}
	return text
}

// get asks for the metrics, and those of others, in a format.
func get(t testing.TB, e *exporter.Exporter, others prometheus.Gatherer, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, "/metrics", nil), httptest.NewRecorder()
	r.Header.Set("Accept", accept)
	e.Handler(others).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("scraping: %d %s", w.Code, w.Body)
	}
	return w
}

// shop has one of everything: checks that pass, warn, fail, err and have not run; units that crash, are missing and out
// of reach; logs that are read, out of reach and not watched.
func shop() []state.Service {
	return []state.Service{
		{
			Name:    "shop",
			Targets: []state.Target{{URL: backend}},
			Checks: []probe.Check{
				check("health", true), check("auth", true), check("db-monitor", true), check("queue-status", true),
				frontEnd("shop", backend),
			},
			Units:       []string{"shop.service", "typo.service"},
			Patterns:    []probe.Pattern{missingModule, slowAuth, slowQuery},
			Credentials: []string{"admin", "reader"},
		},
		{
			Name:    "worker",
			Targets: []state.Target{listed},
			Checks:  []probe.Check{frontEnd("worker", listed.URL)},
			Units:   []string{"worker.service"},
			Lists:   true,
		},
	}
}

// aMorning is what happens to the shop.
func aMorning(store *state.Store, e *exporter.Exporter) {
	began := time.Now()
	at := func(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }
	probed := func(name string, r probe.Result) {
		r.Key, r.Duration = check(name, true).Key, 50*time.Millisecond
		store.Fold(r)
	}
	phases := [...]time.Duration{
		probe.Connect: time.Millisecond, probe.TLS: 3 * time.Millisecond,
		probe.Processing: 20 * time.Millisecond, probe.Transfer: 500 * time.Microsecond,
	}
	probed("health", probe.Result{
		Start: at(1), Outcome: probe.Pass, Status: 200, Phases: phases, Latencies: []time.Duration{24500 * time.Microsecond},
		Values: []probe.Value{{Metric: "health_status", State: "healthy"}},
	})
	probed("health", probe.Result{
		Start: at(16), Outcome: probe.Warn, Status: 200, Phases: phases, Latencies: []time.Duration{31250 * time.Microsecond},
		Wanted: "status healthy", Got: "status degraded", CertificateExpiry: at(86400),
		Values: []probe.Value{
			{Metric: "health_status", State: "degraded"},
			{Metric: "health_component_status", Label: "cache", State: "unhealthy"},
			{Metric: "health_component_status", Label: "odd \"name\"\n\\ \xff", State: "never heard of"},
			{Metric: "a_metric_of_no_table", Number: 1},
		},
		Assertions: []probe.Assertion{{Name: "fresh", Held: true}, {Name: "in-stock", Held: false}},
	})
	probed("auth", probe.Result{
		Start: at(2), Outcome: probe.Fail, Reason: probe.ReasonAuthBypassed, Status: 200, CertificateExpiry: at(40000),
		Latencies: []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 7 * time.Second},
		Values: []probe.Value{
			{Metric: "auth_rejection_status_code", Label: "malformed", Number: 401},
			{Metric: "auth_rejection_status_code", Label: "wrong_key", Number: 401},
			{Metric: "auth_rejection_status_code", Label: "alg_none", Number: 200},
			{Metric: "auth_bypassed", Number: 1},
		},
	})
	worker := probe.Process{Earliest: at(-3600), Latest: at(-3599.9)}
	for i, opened := range []float64{120345, 120365} {
		probed("db-monitor", probe.Result{
			Start: at(3 + 15*float64(i)), Outcome: probe.Pass, Status: 200, Latencies: []time.Duration{4 * time.Millisecond},
			Values: []probe.Value{
				{Metric: "db_sessions_active", Number: 4},
				{Metric: "db_sessions_max_concurrent", Number: 22},
				{Metric: "db_session_lifetime_average_seconds", Number: 0.0312},
				{Metric: "db_potential_leaks", Number: 0},
				{Metric: "db_sessions_opened_total", Number: opened, Process: worker},
				{Metric: "db_sessions_closed_total", Number: opened - 4, Process: worker},
				{Metric: "db_session_errors_total", Number: 7, Process: worker},
			},
		})
	}
	probed("queue-status", probe.Result{Start: at(4), Outcome: probe.Pass, Status: 200, Values: []probe.Value{
		{Metric: "queue_tasks", Label: "queued", Number: 12},
	}})
	probed("queue-status", probe.Result{Start: at(19), Outcome: probe.Error, Reason: probe.ReasonCredentials, Status: 401})
	aMorningOfOrders(store, at)
	aMorningOfLogs(store, at)
	aMorningOfDeployments(store, at)
	store.FoldReload(state.Reload{Time: at(0), Successful: true})
	store.FoldReload(state.Reload{Time: at(10), Problem: "line 3: no such key"})
	store.FoldDiscovery("worker", state.Discovery{Targets: 1, LastSuccess: at(12.5)})

	seen := func(name string, seconds float64, u probe.Unit) {
		store.Fold(probe.Result{Key: probe.Key{Service: "shop", Unit: name}, Start: at(seconds), Unit: &u})
	}
	memory, tasks := uint64(104857600), uint64(9)
	seen("shop.service", 5, probe.Unit{
		LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success", NRestarts: 7, InvocationID: "aa",
	})
	seen("shop.service", 6, probe.Unit{
		LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", Result: "oom-kill", NRestarts: 7, InvocationID: "aa",
		ExecMainCode: 2, ExecMainStatus: 9, ExecMainExit: at(5.5),
	})
	seen("shop.service", 7, probe.Unit{
		LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success", NRestarts: 8, InvocationID: "bb",
		ActiveEnter: at(6.25), MemoryBytes: &memory, Tasks: &tasks,
	})
	seen("typo.service", 5, probe.Unit{LoadState: "not-found", ActiveState: "inactive", SubState: "dead", Result: "success"})
	store.Fold(probe.Result{Key: probe.Key{Service: "worker", Unit: "worker.service"}, Start: at(5), Outcome: probe.Error})

	e.CountSkip(check("health", true).Key, probe.SkipOverlap)
	e.CountFailedWrite()
	e.ObserveLag(2 * time.Millisecond)
	e.ObserveLag(3 * time.Second)
}

// aMorningOfOrders is what the shop's own check meets: an answer that yields all, and one that does not.
func aMorningOfOrders(store *state.Store, at func(float64) time.Time) {
	key := frontEnd("shop", backend).Key
	store.Fold(probe.Result{
		Key: key, Start: at(8), Status: 200,
		Values: []probe.Value{
			{Metric: ordersOpen.Name, Own: ordersOpen, Number: 3},
			{Metric: ordersByState.Name, Own: ordersByState, Label: "late", Number: 1},
			{Metric: ordersTotal.Name, Own: ordersTotal, Label: "paid", Number: 700},
			{Metric: ordersAge.Name, Own: ordersAge, Number: 0.25},
		},
		Release: "1.4.2", Tokens: probe.TokensInconsistent,
		Logins: []probe.Login{{Credentials: "admin", Target: backend, Success: true}, {Credentials: "reader", Target: backend}},
	})
	store.Fold(probe.Result{
		Key: key, Start: at(23), Status: 200,
		Values: []probe.Value{
			{Metric: ordersOpen.Name, Own: ordersOpen, Number: 4},
			{Metric: ordersByState.Name, Own: ordersByState, Label: "packed", Number: 2},
			{Metric: ordersByState.Name, Own: ordersByState, Label: "sent\"\xff", Number: 5},
			{Metric: ordersTotal.Name, Own: ordersTotal, Label: "paid", Number: 703},
		},
		Unread: []*probe.Metric{ordersAge}, Latencies: mostlyQuick(20),
	})
}

// mostlyQuick is how long so many requests took, of which the last was slow.
func mostlyQuick(n int) []time.Duration {
	return append(slices.Repeat([]time.Duration{10 * time.Millisecond}, n-1), 400*time.Millisecond)
}

// TestExposition compares all that is exported, before and after, with what stands in testdata. Time begins with the
// year 2000 there, which is 946684800.
func TestExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		small := state.Service{
			Name: "shop", Checks: []probe.Check{check("health", true)},
			Units: []string{"shop.service"}, Patterns: []probe.Pattern{missingModule, slowAuth, slowQuery},
		}
		_, e := newExporter(t, exporter.Options{}, small)
		compare(t, "testdata/at_start.prom", scrape(t, e))

		store, e := newExporter(t, exporter.Options{Version: "1.2.3", Revision: "abc", GoVersion: "go1.26"}, shop()...)
		time.Sleep(20 * time.Second)
		aMorning(store, e)
		compare(t, "testdata/a_morning.prom", scrape(t, e))
	})
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestPromtoolHasNothingToSay(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is not installed: it comes with Debian's prometheus")
		}
		t.Skip("promtool is not installed: it comes with Debian's prometheus")
	}
	store, e := newExporter(t, exporter.Options{}, shop()...)
	aMorning(store, e)
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = get(t, e, exporter.NewRegistry(), "").Body
	if out, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
