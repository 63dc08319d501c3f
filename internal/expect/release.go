package expect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxRelease = 128 // bytes

// release is the name of one: a text or a number, printable and not too long; empty where the value is none.
func release(v any) string {
	name, _ := plain(v)
	name = strings.TrimSpace(name)
	if len(name) > maxRelease || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return name
}
