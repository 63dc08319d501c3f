package exporter

import (
	"strings"

	"postflight/internal/state"
	"postflight/probe"
)

// ownMetrics tells of the metrics that the configuration makes of a check's answers.
func (s *scrape) ownMetrics(c *state.CheckState) {
	if !s.isTurnOf(extractionErrors) && !s.isTurnOf(metricCount) {
		return
	}
	key := c.Check.Key
	for i, m := range c.Check.Metrics {
		s.put(extractionErrors, float64(c.ExtractionErrors[i]), key.Service, key.Target, key.Check, strings.TrimPrefix(m.Name, ownPrefix))
		if m.Counter {
			for _, v := range c.Counters {
				s.putOwn(key, m, v.Metric, v.Label, v.Total)
			}
			continue
		}
		for _, v := range c.Values {
			s.putOwn(key, m, v.Metric, v.Label, v.Number)
		}
	}
}

// putOwn tells of one series of m, if it is of m.
func (s *scrape) putOwn(key probe.Key, m *probe.Metric, name, value string, number float64) {
	if name != m.Name || !s.isTurnOf(metricCount) {
		return
	}
	labels := append(make([]label, 0, 4), label{"check", key.Check}, label{"service", key.Service}, label{"target", key.Target})
	if m.Label != "" {
		labels = append(labels, label{m.Label, value})
	}
	k := gauge
	if m.Counter {
		k = counter
	}
	s.ownFamily(prefix+m.Name, m.Help, k).add(series{labels: s.labels.sorted(labels), value: number})
}

// ownFamily finds the family of a metric that the configuration makes, or begins it. Of checks that share a metric the
// first has its help told: Prometheus takes one only.
func (s *scrape) ownFamily(name, help string, k kind) *family {
	for i := int(metricCount - s.first); i < len(s.families); i++ {
		if f := &s.families[i]; f.name == name {
			return f
		}
	}
	return s.begin(name, help, k)
}
