package config

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"postflight/internal/logpattern"
	"postflight/probe"
)

// logPrefix is of the names of metrics that patterns measure.
const logPrefix = "log_value_"

// builtinPatterns are compiled once: services without patterns of their own share them.
var builtinPatterns = sync.OnceValue(func() *logpattern.Set {
	set, err := logpattern.Compile(logpattern.Builtin())
	if err != nil {
		panic(fmt.Sprintf("the built-in patterns: %v", err))
	}
	return set
})

// logs gives the user's own patterns for the logs of a service's units, and all that they are read with.
func (b *builder) logs(v, units *value) (own []logpattern.Pattern, all *logpattern.Set) {
	if none(units) {
		if v != nil {
			b.say(v.place, "there are no units whose logs could be read; write units:, or leave logs out")
		}
		return nil, nil
	}
	var items []*value
	named := map[string]*value{}
	for _, item := range v.list("patterns") {
		if b.full() {
			break
		}
		if item.wrong {
			continue
		}
		items, own = append(items, item), append(own, b.pattern(item, named))
	}
	if own == nil || b.size > maxRegexps {
		return own, builtinPatterns()
	}
	all, err := builtinPatterns().With(own)
	b.sayOfPatterns(items, err)
	return own, all
}

// sayOfPatterns tells what is wrong with expressions, where they stand. All else that can be wrong with a pattern has
// been told.
func (b *builder) sayOfPatterns(items []*value, err error) {
	joined, _ := err.(interface{ Unwrap() []error })
	if joined == nil {
		return
	}
	for _, err := range joined.Unwrap() {
		problem := err.(*logpattern.Error)
		k, isExpression := map[string]kind{"match": regexpKind, "exclude": regexpKind, "value": formulaKind}[problem.Key]
		if v := items[problem.Index].field(problem.Key); isExpression && v != nil && !v.wrong {
			b.sayOf(v, k.withoutPassword(v.node.Value, problem.Err))
		}
	}
}

// pattern gives one of the user's own. What Compile makes of its expressions is seen later.
func (b *builder) pattern(v *value, named map[string]*value) logpattern.Pattern {
	name, match := v.field("name"), v.field("match")
	switch {
	case name == nil:
		b.say(v.place, "the pattern has no name; write name: and how it is called")
	case slices.ContainsFunc(builtinPatterns().Patterns(), func(p probe.Pattern) bool { return p.Name == name.got }):
		b.say(name.place, "a built-in pattern has this name; choose a different one")
	}
	if match == nil {
		b.say(v.place, "the pattern looks for nothing; write match: and a regular expression such as 'worker \\d+ was lost'")
	}
	p := logpattern.Pattern{
		Pattern: probe.Pattern{
			Name:     get(v, "name", ""),
			Severity: probe.Severity(get(v, "severity", fallback[string]("services[].logs.patterns[].severity"))),
		},
		Match:   b.regexp(match),
		Exclude: b.regexp(v.field("exclude")),
		Value:   get(v, "value", ""),
	}
	b.unique(named, p.Name, name, "another pattern has this name", "choose a different one")
	metric, number := v.field("metric"), v.field("value")
	switch {
	case metric == nil && number != nil:
		b.say(number.place, "nothing tells which metric the value is of; write metric: and its name, or leave value out")
	case metric == nil:
		b.refuse(v, "they are of a metric, and there is none", "buckets")
	case number == nil:
		b.say(metric.place, "nothing tells what the metric measures; write value: and an expression such as 'float(ms) / 1000', or leave metric out")
	}
	if metric != nil {
		p.Buckets = b.buckets(v.field("buckets"))
		p.Metric = b.measuredAs(metric, p.Buckets)
	}
	return p
}

// buckets gives the bounds of a histogram, each of which is greater than the one before.
func (b *builder) buckets(v *value) []float64 {
	switch {
	case v == nil || v.wrong:
		return logpattern.DefaultBuckets()
	case len(v.items) == 0:
		b.say(v.place, "the list is empty; write a bound, or leave the key out")
	}
	var bounds []float64
	for _, item := range v.items {
		bound, ok := item.got.(float64)
		if !ok {
			continue
		}
		if last := len(bounds) - 1; last >= 0 && bound <= bounds[last] {
			b.say(item.place, "%v comes after %v; write the bounds from the smallest on, each once", bound, bounds[last])
		}
		bounds = append(bounds, bound)
	}
	return bounds
}

// measured is a metric of logs as it was first written.
type measured struct {
	buckets []float64
	at      string
}

// measuredAlready are the metrics of the built-in patterns.
func measuredAlready() map[string]measured {
	already := map[string]measured{}
	for _, p := range logpattern.Builtin() {
		if p.Metric != "" {
			already[p.Metric] = measured{p.Buckets, fmt.Sprintf("the built-in pattern %s: %s", p.Name, listed(p.Buckets))}
		}
	}
	return already
}

// measuredAs gives the metric of a pattern. All patterns that name the same share it, and its buckets.
func (b *builder) measuredAs(v *value, buckets []float64) string {
	name, ok := v.got.(string)
	if !ok {
		return ""
	}
	if problem := wrongEnd(name, histogram); problem != "" {
		b.say(v.place, "%s", problem)
	}
	metric := logPrefix + name
	known, twice := b.measured[metric]
	switch {
	case !twice:
		b.measured[metric] = measured{buckets, fmt.Sprintf("line %d", v.line)}
	case !slices.Equal(known.buckets, buckets):
		b.say(v.place, "%s has other buckets in %s; choose another name, or make them the same", name, known.at)
	}
	return metric
}

func listed(numbers []float64) string {
	return strings.ReplaceAll(fmt.Sprint(numbers), " ", ", ")
}
