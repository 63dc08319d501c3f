package httpprobe

import (
	"strconv"
	"strings"
)

// A token is recognised by so many of its characters.
const (
	recognisedFirst = 6 // from its beginning on
	recognisedAny   = 8 // from anywhere
)

// withoutToken replaces each part of a token that stands in the text, also in the spelling of JSON or of a URL, so that
// a backend that repeats what it was sent does not bring it into logs and pages.
func withoutToken(text, token string) string {
	if len(token) < recognisedFirst {
		return text
	}
	if strings.ContainsAny(text, `\%`) {
		text = maskParts(text, unescaped(text), token)
	}
	return maskParts(text, asItStands(text), token)
}

// spelling is a text as it is meant: its characters, and where in the text each begins. One more is the text's end.
type spelling struct {
	meant []byte
	at    []int
}

func (s *spelling) add(meant byte, at int) {
	s.meant = append(s.meant, meant)
	s.at = append(s.at, at)
}

func asItStands(text string) (s spelling) {
	for i := range len(text) {
		s.add(text[i], i)
	}
	s.at = append(s.at, len(text))
	return s
}

// unescaped reads the escapes of JSON and of URLs.
func unescaped(text string) (s spelling) {
	for i := 0; i < len(text); {
		meant, length := character(text[i:])
		s.add(meant, i)
		i += length
	}
	s.at = append(s.at, len(text))
	return s
}

// character is the first one of a text, and how many bytes spell it.
func character(text string) (meant byte, length int) {
	number := func(from, to int) bool {
		if len(text) < to {
			return false
		}
		n, err := strconv.ParseUint(text[from:to], 16, 8)
		meant, length = byte(n), to
		return err == nil
	}
	switch {
	case text[0] == '%' && number(1, 3):
	case strings.HasPrefix(text, `\u`) && number(2, 6):
	case strings.HasPrefix(text, `\/`), strings.HasPrefix(text, `\\`), strings.HasPrefix(text, `\"`):
		return text[1], 2
	default:
		return text[0], 1
	}
	return meant, length
}

// maskParts replaces the parts of the token in a text that is spelled so.
func maskParts(text string, s spelling, token string) string {
	var clean strings.Builder
	shown := 0 // up to here the text is clean
	for i := 0; i < len(s.meant); {
		length := partOf(token, s.meant[i:])
		if length == 0 {
			i++
			continue
		}
		clean.WriteString(text[shown:s.at[i]])
		clean.WriteString("<secret>")
		i += length
		shown = s.at[i]
	}
	clean.WriteString(text[shown:])
	return clean.String()
}

// partOf is the length of the part of the token with which the text begins; 0 where there is none that is long enough.
func partOf(token string, text []byte) int {
	length := recognisedAny
	switch {
	case len(text) >= recognisedAny && strings.Contains(token, string(text[:recognisedAny])):
	case len(text) >= recognisedFirst && string(text[:recognisedFirst]) == token[:recognisedFirst]:
		length = recognisedFirst
	default:
		return 0
	}
	for length < len(text) && strings.Contains(token, string(text[:length+1])) {
		length++
	}
	return length
}
