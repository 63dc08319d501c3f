// Package exporter is everything that Prometheus sees: the table of all metrics, and the collector that fills it.
//
// What shows state is made anew at each scrape from one snapshot: it is consistent, and gone when its owner goes.
// Histograms and counts that are postflight's own are kept here, as long as their owner is configured.
package exporter

import (
	"cmp"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"postflight/internal/state"
	"postflight/probe"
)

// Options says how to export.
type Options struct {
	Version, Revision, GoVersion string // of this build; empty: unknown
	NativeHistograms             bool   // beside the classic buckets
}

// Native histograms of this resolution cost up to 4 KiB a series.
const (
	nativeFactor     = 1.5
	nativeMaxBuckets = 40
)

// Exporter collects all metrics of the table. Its methods are safe for use by several goroutines.
type Exporter struct {
	store   *state.Store
	options Options
	descs   [metricCount]*prometheus.Desc
	values  map[string]metricID // by the name of the probe.Value
	lag     prometheus.Histogram

	// latencies makes the histograms of checks; those in use are in durations, so that none is looked up by labels.
	latencies *prometheus.HistogramVec

	mu        sync.Mutex // guards all below; the Store may be locked by whoever takes it, but not the other way round
	durations map[probe.Key]prometheus.Histogram
	skipped   map[string]map[probe.SkipReason]uint64 // by service
}

// New makes an Exporter of what store knows and registers it. Let the store have folded nothing yet.
func New(store *state.Store, registry prometheus.Registerer, options Options) (*Exporter, error) {
	options.Version = cmp.Or(options.Version, "unknown")
	options.Revision = cmp.Or(options.Revision, "unknown")
	options.GoVersion = cmp.Or(options.GoVersion, "unknown")
	e := &Exporter{
		store:     store,
		options:   options,
		values:    map[string]metricID{},
		lag:       prometheus.NewHistogram(histogramOf(schedulerLag, lagBuckets, options)),
		latencies: prometheus.NewHistogramVec(histogramOf(probeDuration, durationBuckets, options), table[probeDuration].labels),
		durations: map[probe.Key]prometheus.Histogram{},
		skipped:   map[string]map[probe.SkipReason]uint64{},
	}
	for id, m := range table {
		e.descs[id] = prometheus.NewDesc(m.name, m.help, m.labels, nil)
		if m.value {
			e.values[m.name[len(prefix):]] = metricID(id)
		}
	}
	if err := registry.Register(e); err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	store.Subscribe(e.observe)
	store.SubscribeGone(e.forget)
	return e, nil
}

func histogramOf(id metricID, buckets []float64, options Options) prometheus.HistogramOpts {
	opts := prometheus.HistogramOpts{Name: table[id].name, Help: table[id].help, Buckets: buckets}
	if options.NativeHistograms {
		opts.NativeHistogramBucketFactor = nativeFactor
		opts.NativeHistogramMaxBucketNumber = nativeMaxBuckets
	}
	return opts
}

// ObserveLag notes by how much a probe started later than it was due.
func (e *Exporter) ObserveLag(lag time.Duration) { e.lag.Observe(lag.Seconds()) }

// CountSkip notes that a probe was due and did not run.
func (e *Exporter) CountSkip(key probe.Key, reason probe.SkipReason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	byReason := e.skipped[key.Service]
	if byReason == nil {
		byReason = map[probe.SkipReason]uint64{}
		e.skipped[key.Service] = byReason
	}
	byReason[reason]++
}

// observe runs under the Store's lock.
func (e *Exporter) observe(event state.Event) {
	if len(event.Result.Latencies) == 0 {
		return
	}
	h := e.durationOf(event.Result.Key)
	for _, latency := range event.Result.Latencies {
		h.Observe(latency.Seconds())
	}
}

func (e *Exporter) durationOf(key probe.Key) prometheus.Histogram {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.durations[key]
	if h == nil {
		h = e.latencies.WithLabelValues(durationLabels(key)...).(prometheus.Histogram)
		e.durations[key] = h
	}
	return h
}

// forget runs under the Store's lock, so nothing is observed for key between this and the next time that it is
// configured.
func (e *Exporter) forget(key probe.Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if key == (probe.Key{Service: key.Service}) {
		delete(e.skipped, key.Service)
		return
	}
	if _, ok := e.durations[key]; ok {
		delete(e.durations, key)
		e.latencies.DeleteLabelValues(durationLabels(key)...)
	}
}

func durationLabels(key probe.Key) []string {
	return []string{validText(key.Service), validText(key.Target), validText(key.Check)}
}

// NewRegistry makes a registry that has Go's own metrics and those of the process.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}

// Handler serves what gatherer has, in the format that the client asks for, compressed where it takes that. Should
// anything be wrong with a series the others are served still: blind in one eye is better than in both.
func Handler(gatherer prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
	})
}
