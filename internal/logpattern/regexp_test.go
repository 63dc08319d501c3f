package logpattern_test

import (
	"errors"
	"strings"
	"testing"

	"postflight/internal/expect"
	"postflight/internal/logpattern"
)

// A regular expression that is none: what is wrong is shown where it stands. Where that is not known, it is repeated.
func TestMistakes(t *testing.T) {
	const (
		closing = `it is never closed; write ) after it, or \( for the character`
		repeats = `there is nothing to repeat; write what, or \ before it for the character`
		classes = "RE2 knows no such class of characters; a range goes up, as a-z does"
		groups  = "RE2 knows no such group, and cannot look ahead or back; what a line must not hold goes into exclude"
		escapes = `RE2 knows no such escape; write \\ for a backslash`
		naming  = "no name of a group; write letters, digits and _ between < and >"
		counts  = "a repeat that cannot be; write at most 1000, and the smaller number first"
	)
	for _, tt := range []struct {
		text   string
		column int // 0: it is not known
		want   string
	}{
		{`took (?P<ms>[0-9]+`, 6, closing},
		{`(a)(b(c)`, 4, closing},
		{`\((a(b`, 3, closing},
		{`[(](a`, 4, closing},
		{strings.Repeat(`[(]`, 15) + `(a`, 46, closing},
		{`(a` + strings.Repeat(`[(]`, 30), 0, closing + ": `(a" + strings.Repeat(`[(]`, 30) + "`"},
		{`数据(`, 3, closing},
		{`a[b`, 2, `it is never closed; write ] after it, or \[ for the character`},
		{`\[[b`, 3, `it is never closed; write ] after it, or \[ for the character`},
		{`a)`, 2, `it closes nothing; leave it out, or write \) for the character`},
		{`(\))[)])`, 8, `it closes nothing; leave it out, or write \) for the character`},
		{`a\`, 2, `nothing follows it; write \\ for a backslash`},
		{`a\\\`, 4, `nothing follows it; write \\ for a backslash`},
		{`*`, 1, repeats},
		{`a*b|*`, 5, repeats},
		{`[*]*(\*|*)`, 9, repeats},
		{`a**`, 2, "a repeat of a repeat; leave one out"},
		{`[**]a**`, 6, "a repeat of a repeat; leave one out"},
		{`a{1001}`, 2, counts},
		{`a{2,1}`, 2, counts},
		{`(a{100}){100}`, 9, counts},
		{`[z-a]`, 2, classes},
		{`z-a[z-a]`, 5, classes},
		{`\p{Klingon}`, 1, classes},
		{`[[:word:][:foo:]]`, 10, classes},
		{`took (?=x)`, 6, groups},
		{`[(?=](?!x)`, 6, groups},
		{`(a)\1`, 4, escapes},
		{`\\y\y`, 4, escapes},
		{`(?P<a b>c)`, 1, naming},
		{`(?P<a`, 1, naming},
		{strings.Repeat("(", 1001) + strings.Repeat(")", 1001), 0, "expression nests too deeply: `" + strings.Repeat("(", 119) + "…`"},
		{"a\xff", 2, "invalid UTF-8"},
		{`(?:\pL{1000}\pL{1000}){1000}`, 23, counts},
		{strings.Repeat(`\d{1000}`, 10), 0, "the expression is too large once all its repeats are written out; write smaller counts, or smaller classes of characters"},
		{strings.Repeat(`\pL`, 50), 0, "the expression is too large once all its repeats are written out; write smaller counts, or smaller classes of characters"},
		{strings.Repeat("a", 4097), 0, "an expression of 4097 bytes; at most 4096 are allowed"},
	} {
		_, err := logpattern.Size(tt.text)
		if err == nil {
			t.Errorf("%s: accepted", tt.text)
			continue
		}
		column, got := 0, err.Error()
		var at *expect.SyntaxError
		if errors.As(err, &at) {
			column, got = at.Column, at.Problem
		}
		if column != tt.column || got != tt.want {
			t.Errorf("%s\n got column %d: %s\nwant column %d: %s", tt.text, column, got, tt.column, tt.want)
		}
	}
}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
	}{
		{"error", 5},
		{"a{100}", 100},
		{"a{2,100}", 100},
		{"a{100,}", 101},
		{"(?:ab){0}", 2},
		{"a*", 2},
		{"[ac-e]", 3},
		{"[ac-e]{10}", 12},
		{strings.Repeat("a", 4096), 4096}, // a plain text is never too large
	} {
		if got, err := logpattern.Size(tt.text); err != nil || got != tt.want {
			t.Errorf("%s: got %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
}
