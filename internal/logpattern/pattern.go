// Package logpattern finds the lines of a log that mean something, and what they say.
package logpattern

import (
	"errors"
	"regexp"
	"slices"

	"postflight/internal/expect"
	"postflight/probe"
)

// Pattern is what is looked for in the lines of a log. A line matches where Match does, anywhere in it, and Exclude does
// not. Both are regular expressions of RE2.
type Pattern struct {
	probe.Pattern // Buckets may be left out: see Set.Patterns
	Match         string
	Exclude       string // empty: nothing is excluded
	Value         string // what to measure: an expression over the named groups of Match, each a text; a number
}

// Set is patterns, compiled. It is safe for use by several goroutines.
type Set struct {
	matchers []matcher
	folds    bool // some needles are looked for in lower case
}

// matcher is one pattern, compiled.
type matcher struct {
	probe.Pattern
	needles []needle // one of them is in every line that match matches; nil: not known
	match   *regexp.Regexp
	exclude *regexp.Regexp // nil: nothing is excluded
	groups  [][]int        // of match, by the names that value has for them
	value   *expect.Formula
	modules bool // its first group that took part is a module's name
}

// Compile compiles patterns. What is wrong is an *Error each, all of them joined.
func Compile(patterns []Pattern) (*Set, error) { return new(Set).With(patterns) }

// With gives a set that has more patterns, after those that s has. Errors are those of Compile.
func (s *Set) With(patterns []Pattern) (*Set, error) {
	set := &Set{matchers: slices.Clone(s.matchers), folds: s.folds}
	var problems []error
	for i, p := range patterns {
		m, wrong := set.compile(p)
		for _, problem := range wrong {
			problem.Index, problem.Pattern = i, p.Name
			problems = append(problems, problem)
		}
		set.matchers = append(set.matchers, m)
		for _, n := range m.needles {
			set.folds = set.folds || n.folded
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return set, nil
}

// Patterns are those of the set, in their order. One that measures has buckets.
func (s *Set) Patterns() []probe.Pattern {
	patterns := make([]probe.Pattern, len(s.matchers))
	for i, m := range s.matchers {
		patterns[i] = m.Pattern
	}
	return patterns
}

// DefaultBuckets are those of a metric for which none are given, in whatever it measures.
func DefaultBuckets() []float64 {
	return []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
}

// find gives the places of the pattern's groups in a line, and whether it matches. lowered is the line in lower case.
func (m *matcher) find(line, lowered []byte) (places []int, matched bool) {
	if !m.mayMatch(line, lowered) || !m.match.Match(line) || m.exclude != nil && m.exclude.Match(line) {
		return nil, false
	}
	if m.modules || m.value != nil {
		places = m.match.FindSubmatchIndex(line)
	}
	return places, true
}

// measure gives the number that the pattern measures in a line, where it has one.
func (m *matcher) measure(line []byte, places []int) (float64, bool) {
	if m.value == nil {
		return 0, false
	}
	texts := make([]string, len(m.groups))
	for i, groups := range m.groups {
		texts[i] = string(firstPart(line, places, groups))
	}
	value, err := m.value.Number(texts)
	return value, err == nil
}

// module gives the module that a line says is missing, where the pattern is about modules.
func (m *matcher) module(line []byte, places []int) string {
	if !m.modules {
		return ""
	}
	for group := 1; 2*group < len(places); group++ {
		if name := part(line, places, group); len(name) > 0 {
			return moduleName(name)
		}
	}
	return ""
}

// firstPart is what the first of several groups took that took something.
func firstPart(line []byte, places, groups []int) []byte {
	for _, group := range groups {
		if text := part(line, places, group); len(text) > 0 {
			return text
		}
	}
	return nil
}

// part is what a group of a match took of the line.
func part(line []byte, places []int, group int) []byte {
	from, to := places[2*group], places[2*group+1]
	if from < 0 {
		return nil
	}
	return line[from:to]
}
