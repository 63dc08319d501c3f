package exporter

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"postflight/internal/state"
	"postflight/probe"
)

// Describe is of prometheus.Collector.
func (e *Exporter) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range e.descs {
		descs <- desc
	}
}

// Collect is of prometheus.Collector.
func (e *Exporter) Collect(metrics chan<- prometheus.Metric) {
	s := scrape{Exporter: e, snapshot: e.store.Snapshot(time.Now()), metrics: metrics, labels: labelPairs{}, own: map[string]*prometheus.Desc{}}
	s.put(buildInfo, 1, e.options.Version, e.options.Revision, e.options.GoVersion)
	metrics <- e.lag
	s.reload()
	for _, service := range s.snapshot.Services {
		s.skips(service.Name)
		s.service(service)
		s.checkInfos(service)
		for _, check := range service.Checks {
			s.check(check)
			s.ownMetrics(check)
		}
		for _, target := range targetsOf(service) {
			s.target(service.Name, target)
		}
		for _, unit := range service.Units {
			s.unit(unit)
		}
	}
}

// scrape is one collection.
type scrape struct {
	*Exporter
	snapshot *state.Snapshot
	metrics  chan<- prometheus.Metric
	labels   labelPairs
	own      map[string]*prometheus.Desc // of the metrics that the configuration makes, by probe.Metric's name
}

// put tells of one series.
func (s scrape) put(id metricID, value float64, labels ...string) {
	s.metrics <- &series{desc: s.descs[id], labels: s.labels.of(id, labels), value: value, counts: table[id].kind == counter}
}

func (s scrape) skips(service string) {
	for _, reason := range []probe.SkipReason{probe.SkipOverlap, probe.SkipCapacity} {
		s.put(probesSkipped, float64(s.skippedOf(service, reason)), service, string(reason))
	}
}

func (e *Exporter) skippedOf(service string, reason probe.SkipReason) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.skipped[service][reason]
}

func (s scrape) checkInfos(service state.ServiceState) {
	told := map[string]bool{}
	for _, c := range service.Checks {
		if name := c.Check.Key.Check; !told[name] {
			told[name] = true
			s.put(checkInfo, 1, service.Name, name, strconv.FormatBool(c.Check.Critical))
		}
	}
}

// check tells of one check of one target.
func (s scrape) check(c *state.CheckState) {
	key, last := c.Check.Key, c.Last
	put := func(id metricID, value float64, labels ...string) {
		s.put(id, value, append(append(make([]string, 0, 4), key.Service, key.Target, key.Check), labels...)...)
	}
	put(probeInterval, c.Check.Interval.Seconds())
	for _, outcome := range probe.Outcomes {
		put(probesTotal, float64(c.Outcomes[outcome]), outcome.String())
	}
	s.duration(key)
	if !c.HasRun() {
		return
	}
	if last.Outcome != probe.Error {
		put(probeSuccess, is(last.Outcome.Up()))
	}
	put(probeWarning, is(last.Outcome == probe.Warn))
	put(probeError, is(last.Outcome == probe.Error))
	if !last.Outcome.Up() {
		put(probeFailureInfo, 1, string(last.Reason))
	}
	for i, duration := range last.Phases {
		if duration > 0 {
			put(probePhaseDuration, duration.Seconds(), probe.Phases[i].String())
		}
	}
	if last.Status != 0 {
		put(probeStatusCode, float64(last.Status))
	}
	put(probeLastRun, timestamp(last.End()))
	if !c.LastSuccess.IsZero() {
		put(probeLastSuccess, timestamp(c.LastSuccess))
	}
	for i, a := range last.Assertions {
		if first := slices.IndexFunc(last.Assertions, func(b probe.Assertion) bool { return a.Name == b.Name }); first == i {
			put(assertionSuccess, is(a.Held), a.Name)
		}
	}
}

// duration tells of a check's latencies, of none as long as nothing was observed.
func (s scrape) duration(key probe.Key) {
	s.mu.Lock()
	h := s.durations[key]
	s.mu.Unlock()
	if h != nil {
		s.metrics <- h
		return
	}
	none := make(map[float64]uint64, len(durationBuckets))
	for _, bound := range durationBuckets {
		none[bound] = 0
	}
	s.metrics <- prometheus.MustNewConstHistogram(s.descs[probeDuration], 0, 0, none, durationLabels(key)...)
}

func is(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

func timestamp(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
