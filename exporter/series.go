package exporter

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// series is one number under its labels, for one scrape. It does what prometheus.NewConstMetric does, but for the
// labels: those of a check are the same in all of its series, and making them anew for each was a quarter of a scrape.
type series struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name
	value  float64
	counts bool // a counter's; otherwise a gauge's
}

// Desc is of prometheus.Metric.
func (s *series) Desc() *prometheus.Desc { return s.desc }

// Write is of prometheus.Metric.
func (s *series) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.counts {
		out.Counter = &dto.Counter{Value: &s.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

// label is a name and a value as it came.
type label struct{ name, value string }

// labelPairs are the labels of one scrape, each made once.
type labelPairs map[label]*dto.LabelPair

// of gives the labels of one series, from the values in the table's order.
func (p labelPairs) of(id metricID, values []string) []*dto.LabelPair {
	pairs := make([]*dto.LabelPair, len(values))
	for i, at := range inNameOrder[id] {
		pairs[i] = p.pair(label{table[id].labels[at], values[at]})
	}
	return pairs
}

// sorted gives the labels of a series of which not all names are in the table.
func (p labelPairs) sorted(labels []label) []*dto.LabelPair {
	slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	pairs := make([]*dto.LabelPair, len(labels))
	for i, l := range labels {
		pairs[i] = p.pair(l)
	}
	return pairs
}

func (p labelPairs) pair(l label) *dto.LabelPair {
	pair := p[l]
	if pair == nil {
		pair = newPair(l)
		p[l] = pair
	}
	return pair
}

// newPair is by itself so that l is on the heap only here, and not for each series that has it.
func newPair(l label) *dto.LabelPair {
	value := validText(l.value)
	return &dto.LabelPair{Name: &l.name, Value: &value}
}

// inNameOrder tells for each metric in which order its labels are to be written: by name.
var inNameOrder = func() (orders [metricCount][]int) {
	for id, m := range table {
		for i := range m.labels {
			orders[id] = append(orders[id], i)
		}
		slices.SortFunc(orders[id], func(a, b int) int { return strings.Compare(m.labels[a], m.labels[b]) })
	}
	return orders
}()

// validText makes a label value of a text that need not be UTF-8.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, string(utf8.RuneError))
}
