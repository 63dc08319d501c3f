package exporter

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"postflight/internal/state"
	"postflight/probe"
)

// ownMetrics tells of the metrics that the configuration makes of a check's answers.
func (s scrape) ownMetrics(c *state.CheckState) {
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
func (s scrape) putOwn(key probe.Key, m *probe.Metric, name, value string, number float64) {
	if name != m.Name {
		return
	}
	labels := append(make([]label, 0, 4), label{"check", key.Check}, label{"service", key.Service}, label{"target", key.Target})
	if m.Label != "" {
		labels = append(labels, label{m.Label, value})
	}
	s.metrics <- &series{desc: s.ownDesc(m), labels: s.labels.sorted(labels), value: number, counts: m.Counter}
}

// ownDesc makes the descriptor of a metric once a scrape. Of checks that share a metric the first has its help told: the
// registry takes one only.
func (s scrape) ownDesc(m *probe.Metric) *prometheus.Desc {
	desc := s.own[m.Name]
	if desc == nil {
		desc = prometheus.NewDesc(prefix+m.Name, m.Help, nil, nil)
		s.own[m.Name] = desc
	}
	return desc
}
