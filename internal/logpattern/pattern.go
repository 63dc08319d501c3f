// Package logpattern finds lines of a log that mean something, and what they say.
package logpattern

import (
	"time"

	"postflight/probe"
)

// Pattern is what is looked for in the lines of a log.
type Pattern struct {
	probe.Pattern
	Match   string // regular expression (RE2): a line that it matches anywhere …
	Exclude string // … and that this one does not; empty: none is excluded
	Value   string // what to measure: an expression over the named groups of Match, each a text, that yields a number
}

// Set is patterns, compiled. It is safe for use by several goroutines.
type Set struct{}

// Compile compiles patterns. An error says which pattern is wrong and what about it; where an expression is, an
// *expect.SyntaxError tells the place.
func Compile(patterns []Pattern) (*Set, error) { return &Set{}, nil }

// Patterns are those of the set, in their order.
func (s *Set) Patterns() []probe.Pattern { return nil }

// Reader gives a reader of the lines of one unit.
func (s *Set) Reader() *Reader { return &Reader{} }

// Reader reads the lines of one unit, and keeps of each process what may explain the next. It belongs to one goroutine.
type Reader struct{}

// Line gives what the patterns find in a line that a process wrote, usually nothing. It does not keep the text.
func (r *Reader) Line(pid int, t time.Time, text []byte) []probe.Match { return nil }
