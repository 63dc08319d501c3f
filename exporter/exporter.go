// Package exporter is everything that Prometheus sees: the table of all metrics, and who fills it and writes it out.
//
// What shows state is made anew at each scrape from one snapshot: it is consistent, and gone when its owner goes.
// Histograms and counts that are postflight's own are kept here, as long as their owner is configured.
package exporter

import (
	"cmp"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

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

// Exporter tells all metrics of the table. Its methods are safe for use by several goroutines.
type Exporter struct {
	store   *state.Store
	options Options
	values  map[string]metricID // by the name of the probe.Value
	lag     prometheus.Histogram
	none    prometheus.Histogram // of a check of which no latency was observed

	mu           sync.Mutex // guards all below; the Store may be locked by whoever takes it, but not the other way round
	durations    map[probe.Key]prometheus.Histogram
	logValues    map[logValue]*logHistogram
	scrapes      uint64                                 // that have begun
	skipped      map[string]map[probe.SkipReason]uint64 // by service
	failedWrites uint64
}

// New makes an Exporter of what store knows. Let the store have folded nothing yet.
func New(store *state.Store, options Options) *Exporter {
	options.Version = cmp.Or(options.Version, "unknown")
	options.Revision = cmp.Or(options.Revision, "unknown")
	options.GoVersion = cmp.Or(options.GoVersion, "unknown")
	e := &Exporter{
		store:     store,
		options:   options,
		values:    map[string]metricID{},
		lag:       newHistogram(lagBuckets, options),
		none:      newHistogram(durationBuckets, options),
		durations: map[probe.Key]prometheus.Histogram{},
		logValues: map[logValue]*logHistogram{},
		skipped:   map[string]map[probe.SkipReason]uint64{},
	}
	for id, m := range table {
		if m.value {
			e.values[m.name[len(prefix):]] = metricID(id)
		}
	}
	store.Subscribe(e.observe)
	store.SubscribeGone(e.forget)
	return e
}

// newHistogram makes one that knows neither its name nor its labels: those are told with it.
func newHistogram(buckets []float64, options Options) prometheus.Histogram {
	opts := prometheus.HistogramOpts{Name: "of_several", Buckets: buckets}
	if options.NativeHistograms {
		opts.NativeHistogramBucketFactor = nativeFactor
		opts.NativeHistogramMaxBucketNumber = nativeMaxBuckets
	}
	return prometheus.NewHistogram(opts)
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

// CountFailedWrite notes that the state file could not be written, or at start not be read.
func (e *Exporter) CountFailedWrite() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failedWrites++
}

// observe runs under the Store's lock.
func (e *Exporter) observe(event state.Event) {
	if event.Result.Log != nil {
		e.observeLog(event.Unit.Log, event.Result)
	}
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
		h = newHistogram(durationBuckets, e.options)
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
	delete(e.durations, key)
	maps.DeleteFunc(e.logValues, func(v logValue, _ *logHistogram) bool { return v.unit == key })
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
