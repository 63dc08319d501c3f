package httpprobe

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A secret is recognised by so many of its bytes, a shorter one only as a whole.
const (
	recognisedFirst = 6 // from its beginning on
	recognisedAny   = 8 // from anywhere
)

// Hide replaces each part of a secret that stands in the text, also in the spelling of JSON, of a URL or of a form, so that
// a backend that repeats what it was sent does not bring it into logs and pages.
func Hide(text, secret string) string {
	if secret == "" {
		return text
	}
	if strings.ContainsAny(text, `\%`) || strings.Contains(secret, " ") && strings.Contains(text, "+") {
		text = maskParts(text, unescaped(text, false), secret)
		text = maskParts(text, unescaped(text, true), secret)
	}
	return maskParts(text, asItStands(text), secret)
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

// unescaped reads the escapes of JSON and of URLs; of forms too, where + is a space.
func unescaped(text string, form bool) (s spelling) {
	for i := 0; i < len(text); {
		meant, length := character(text[i:])
		if form && text[i] == '+' {
			meant = " "
		}
		for j := range len(meant) {
			s.add(meant[j], i)
		}
		i += length
	}
	s.at = append(s.at, len(text))
	return s
}

// character is what the first one of a text means, and how many bytes spell it.
func character(text string) (meant string, length int) {
	switch {
	case text[0] == '%':
		if n, ok := number(text, 1, 3); ok {
			return string([]byte{byte(n)}), 3
		}
	case strings.HasPrefix(text, `\u`):
		return unicodeEscape(text)
	case len(text) > 1 && text[0] == '\\' && strings.IndexByte(`/\"`, text[1]) >= 0:
		return text[1:2], 2
	}
	return text[:1], 1
}

// unicodeEscape reads \uXXXX, and two of them where they are one character.
func unicodeEscape(text string) (meant string, length int) {
	first, ok := number(text, 2, 6)
	if !ok {
		return text[:1], 1
	}
	if utf16.IsSurrogate(rune(first)) && len(text) > 6 && strings.HasPrefix(text[6:], `\u`) {
		if second, ok := number(text, 8, 12); ok {
			if both := utf16.DecodeRune(rune(first), rune(second)); both != utf8.RuneError {
				return string(both), 12
			}
		}
	}
	return string(rune(first)), 6
}

func number(text string, from, to int) (uint64, bool) {
	if len(text) < to {
		return 0, false
	}
	n, err := strconv.ParseUint(text[from:to], 16, 32)
	return n, err == nil
}

const hidden = "<secret>"

// maskParts replaces the parts of the secret in a text that is spelled so. What is hidden already stays as it is.
func maskParts(text string, s spelling, secret string) string {
	var clean strings.Builder
	shown := 0 // up to here the text is clean
	for i := 0; i < len(s.meant); {
		if from := s.at[i]; strings.HasPrefix(text[from:], hidden) {
			for i < len(s.meant) && s.at[i] < from+len(hidden) {
				i++
			}
			continue
		}
		length := partOf(secret, s.meant[i:])
		if length == 0 {
			i++
			continue
		}
		clean.WriteString(text[shown:s.at[i]])
		clean.WriteString(hidden)
		i += length
		shown = s.at[i]
	}
	clean.WriteString(text[shown:])
	return clean.String()
}

// partOf is the length of the part of the secret with which the text begins; 0 where there is none that is long enough.
func partOf(secret string, text []byte) int {
	length := recognisedAny
	switch first := min(recognisedFirst, len(secret)); {
	case len(text) >= recognisedAny && strings.Contains(secret, string(text[:recognisedAny])):
	case len(text) >= first && string(text[:first]) == secret[:first]:
		length = first
	default:
		return 0
	}
	for length < len(text) && strings.Contains(secret, string(text[:length+1])) {
		length++
	}
	return length
}
