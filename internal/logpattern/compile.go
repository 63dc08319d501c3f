package logpattern

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"

	"postflight/internal/expect"
	"postflight/probe"
)

// Error says what is wrong with one pattern.
type Error struct {
	Index   int    // among the patterns, from 0
	Pattern string // its name; empty: it has none
	Key     string // what is wrong of it: name, match, exclude, severity, metric, value or buckets
	Err     error  // of a value an *expect.SyntaxError, which knows the place
}

func (e *Error) Error() string {
	which := fmt.Sprintf("pattern %q", e.Pattern)
	if e.Pattern == "" {
		which = fmt.Sprintf("pattern %d", e.Index+1)
	}
	var at *expect.SyntaxError
	if errors.As(e.Err, &at) {
		return fmt.Sprintf("%s: %s: %v\n%s", which, e.Key, e.Err, at.Caret())
	}
	return fmt.Sprintf("%s: %s: %v", which, e.Key, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// compile compiles one more pattern of the set.
func (s *Set) compile(p Pattern) (m matcher, problems []*Error) {
	refuse := func(key string, err error) {
		if err != nil {
			problems = append(problems, &Error{Key: key, Err: err})
		}
	}
	var err error
	m.Pattern, m.modules = p.Pattern, p.Name == missingModule
	refuse("name", s.checkName(p.Name))
	m.match, err = compileMatch(p.Match)
	refuse("match", err)
	if p.Exclude != "" {
		m.exclude, err = compileExclude(p.Exclude)
		refuse("exclude", err)
	}
	refuse("severity", checkSeverity(p.Severity))
	switch {
	case p.Metric != "" && p.Value == "":
		refuse("value", fmt.Errorf("is missing: say what of a line %s measures", p.Metric))
	case p.Metric == "" && p.Value != "":
		refuse("metric", errors.New("is missing: say which metric the value is of"))
	}
	if p.Metric != "" && p.Buckets == nil {
		m.Buckets = DefaultBuckets()
	}
	refuse("buckets", s.checkBuckets(m.Pattern))
	if m.match != nil {
		m.needles = needles(p.Match)
		if p.Value != "" {
			m.groups, m.value, err = compileValue(p.Value, m.match)
			refuse("value", err)
		}
	}
	return m, problems
}

func (s *Set) checkName(name string) error {
	switch {
	case name == "":
		return errors.New("is missing")
	case slices.ContainsFunc(s.matchers, func(m matcher) bool { return m.Name == name }):
		return errors.New("another pattern has it already; choose another")
	}
	return nil
}

func compileMatch(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, errors.New("is missing: say what to look for in a line")
	}
	match, err := compileRegexp(text)
	if err == nil && matchesAll(match) {
		return nil, errors.New("it matches every line, since it matches nothing at all; write what a line has to hold")
	}
	return match, err
}

func compileExclude(text string) (*regexp.Regexp, error) {
	exclude, err := compileRegexp(text)
	if err == nil && matchesAll(exclude) {
		return nil, errors.New("it excludes every line, since it matches nothing at all; write what a line must not hold")
	}
	return exclude, err
}

// matchesAll: what matches nothing at all, and also a line that nobody looks for.
func matchesAll(e *regexp.Regexp) bool { return e.MatchString("") && e.MatchString("\uFFFF \uFFFF") }

// compileValue compiles an expression over the groups of match that have a name, and gives these. Several groups may have
// the same, of which one takes part: those of alternatives.
func compileValue(text string, match *regexp.Regexp) (groups [][]int, value *expect.Formula, err error) {
	var names []string
	for group, name := range match.SubexpNames() {
		switch known := slices.Index(names, name); {
		case name == "":
		case known >= 0:
			groups[known] = append(groups[known], group)
		default:
			names, groups = append(names, name), append(groups, []int{group})
		}
	}
	value, err = expect.CompileFormula(text, names)
	return groups, value, err
}

func checkSeverity(s probe.Severity) error {
	switch s {
	case probe.SeverityError, probe.SeverityWarning, probe.SeverityInfo:
		return nil
	}
	return fmt.Errorf("%q is none; it is error, warning or info", s)
}

const maxBuckets = 50

func (s *Set) checkBuckets(p probe.Pattern) error {
	switch {
	case len(p.Buckets) == 0:
		return nil
	case p.Metric == "":
		return errors.New("they are of a metric, and there is none")
	case len(p.Buckets) > maxBuckets:
		return fmt.Errorf("%d of them; at most %d are allowed", len(p.Buckets), maxBuckets)
	}
	for i, bound := range p.Buckets {
		switch {
		case math.IsNaN(bound) || math.IsInf(bound, 0):
			return fmt.Errorf("%v is no bound; all that is above the last one is counted by itself", bound)
		case i > 0 && bound <= p.Buckets[i-1]:
			return fmt.Errorf("%v comes after %v; each has to be greater than the one before", bound, p.Buckets[i-1])
		}
	}
	for _, m := range s.matchers {
		if m.Metric == p.Metric && !slices.Equal(m.Buckets, p.Buckets) {
			return fmt.Errorf("pattern %q has others, and they share the metric %s", m.Name, p.Metric)
		}
	}
	return nil
}
