package state

import (
	"slices"
	"strings"
	"unicode/utf8"

	"postflight/probe"
)

// Value is a gauge, or a state that holds, as the last probe of a check read it.
type Value struct {
	Metric string  // without prefix, as in probe.Value
	Label  string  // value of the metric's own label, if it has one
	State  string  // one of HealthStates for a state set, else empty
	Number float64 // of a gauge
}

// HealthStates are the states that a backend's health can have. What a backend calls otherwise is unknown.
var HealthStates = [...]string{"healthy", "degraded", "unhealthy", "unknown"}

// authBypassed is the one gauge that outlives the probe that read it: a probe that could not decide does not clear a
// backend that lets everybody in.
const authBypassed = "auth_bypassed"

// Text from a backend becomes a label value, so its length and its variety are bounded: a backend that makes up names
// must not fill Prometheus.
const (
	maxLabels     = 64  // distinct values of one metric's label
	maxLabelBytes = 128 // of one of them
	otherLabel    = "other"
)

// foldGauges returns what the last probe read, those values in one that share a label: numbers as their sum, states as
// the worst.
func foldGauges(labels *labelSet, before []Value, read []probe.Value) []Value {
	var values []Value
	bypassed := false
	for _, v := range read {
		if isCounter(v) {
			continue
		}
		bypassed = bypassed || v.Metric == authBypassed
		slot := labels.slot(v.Metric, v.Label)
		state := healthState(v.State)
		if at := slot.at; at < len(values) && values[at].Metric == v.Metric && values[at].Label == slot.label {
			values[at].Number += v.Number
			values[at].State = worseState(values[at].State, state)
			continue
		}
		slot.at = len(values)
		values = append(values, Value{Metric: v.Metric, Label: slot.label, State: state, Number: v.Number})
	}
	if !bypassed {
		if i := slices.IndexFunc(before, func(v Value) bool { return v.Metric == authBypassed }); i >= 0 {
			values = append(values, before[i])
		}
	}
	return values
}

func healthState(state string) string {
	if state == "" || slices.Contains(HealthStates[:], state) {
		return state
	}
	return "unknown"
}

func worseState(a, b string) string {
	rank := func(state string) int {
		return slices.Index([]string{"healthy", "unknown", "degraded", "unhealthy"}, state)
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// labelSet knows the label values of a check's metrics, first come first served for as long as the check is
// configured. There are few metrics and at most maxLabels values each, so looking through them beats hashing.
type labelSet []metricLabels

type metricLabels struct {
	metric string
	slots  []labelSlot
	other  labelSlot
}

// labelSlot is one label value, and where the value that bears it stands in the list that is being made.
type labelSlot struct {
	label string
	at    int
}

// slot returns the slot of a label value as it came. It holds until the next call.
func (l *labelSet) slot(metric, raw string) *labelSlot {
	i := slices.IndexFunc(*l, func(m metricLabels) bool { return m.metric == metric })
	if i < 0 {
		i = len(*l)
		*l = append(*l, metricLabels{metric: metric, other: labelSlot{label: otherLabel}})
	}
	m := &(*l)[i]
	label := cleanLabel(raw)
	if label == otherLabel {
		return &m.other
	}
	for i := range m.slots {
		if m.slots[i].label == label {
			return &m.slots[i]
		}
	}
	if len(m.slots) == maxLabels {
		return &m.other
	}
	m.slots = append(m.slots, labelSlot{label: label})
	return &m.slots[len(m.slots)-1]
}

// forget takes the labels of these metrics away.
func (l *labelSet) forget(gone map[string]bool) {
	*l = slices.DeleteFunc(*l, func(m metricLabels) bool { return gone[m.metric] })
}

// cleanLabel makes a label value of any text: valid UTF-8, and cut between two characters.
func cleanLabel(text string) string {
	if len(text) <= maxLabelBytes && utf8.ValidString(text) {
		return text
	}
	if len(text) > maxLabelBytes+utf8.UTFMax {
		text = text[:maxLabelBytes+utf8.UTFMax] // no more than this is ever kept; the rest need not be looked at
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	cut := min(len(text), maxLabelBytes)
	for cut < len(text) && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.Clone(text[:cut])
}
