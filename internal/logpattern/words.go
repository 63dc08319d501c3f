package logpattern

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"postflight/internal/expect"
)

const (
	maxShown  = 500 // characters of a line
	maxModule = 128 // bytes of a module's name
)

// shown is a line for people, without secrets. It is cut, and as far to the right as it was.
func shown(line []byte) string {
	text := bytes.TrimLeft(line, " \t")
	indent := min(len(line)-len(text), maxShown/2)
	return strings.Repeat(" ", indent) + expect.ExcerptOf(string(cut(text, utf8.UTFMax*maxShown)), maxShown-indent)
}

// moduleName is the name as it was written, as far as it goes into a label.
func moduleName(written []byte) string {
	return string(cut([]byte(expect.Excerpt(string(cut(written, maxLine)))), maxModule))
}

// cut gives the beginning of a text, and no part of a character.
func cut(text []byte, length int) []byte {
	if len(text) <= length {
		return text
	}
	for length > 0 && !utf8.RuneStart(text[length]) {
		length--
	}
	return text[:length]
}

const escape = 0x1b

// withoutColours appends a line to a buffer, without what a terminal would take for colours and the like (ECMA-48's control
// sequences).
func withoutColours(buffer, line []byte) []byte {
	for {
		before, after, found := bytes.Cut(line, []byte{escape, '['})
		buffer = append(buffer, before...)
		if !found {
			return buffer
		}
		end := bytes.IndexFunc(after, func(r rune) bool { return r < ' ' || r > '?' })
		if end < 0 {
			return buffer
		}
		if final := after[end]; '@' <= final && final <= '~' {
			end++
		}
		line = after[end:]
	}
}
