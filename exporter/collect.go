package exporter

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"postflight/internal/state"
	"postflight/probe"
)

// together is how many metrics of the table are collected at a time. With ten thousand checks one of them has up to
// 40,000 series: all at once would take as much memory as all else that is known.
const together = 4

// enoughForBaseline is how many requests it takes before their quantiles mean something.
const enoughForBaseline = 20

// scrape is one collection. It goes over one snapshot again and again, each time for the next few metrics.
type scrape struct {
	*Exporter
	snapshot *state.Snapshot
	targets  [][]target // by service
	labels   labelPairs
	first    metricID // of those whose turn it is
	families []family // theirs; those that the configuration makes have the last turn
}

func (e *Exporter) newScrape() *scrape {
	s := &scrape{Exporter: e, snapshot: e.look(), labels: labelPairs{}}
	for _, service := range s.snapshot.Services {
		s.targets = append(s.targets, targetsOf(service))
	}
	return s
}

// isTurnOf reports whether a metric is one of those that are collected now. The configuration's count as metricCount.
func (s *scrape) isTurnOf(id metricID) bool { return s.isTurnOfOne(id, id) }

// isTurnOfOne reports whether one of the metrics from one to another in the table is.
func (s *scrape) isTurnOfOne(from, to metricID) bool { return to >= s.first && from < s.first+together }

// collect gives the next few families. They hold until the next call.
func (s *scrape) collect(first metricID) []family {
	s.first, s.families = first, s.families[:0]
	for _, m := range table[first:min(first+together, metricCount)] {
		s.begin(m.name, m.help, m.kind)
	}
	s.put(buildInfo, 1, s.options.Version, s.options.Revision, s.options.GoVersion)
	s.putHistogram(schedulerLag, s.lag)
	s.reload()
	s.writes()
	for i, service := range s.snapshot.Services {
		s.skips(service.Name)
		s.service(service)
		s.deployments(service)
		s.checkInfos(service)
		for _, check := range service.Checks {
			s.check(check)
			s.ownMetrics(check)
		}
		if s.isTurnOfOne(certificateExpiry, queueWait) {
			for _, target := range s.targets[i] {
				s.target(service.Name, target)
			}
		}
		for _, unit := range service.Units {
			s.unit(unit)
			s.log(unit)
		}
	}
	return s.families
}

// begin adds a family, in the memory of one that has been written.
func (s *scrape) begin(name, help string, k kind) *family {
	n := len(s.families)
	s.families = slices.Grow(s.families, 1)[:n+1]
	f := &s.families[n]
	*f = family{name: name, help: help, kind: k, series: f.series[:0]}
	return f
}

// put tells of one series, if it is its metric's turn.
func (s *scrape) put(id metricID, value float64, labels ...string) {
	if s.isTurnOf(id) {
		s.families[id-s.first].add(series{labels: s.labels.of(id, labels), value: value})
	}
}

func (s *scrape) putHistogram(id metricID, h prometheus.Metric, labels ...string) {
	if s.isTurnOf(id) {
		s.families[id-s.first].add(series{labels: s.labels.of(id, labels), histogram: h})
	}
}

func (s *scrape) skips(service string) {
	for _, reason := range []probe.SkipReason{probe.SkipOverlap, probe.SkipCapacity} {
		s.put(probesSkipped, float64(s.skippedOf(service, reason)), service, string(reason))
	}
}

func (e *Exporter) skippedOf(service string, reason probe.SkipReason) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.skipped[service][reason]
}

func (s *scrape) checkInfos(service state.ServiceState) {
	told := map[string]bool{}
	for _, c := range service.Checks {
		if name := c.Check.Key.Check; !told[name] {
			told[name] = true
			s.put(checkInfo, 1, service.Name, name, strconv.FormatBool(c.Check.Critical))
		}
	}
}

// check tells of one check of one target.
func (s *scrape) check(c *state.CheckState) {
	key, last := c.Check.Key, c.Last
	put := func(id metricID, value float64, labels ...string) {
		if s.isTurnOf(id) {
			s.put(id, value, append(append(make([]string, 0, 4), key.Service, key.Target, key.Check), labels...)...)
		}
	}
	put(probeInterval, c.Check.Interval.Seconds())
	for _, outcome := range probe.Outcomes {
		put(probesTotal, float64(c.Outcomes[outcome]), outcome.String())
	}
	s.duration(key)
	if b := c.Baseline; b.Count >= enoughForBaseline {
		put(probeBaseline, b.P50.Seconds(), "0.5")
		put(probeBaseline, b.P95.Seconds(), "0.95")
		put(probeBaseline, b.P99.Seconds(), "0.99")
	}
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
func (s *scrape) duration(key probe.Key) {
	if !s.isTurnOf(probeDuration) {
		return
	}
	s.mu.Lock()
	h := s.durations[key]
	s.mu.Unlock()
	if h == nil {
		h = s.none
	}
	s.putHistogram(probeDuration, h, key.Service, key.Target, key.Check)
}

func is(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

func timestamp(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
