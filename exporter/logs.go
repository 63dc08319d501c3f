package exporter

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"postflight/internal/state"
	"postflight/probe"
)

// log tells of a unit's log, where it is watched.
func (s *scrape) log(u *state.UnitState) {
	if u.Log == nil || !s.isTurnOfOne(logObservable, logAuthDuration) && !s.isTurnOf(metricCount) {
		return
	}
	put := func(id metricID, value float64, labels ...string) {
		s.put(id, value, append([]string{u.Key.Service, u.Key.Unit}, labels...)...)
	}
	put(logObservable, is(u.Log.Observable))
	put(logLines, float64(u.Log.Lines))
	put(logDropped, float64(u.Log.Dropped))
	for _, m := range u.Log.Matches {
		put(logMatches, float64(m.Count), m.Pattern.Name, string(m.Pattern.Severity))
	}
	for _, m := range u.Log.Modules {
		put(logMissingModules, float64(m.Count), m.Module)
	}
	for _, p := range measuring(u.Log) {
		s.logValue(u.Key, p)
	}
}

// measuring are the patterns that measure something: of those that measure the same, the first.
func measuring(log *state.LogState) []probe.Pattern {
	if log == nil {
		return nil
	}
	var patterns []probe.Pattern
	for _, m := range log.Matches {
		same := func(p probe.Pattern) bool { return p.Metric == m.Pattern.Metric }
		if m.Pattern.Metric != "" && !slices.ContainsFunc(patterns, same) {
			patterns = append(patterns, m.Pattern)
		}
	}
	return patterns
}

// logValue tells of what a pattern measures in a unit's log.
func (s *scrape) logValue(unit probe.Key, p probe.Pattern) {
	name := prefix + p.Metric
	if name == table[logAuthDuration].name {
		s.putHistogram(logAuthDuration, s.logHistogramOf(unit, p), unit.Service, unit.Unit)
		return
	}
	if s.isTurnOf(metricCount) {
		labels := []label{{"service", unit.Service}, {"unit", unit.Unit}}
		s.ownFamily(name, logFamily.help, histogram).add(series{labels: s.labels.sorted(labels), histogram: s.logHistogramOf(unit, p)})
	}
}

// logValue names what is measured in the log of a unit.
type logValue struct {
	unit   probe.Key
	metric string
}

// logHistogram is guarded by the Exporter's lock, but for the Histogram, which is safe by itself.
type logHistogram struct {
	prometheus.Histogram
	buckets []float64
	scrape  uint64 // the last that had it, or that had begun when it was made
}

// observeLog runs under the Store's lock.
func (e *Exporter) observeLog(log *state.LogState, r probe.Result) {
	for _, m := range r.Log.Matches {
		if !m.Measured {
			continue
		}
		named := func(c state.PatternCount) bool { return c.Pattern.Name == m.Pattern }
		if i := slices.IndexFunc(log.Matches, named); i >= 0 && log.Matches[i].Pattern.Metric != "" {
			e.logHistogramOf(r.Key, log.Matches[i].Pattern).Observe(m.Value)
		}
	}
}

func (e *Exporter) logHistogramOf(unit probe.Key, p probe.Pattern) prometheus.Histogram {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heldLogHistogram(unit, p).Histogram
}

// heldLogHistogram finds the histogram of what a pattern measures, or begins it: also where the buckets are others now.
func (e *Exporter) heldLogHistogram(unit probe.Key, p probe.Pattern) *logHistogram {
	key := logValue{unit, p.Metric}
	h := e.logValues[key]
	if h == nil || !slices.Equal(h.buckets, p.Buckets) {
		h = &logHistogram{Histogram: newHistogram(p.Buckets, e.options), buckets: p.Buckets, scrape: e.scrapes}
		e.logValues[key] = h
	}
	return h
}

// look takes the snapshot of a scrape.
func (e *Exporter) look() *state.Snapshot {
	scrape := e.nextScrape()
	snapshot := e.store.Snapshot(time.Now())
	e.endLogValues(snapshot, scrape)
	return snapshot
}

func (e *Exporter) nextScrape() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scrapes++
	return e.scrapes
}

// endLogValues ends histograms of which no pattern is left: the Store tells only of units that are gone. One that was begun
// since the scrape was stays, for it may be of a configuration newer than the snapshot.
func (e *Exporter) endLogValues(snapshot *state.Snapshot, scrape uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, service := range snapshot.Services {
		for _, unit := range service.Units {
			for _, p := range measuring(unit.Log) {
				h := e.heldLogHistogram(unit.Key, p)
				h.scrape = max(h.scrape, scrape)
			}
		}
	}
	maps.DeleteFunc(e.logValues, func(_ logValue, h *logHistogram) bool { return h.scrape < scrape })
}
