package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"postflight/internal/expect"
	"postflight/probe"
)

const (
	gauge, counter, histogram = "gauge", "counter", "histogram"

	valuePrefix = "value_" // of the names of metrics that checks read
)

var (
	labelKind = kind{name: "label's name", tag: textTag, read: readLabel, schema: map[string]any{"pattern": metricName.String()}}
	helpKind  = kind{name: "text", tag: textTag, read: readHelp}
)

// metricName is Prometheus' rule, of which colons are left to those who write recording rules.
var metricName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,99}$`)

// metricAfter is the kind of a metric's name that a prefix is put before.
func metricAfter(prefix string) kind {
	return kind{name: "metric's name", tag: textTag, schema: map[string]any{"pattern": metricName.String()}, read: func(text string) (any, error) {
		if !metricName.MatchString(text) {
			return nil, fmt.Errorf("%s is not the name of a metric; write letters, digits and _, no digit first, 100 at most", quote(text))
		}
		if own, prefixed := strings.CutPrefix(text, "postflight_"); prefixed {
			return nil, fmt.Errorf("postflight_%s is put before the name; write %s", prefix, quote(strings.TrimPrefix(own, prefix)))
		}
		return text, nil
	}}
}

// ownLabels are those that the metrics have already, or that Prometheus gives them.
var ownLabels = []string{"service", "target", "check", "instance", "job"}

func readLabel(text string) (any, error) {
	switch {
	case !metricName.MatchString(text):
		return nil, fmt.Errorf("%s is not the name of a label; write letters, digits and _, no digit first, 100 at most", quote(text))
	case strings.HasPrefix(text, "__"):
		return nil, fmt.Errorf("%s begins with __, which Prometheus keeps for itself; choose another name", quote(text))
	case slices.Contains(ownLabels, text):
		return nil, fmt.Errorf("%s is a label that the metric has already; choose another name", quote(text))
	}
	return text, nil
}

func readHelp(text string) (any, error) {
	if strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > 300 || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, errors.New("the help is no sentence; write one, on one line and 300 characters at most")
	}
	return text, nil
}

func checkState(text string) error {
	if text == "" || len(text) > 128 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s is not a state; write the text as it stands in the answer, 128 bytes at most", quote(text))
	}
	return nil
}

// readings gives what a check reads from its answers.
func (b *builder) readings(v *value) []expect.Reading {
	var readings []expect.Reading
	inCheck := map[string]*value{}
	for _, item := range v.list("values") {
		if item.wrong {
			continue
		}
		reading := b.reading(item)
		b.unique(inCheck, get(item, "metric", ""), item.field("metric"), "this check reads the metric already", "choose another name, or leave one out")
		readings = append(readings, reading)
	}
	return readings
}

func (b *builder) reading(v *value) expect.Reading {
	reading := expect.Reading{
		Metric:     b.metric(v),
		From:       get[*expect.Expression](v, "from", nil),
		Each:       get[*expect.Expression](v, "each", nil),
		KeyField:   get(v, "key_field", ""),
		ValueField: get(v, "value_field", ""),
		States:     b.states(v.field("states"), reads(v)),
	}
	switch b.either(v, "it is not said where the value is", "from", "each") {
	case "from":
		b.refuse(v, "from gives one number, which nothing tells apart", "label", "key_field", "value_field")
	case "each":
		if v.field("label") == nil {
			b.say(v.place, "nothing tells the numbers of each apart; write label: and its name")
		}
		key, number := v.field("key_field"), v.field("value_field")
		if (key == nil) != (number == nil) {
			b.say(first(key, number).place, "key_field and value_field go together; write both, or leave both out")
		}
	}
	return reading
}

// reads tells of which type the value is.
func reads(v *value) string {
	return get(v, "type", fallback[string]("services[].checks[].values[].type"))
}

func (b *builder) states(v *value, reads string) map[string]float64 {
	switch {
	case v == nil || v.wrong:
		return nil
	case reads == counter:
		b.say(v.place, "a counter counts, and has no states; leave them out, or write type: gauge")
	case len(v.fields) == 0:
		b.say(v.place, "there are no states; write one or more, such as {healthy: 0, degraded: 1}, or leave the key out")
	}
	states := map[string]float64{}
	for _, name := range v.names {
		states[name] = get(v, name, 0.0)
	}
	return states
}

// runtime gives what tells processes apart.
func (b *builder) runtime(v *value) *expect.Expression {
	counts := slices.ContainsFunc(v.list("values"), func(item *value) bool { return reads(item) == counter })
	if at := v.field("runtime"); at != nil && !counts {
		b.say(at.place, "it tells apart which process counted, and the check reads no counter; leave it out, or write type: counter where a value is one")
	}
	return get[*expect.Expression](v, "runtime", nil)
}

// declared is a metric, and where it was first declared.
type declared struct {
	metric *probe.Metric
	at     *value
	help   *value // where it was said; nil: nowhere yet
}

// metric gives the metric of a value. All values that name the same share it.
func (b *builder) metric(v *value) *probe.Metric {
	at, help := v.field("metric"), v.field("help")
	metric := &probe.Metric{Help: get(v, "help", "Read from the answers to a check."), Counter: reads(v) == counter, Label: get(v, "label", "")}
	if at == nil {
		b.say(v.place, "the value has no name; write metric: and how it is called")
		return metric
	}
	name, ok := at.got.(string)
	if !ok {
		return metric
	}
	metric.Name = valuePrefix + name
	if problem := wrongEnd(name, reads(v)); problem != "" {
		b.say(at.place, "%s", problem)
		return metric
	}
	family := strings.TrimSuffix(name, "_total") // by which OpenMetrics knows a counter
	known := b.metrics[family]
	switch {
	case known == nil:
		b.metrics[family] = &declared{metric, at, help}
		return metric
	case *known.metric == *metric:
	case known.metric.Name != metric.Name, known.metric.Counter != metric.Counter, known.metric.Label != metric.Label:
		b.say(at.place, "%s is %s here, and %s is %s in line %d; choose another name, or make them the same",
			name, described(metric), strings.TrimPrefix(known.metric.Name, valuePrefix), described(known.metric), known.at.line)
	case help != nil && known.help == nil:
		known.metric.Help, known.help = metric.Help, help
	case help != nil:
		b.say(help.place, "%s has another help in line %d; write the same, or leave one of the two out", name, known.help.line)
	}
	return known.metric
}

func described(m *probe.Metric) string {
	kind := gauge
	if m.Counter {
		kind = counter
	}
	if m.Label == "" {
		return "a " + kind + " without a label"
	}
	return "a " + kind + " with the label " + m.Label
}

// keptEnds are how no name of a gauge or a histogram ends: those of other types do.
var keptEnds = []string{"_total", "_count", "_sum", "_bucket", "_info"}

// wrongEnd holds Prometheus' rules on how names end; empty: the name keeps them.
func wrongEnd(name, kind string) string {
	if kind == counter {
		if !strings.HasSuffix(name, "_total") {
			return fmt.Sprintf("the name of a counter ends in _total; write %s_total, or type: gauge", name)
		}
		return ""
	}
	for _, end := range keptEnds {
		if strings.HasSuffix(name, end) {
			instead := "choose another name"
			if end == "_total" && kind == gauge {
				instead = "write type: counter if it only grows, or choose another name"
			}
			return fmt.Sprintf("the name of a %s does not end in %s, which Prometheus keeps for another type; %s", kind, end, instead)
		}
	}
	return ""
}
