package main

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// families is a scrape, by name.
type families map[string]*dto.MetricFamily

// sum adds up the counters of a name.
func (f families) sum(name string) (sum float64) {
	for _, m := range f[name].GetMetric() {
		sum += m.GetCounter().GetValue()
	}
	return sum
}

// runs is how often each target was probed.
func (f families) runs() map[string]float64 {
	runs := map[string]float64{}
	for _, m := range f["postflight_probes_total"].GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "target" {
				runs[label.GetValue()] += m.GetCounter().GetValue()
			}
		}
	}
	return runs
}

// within is how many observations of a histogram lie within a bound, and how many there are.
func (f families) within(name string, bound float64) (within, all uint64, known bool) {
	for _, m := range f[name].GetMetric() {
		h := m.GetHistogram()
		all += h.GetSampleCount()
		for _, bucket := range h.GetBucket() {
			if bucket.GetUpperBound() == bound {
				within += bucket.GetCumulativeCount()
				known = true
			}
		}
	}
	return within, all, known
}

// series counts what the program itself exports, each bucket, sum and count by itself: all of it, and of that what bears
// a label.
func (f families) series(label string) (all, labelled int) {
	for name, family := range f {
		if !strings.HasPrefix(name, "postflight_") {
			continue
		}
		for _, m := range family.GetMetric() {
			count := 1
			if h := m.GetHistogram(); h != nil {
				count = 2 + len(h.GetBucket())
			}
			all += count
			if slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == label }) {
				labelled += count
			}
		}
	}
	return all, labelled
}
