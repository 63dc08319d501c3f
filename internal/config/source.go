package config

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is the file's lines. YAML does not tell how a scalar was written, so a place within one is looked for there.
type source []string

func newSource(content []byte) source {
	return strings.Split(string(content), "\n")
}

var singleQuoted, doubleQuoted = strings.NewReplacer(`'`, `''`), strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// within gives the place in the file of a line and column of a scalar's text; the scalar's own place, where its text does
// not stand in one line as it is.
func (s source) within(node *yaml.Node, line, column int, path string) place {
	at := place{node.Line, node.Column, path}
	written := func(text string) string { return text }
	switch {
	case line != 1 || node.Line > len(s):
		return at
	case node.Style&yaml.SingleQuotedStyle != 0:
		written = func(text string) string { return "'" + singleQuoted.Replace(text) }
	case node.Style&yaml.DoubleQuotedStyle != 0:
		written = func(text string) string { return `"` + doubleQuoted.Replace(text) }
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return at
	}
	text := []rune(node.Value)
	before := string(text[:max(0, min(column-1, len(text)))])
	if strings.HasPrefix(s.from(node.Line, node.Column), written(node.Value)) {
		at.column += utf8.RuneCountInString(written(before))
	}
	return at
}

// from gives the rest of a line.
func (s source) from(line, column int) string {
	rest := s[line-1]
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	return rest
}
