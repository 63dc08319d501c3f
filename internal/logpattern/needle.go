package logpattern

import (
	"bytes"
	"math"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// needle is a text that is quickly looked for, before a regular expression is asked. A folded one is in lower case, and
// looked for in the line in lower case.
type needle struct {
	text   []byte
	folded bool
}

// mayMatch reports whether one of the needles is in the line, or none is known.
func (m *matcher) mayMatch(line, lowered []byte) bool {
	if m.needles == nil {
		return true
	}
	for _, n := range m.needles {
		if n.folded && bytes.Contains(lowered, n.text) || !n.folded && bytes.Contains(line, n.text) {
			return true
		}
	}
	return false
}

// lower appends the line to a buffer, its ASCII letters in lower case.
func lower(buffer, line []byte) []byte {
	start := len(buffer)
	buffer = append(buffer, line...)
	for i, c := range buffer[start:] {
		if 'A' <= c && c <= 'Z' {
			buffer[start+i] = c + 'a' - 'A'
		}
	}
	return buffer
}

// maxNeedles is how many of them are still quicker to look for than the expression itself is.
const maxNeedles = 16

// needles are those of a regular expression that compiles: every text that it matches holds one of them. nil: they cannot
// be told.
func needles(expression string) []needle {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil
	}
	found := required(parsed.Simplify())
	if len(found) > maxNeedles {
		return nil
	}
	return found
}

func required(re *syntax.Regexp) []needle {
	switch re.Op {
	case syntax.OpLiteral:
		return literal(re.Rune, re.Flags&syntax.FoldCase != 0)
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpConcat:
		var best []needle
		for _, sub := range re.Sub {
			if found := required(sub); shortest(found) > shortest(best) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		return anyOf(re.Sub)
	default:
		return nil
	}
}

// anyOf are the needles of all alternatives. One that holds another says nothing that the other does not.
func anyOf(alternatives []*syntax.Regexp) []needle {
	var all []needle
	for _, sub := range alternatives {
		found := required(sub)
		if found == nil {
			return nil
		}
		all = append(all, found...)
	}
	var apart []needle
	for i, n := range all {
		if !slices.ContainsFunc(all[i+1:], n.holds) && !slices.ContainsFunc(apart, n.holds) {
			apart = append(apart, n)
		}
	}
	return apart
}

func (n needle) holds(other needle) bool {
	return n.folded == other.folded && bytes.Contains(n.text, other.text)
}

// shortest is how long the shortest of the needles is: the longer, the rarer. There are none: 0.
func shortest(needles []needle) int {
	if len(needles) == 0 {
		return 0
	}
	length := math.MaxInt
	for _, n := range needles {
		length = min(length, len(n.text))
	}
	return length
}

// literal is the longest part of a literal that stands in a line byte for byte, apart from the case of ASCII letters.
func literal(runes []rune, folded bool) []needle {
	var longest, part []byte
	for _, r := range runes {
		switch {
		case r == utf8.RuneError: // stands for any byte that is no UTF-8
			part = nil
			continue
		case folded && !hasOneForm(r) && !isPlainLetter(r):
			part = nil
			continue
		case folded && r < utf8.RuneSelf: // İ has one form, and a lower case all the same
			r = unicode.ToLower(r)
		}
		part = utf8.AppendRune(part, r)
		if len(part) > len(longest) {
			longest = part
		}
	}
	if longest == nil {
		return nil
	}
	return []needle{{slices.Clone(longest), folded}}
}

func hasOneForm(r rune) bool { return unicode.SimpleFold(r) == r }

// isPlainLetter: an ASCII letter of which there are two forms. Of k and s there are three.
func isPlainLetter(r rune) bool {
	other := unicode.SimpleFold(r)
	return r < utf8.RuneSelf && other < utf8.RuneSelf && unicode.SimpleFold(other) == r
}
