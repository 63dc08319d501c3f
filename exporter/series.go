package exporter

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// series is what is told under one set of labels, for one scrape. Ten thousand checks have a quarter of a million of
// them, so it is small, and becomes what Prometheus' library writes only when its family's turn has come.
type series struct {
	labels    []*dto.LabelPair // sorted by name
	value     float64
	histogram prometheus.Metric // in place of a value
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
