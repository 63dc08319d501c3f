package logpattern

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
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

// compile compiles one pattern by itself.
func compile(index int, p Pattern) (m matcher, problems []error) {
	refuse := func(key string, err error) {
		if err != nil {
			problems = append(problems, &Error{Index: index, Pattern: p.Name, Key: key, Err: err})
		}
	}
	var err error
	m.Pattern, m.modules = p.Pattern, p.Name == missingModule
	m.match, err = compileMatch(p.Match)
	refuse("match", err)
	if p.Exclude != "" {
		m.exclude, err = compileRegexp(p.Exclude)
		refuse("exclude", err)
	}
	refuse("severity", checkSeverity(p.Severity))
	refuse("buckets", checkBuckets(p.Pattern))
	switch {
	case p.Metric != "" && p.Value == "":
		refuse("value", fmt.Errorf("is missing: say what of a line %s measures", p.Metric))
	case p.Metric == "" && p.Value != "":
		refuse("metric", errors.New("is missing: say which metric the value is of"))
	case p.Metric != "" && m.match != nil:
		m.groups, m.value, err = compileValue(p.Value, m.match)
		refuse("value", err)
		if p.Buckets == nil {
			m.Buckets = defaultBuckets()
		}
	}
	if m.match != nil {
		m.needles = needles(p.Match)
	}
	return m, problems
}

func compileMatch(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, errors.New("is missing: say what to look for in a line")
	}
	match, err := compileRegexp(text)
	if err == nil && match.MatchString("") {
		return nil, errors.New("it matches every line, since it matches nothing at all")
	}
	return match, err
}

// compileRegexp says what is wrong in the words of regexp/syntax, without saying each time what it was doing.
func compileRegexp(text string) (*regexp.Regexp, error) {
	compiled, err := regexp.Compile(text)
	var at *syntax.Error
	if errors.As(err, &at) {
		return nil, fmt.Errorf("%s: `%s`", at.Code, expect.Excerpt(at.Expr))
	}
	return compiled, err
}

// compileValue compiles an expression over the groups of match that have a name, and gives these.
func compileValue(text string, match *regexp.Regexp) (groups []int, value *expect.Formula, err error) {
	var names []string
	for group, name := range match.SubexpNames() {
		if name != "" {
			groups, names = append(groups, group), append(names, name)
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

func checkBuckets(p probe.Pattern) error {
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
	return nil
}

// amongEachOther says which names are taken, and which metrics would be two.
func amongEachOther(patterns []Pattern) (problems []error) {
	builtin := names(Builtin())
	for i, p := range patterns {
		refuse := func(key string, err error) {
			problems = append(problems, &Error{Index: i, Pattern: p.Name, Key: key, Err: err})
		}
		before := patterns[:i]
		switch {
		case p.Name == "":
			refuse("name", errors.New("is missing"))
		case slices.Contains(names(before), p.Name) && slices.Contains(builtin, p.Name):
			refuse("name", errors.New("a built-in pattern has it already; choose another"))
		case slices.Contains(names(before), p.Name):
			refuse("name", errors.New("another pattern has it already; choose another"))
		}
		same := slices.IndexFunc(before, func(b Pattern) bool { return p.Metric != "" && b.Metric == p.Metric })
		if same >= 0 && !slices.Equal(before[same].Buckets, p.Buckets) {
			refuse("buckets", fmt.Errorf("pattern %q has others, and they share the metric %s", before[same].Name, p.Metric))
		}
	}
	return problems
}

func names(patterns []Pattern) []string {
	names := make([]string, len(patterns))
	for i, p := range patterns {
		names[i] = p.Name
	}
	return names
}
