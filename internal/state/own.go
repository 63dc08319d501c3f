package state

import (
	"slices"

	"postflight/probe"
)

// A check's own metrics are those that the configuration makes. A change of it may take some away and leave the check:
// what is known of those goes, and what is known of the others stays.

// ownMetric finds a metric among those of a check, -1 where it is none of them. After a change of the configuration the
// same metric is another *Metric, and a probe may tell of one that it began with.
func ownMetric(metrics []*probe.Metric, m *probe.Metric) int {
	return slices.IndexFunc(metrics, func(other *probe.Metric) bool {
		return other == m || other.Name == m.Name && other.Counter == m.Counter && other.Label == m.Label
	})
}

// knownOnly leaves out values of metrics that the check no longer has.
func (c *CheckState) knownOnly(values []probe.Value) []probe.Value {
	gone := func(v probe.Value) bool { return v.Own != nil && ownMetric(c.Check.Metrics, v.Own) < 0 }
	if !slices.ContainsFunc(values, gone) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), gone)
}

func (c *CheckState) countUnread(unread []*probe.Metric) {
	if len(unread) == 0 {
		return
	}
	c.ExtractionErrors = slices.Clone(c.ExtractionErrors)
	for _, m := range unread {
		if i := ownMetric(c.Check.Metrics, m); i >= 0 {
			c.ExtractionErrors[i]++
		}
	}
}

// adoptMetrics makes what is known, next among it, fit the metrics that the check has now.
func (e *checkEntry) adoptMetrics(next *CheckState, before []*probe.Metric) {
	errors := next.ExtractionErrors
	next.ExtractionErrors = nil
	for _, m := range next.Check.Metrics {
		n := uint64(0)
		if i := ownMetric(before, m); i >= 0 {
			n = errors[i]
		}
		next.ExtractionErrors = append(next.ExtractionErrors, n)
	}
	gone := map[string]bool{}
	for _, m := range before {
		if ownMetric(next.Check.Metrics, m) < 0 {
			gone[m.Name] = true
		}
	}
	if len(gone) == 0 {
		return
	}
	e.gauges.forget(gone)
	next.Values = slices.DeleteFunc(slices.Clone(next.Values), func(v Value) bool { return gone[v.Metric] })
	e.counters.forgetMetrics(gone)
	next.Counters = e.counters.totals
}
