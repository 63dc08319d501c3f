package expect

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"postflight/probe"
)

// Reading is a metric that is read from an answer: From, one number, or Each, several.
type Reading struct {
	Metric *probe.Metric
	From   *Expression
	Each   *Expression // an object, whose keys are the label values, or a list, whose indexes are

	// KeyField and ValueField are set where Each is a list of objects: the fields that hold the label value and the number.
	KeyField, ValueField string

	States map[string]float64 // what a text counts; nil: a text is no number
}

// maxElements is how many elements of one Each are looked at.
const maxElements = 1000

// read gives what an answer yields of the metric, and whether that is all of it. What it does not yield is left out:
// nothing stands in its place. process is the one that counted, of a counter.
func (r *Reading) read(l *look, process probe.Process) (values []probe.Value, whole bool) {
	if r.From != nil {
		read, err := l.value(r.From)
		number, is := r.number(read)
		if err != nil || !is {
			return nil, false
		}
		return []probe.Value{{Metric: r.Metric.Name, Own: r.Metric, Number: number, Process: process}}, true
	}
	read, err := l.value(r.Each)
	if err != nil {
		return nil, false
	}
	elements, whole := r.elements(read)
	values = make([]probe.Value, 0, len(elements))
	for _, e := range elements {
		number, is := r.number(e.value)
		if !is {
			whole = false
			continue
		}
		values = append(values, probe.Value{Metric: r.Metric.Name, Own: r.Metric, Label: e.label, Number: number, Process: process})
	}
	return values, whole
}

// number is what a value counts. A counter counts upwards from 0.
func (r *Reading) number(v any) (number float64, is bool) {
	switch v := v.(type) {
	case bool:
		if v {
			number = 1
		}
		is = true
	case string:
		number, is = r.States[v]
	default:
		number, is = asFloat(v)
	}
	return number, is && isFinite(number) && (!r.Metric.Counter || number >= 0)
}

func isFinite(number float64) bool { return !math.IsNaN(number) && !math.IsInf(number, 0) }

// element is one of Each's, before it is known to be a number.
type element struct {
	label string
	value any
}

// elements are those of an object, sorted by key, or of a list, and whether they are all.
func (r *Reading) elements(v any) (elements []element, whole bool) {
	if object, is := v.(map[string]any); is {
		if r.KeyField != "" {
			return nil, false
		}
		keys := slices.Sorted(maps.Keys(object))
		for _, key := range keys[:min(len(keys), maxElements)] {
			elements = append(elements, element{key, object[key]})
		}
		return elements, len(keys) <= maxElements
	}
	items, is := asList(v)
	if !is {
		return nil, false
	}
	whole = len(items) <= maxElements
	items = items[:min(len(items), maxElements)]
	if r.KeyField != "" {
		elements, all := r.keyed(items)
		return elements, all && whole
	}
	for i, item := range items {
		elements = append(elements, element{strconv.Itoa(i), item})
	}
	return elements, whole
}

// keyed are the objects of a list by their keys. Those that share a key are left out, all of them: which one to believe
// cannot be said.
func (r *Reading) keyed(items []any) (elements []element, whole bool) {
	times := make(map[string]int, len(items))
	for _, item := range items {
		object, _ := item.(map[string]any)
		key, isKey := plain(object[r.KeyField])
		number, found := object[r.ValueField]
		if isKey && found {
			elements = append(elements, element{key, number})
			times[key]++
		}
	}
	elements = slices.DeleteFunc(elements, func(e element) bool { return times[e.label] > 1 })
	return elements, len(elements) == len(items)
}

// plain is a text as it is, or a number as it was printed. A number of which digits have been lost is none: two of them
// may have become one.
func plain(v any) (string, bool) {
	if text, is := v.(string); is {
		return text, true
	}
	number, is := asFloat(v)
	if !is || !(math.Abs(number) < exact) {
		return "", false
	}
	return strconv.FormatFloat(number, 'f', -1, 64), true
}

// exact is the first whole number that a float64 may hold in place of its neighbour.
const exact = 1 << 53
