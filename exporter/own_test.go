package exporter_test

import (
	"testing"
	"time"

	"postflight/exporter"
	"postflight/probe"
)

// TestAMetricOfYourOwnGoesWithTheConfiguration, and the others of its check stay.
func TestAMetricOfYourOwnGoesWithTheConfiguration(t *testing.T) {
	services := shop()
	store, e := newExporter(t, exporter.Options{}, services...)
	aMorning(store, e)
	services[0].Checks[4].Metrics = []*probe.Metric{ordersOpen}
	services[1].Checks, services[1].Targets, services[1].Lists = nil, nil, false
	store.Apply(services)
	exposition := scrape(t, e)
	for _, gone := range []string{"orders_by_state", "orders_total", "orders_age", listed.URL, "zone=", "postflight_discovery"} {
		if n := seriesWith(exposition, gone); n > 0 {
			t.Errorf("%d series with %s are left", n, gone)
		}
	}
	for _, kept := range []string{"postflight_value_orders_open{", `metric="orders_open"`} {
		if n := seriesWith(exposition, kept); n != 1 {
			t.Errorf("%d series with %s, want one", n, kept)
		}
	}
}

// TestServicesShareAMetric: with the help that comes first, since Prometheus takes only one.
func TestServicesShareAMetric(t *testing.T) {
	services := shop()
	other := *ordersOpen
	other.Help = "The same in other words."
	services[1].Checks[0].Metrics = []*probe.Metric{&other}
	store, e := newExporter(t, exporter.Options{}, services...)
	for _, key := range []probe.Key{services[0].Checks[4].Key, services[1].Checks[0].Key} {
		store.Fold(probe.Result{Key: key, Start: time.Now(), Values: []probe.Value{{Metric: other.Name, Own: &other, Number: 1}}})
	}
	if n := seriesWith(scrape(t, e), "postflight_value_orders_open{"); n != 2 {
		t.Errorf("%d series, want 2", n)
	}
}
