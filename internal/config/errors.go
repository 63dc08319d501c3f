package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"postflight/internal/discovery"
	"postflight/internal/expect"
)

// Error is one thing that is wrong, where, and what to do about it.
type Error struct {
	File         string // empty: not from a file
	Line, Column int    // from 1
	Path         string // of the key, such as services[0].checks[1].timeout, or a flag; empty: the whole file
	Problem      string // "what is wrong; what to do", without secrets
	Excerpt      string // of an expression: its line, and a caret below it; else empty
}

func (e Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Problem)
	if e.Excerpt != "" {
		b.WriteString("\n    " + strings.ReplaceAll(e.Excerpt, "\n", "\n    "))
	}
	return b.String()
}

// Errors is all that is wrong, in the order in which it stands in the file.
type Errors []Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// place is where a value came from: a place in a file, or a flag.
type place struct {
	line, column int
	path         string
}

// maxErrors is how many errors are told. Nobody reads more, and a file of nonsense would make a hundred thousand.
const maxErrors = 1000

// report gathers what is wrong.
type report struct {
	file   string
	source source
	errs   Errors
}

// full reports whether there are enough errors: more are not looked for.
func (r *report) full() bool { return len(r.errs) == maxErrors }

func (r *report) say(at place, format string, args ...any) {
	if r.full() {
		return
	}
	r.errs = append(r.errs, Error{File: r.file, Line: at.line, Column: at.column, Path: at.path, Problem: fmt.Sprintf(format, args...)})
}

// sayOf says what is wrong with a scalar's text.
func (r *report) sayOf(v *value, err error) {
	var syntax *expect.SyntaxError
	if errors.As(err, &syntax) {
		r.sayWithin(r.source.within(v.node, syntax.Line, syntax.Column, v.path), syntax)
		return
	}
	r.say(v.place, "%s", err)
}

// sayWithin says what is wrong with an expression, and shows where.
func (r *report) sayWithin(at place, err *expect.SyntaxError) {
	if r.full() {
		return
	}
	r.say(at, "%s", strings.Map(printable, err.Problem))
	if excerpt := err.Caret(); !strings.HasPrefix(excerpt, "\n") {
		r.errs[len(r.errs)-1].Excerpt = strings.Map(printable, excerpt)
	}
}

// printable keeps what an expression holds from moving the cursor, and the caret in its column.
func printable(char rune) rune {
	if unicode.IsPrint(char) || char == '\n' || char == '\t' {
		return char
	}
	return unicode.ReplacementChar
}

// err gives what has been said, or nil.
func (r *report) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errs, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if r.full() {
		last := r.errs[len(r.errs)-1]
		last.Path, last.Problem, last.Excerpt = "", "there may be more; mend these first", ""
		r.errs = append(r.errs, last)
	}
	return r.errs
}

// quote repeats a value in a message, as those about targets do.
func quote(text string) string { return discovery.Quote(text) }
