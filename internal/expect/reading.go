package expect

import (
	"maps"
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

// read adds to values what an answer yields of the metric, and reports whether that is all of it. What it does not yield
// is left out: nothing stands in its place. process is the one that counted, of a counter.
func (r *Reading) read(l *look, process probe.Process, values []probe.Value) (all []probe.Value, whole bool) {
	if r.From != nil {
		read, err := l.value(r.From)
		number, is := r.number(read)
		if err != nil || !is {
			return values, false
		}
		return append(values, probe.Value{Metric: r.Metric.Name, Own: r.Metric, Number: number, Process: process}), true
	}
	read, err := l.value(r.Each)
	if err != nil {
		return values, false
	}
	elements, whole := r.elements(read)
	values = slices.Grow(values, len(elements))
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

// element is one of Each's, before it is known to be a number.
type element struct {
	label string
	value any
}

// elements are those of an object, sorted by key, or of a list, and whether they are all.
func (r *Reading) elements(v any) (elements []element, whole bool) {
	if object, is := v.(map[string]any); is && r.KeyField == "" {
		return fields(object), len(object) <= maxElements
	}
	items, is := asList(v)
	if !is {
		return nil, false
	}
	looked := items[:min(len(items), maxElements)]
	if r.KeyField != "" {
		elements, whole = r.keyed(looked)
	} else {
		elements, whole = indexed(looked), true
	}
	return elements, whole && len(looked) == len(items)
}

func fields(object map[string]any) []element {
	elements := make([]element, 0, min(len(object), maxElements))
	for _, key := range slices.Sorted(maps.Keys(object))[:cap(elements)] {
		elements = append(elements, element{key, object[key]})
	}
	return elements
}

func indexed(items []any) []element {
	elements := make([]element, len(items))
	for i, item := range items {
		elements[i] = element{strconv.Itoa(i), item}
	}
	return elements
}

// keyed are the objects of a list by their keys. Those that share a key are left out, all of them: which one to believe
// cannot be said.
func (r *Reading) keyed(items []any) (elements []element, whole bool) {
	times := make(map[string]int, len(items))
	for _, item := range items {
		object, _ := item.(map[string]any)
		key, isKey := plain(object[r.KeyField])
		if !isKey {
			continue
		}
		times[key]++
		if number, found := object[r.ValueField]; found {
			elements = append(elements, element{key, number})
		}
	}
	elements = slices.DeleteFunc(elements, func(e element) bool { return times[e.label] > 1 })
	return elements, len(elements) == len(items)
}
