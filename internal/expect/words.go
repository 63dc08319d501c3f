package expect

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"postflight/probe"
)

// WrongStatus is the judgement of an answer that has another status than wanted. A redirect is one of a kind: we were
// sent elsewhere, and did not go.
func WrongStatus(a Answer, wanted string) Judgement {
	j := Judgement{Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: wanted, Got: StatusText(a)}
	location := a.Header.Get("Location")
	switch {
	case a.Status/100 == 3 && location != "":
		j.Reason = probe.ReasonRedirect
		j.Got += ", a redirect to " + Excerpt(withoutQuery(location))
	case len(a.Raw) > 0:
		j.Got += ": " + Excerpt(string(a.Raw[:min(len(a.Raw), excerptSource)]))
	}
	return j
}

// StatusText is the answer's status in words.
func StatusText(a Answer) string {
	return strings.TrimSpace(fmt.Sprintf("status %d %s", a.Status, http.StatusText(a.Status)))
}

// WrongBody is the judgement of an answer whose status is right and whose body is not.
func WrongBody(wanted, got string) Judgement {
	return Judgement{Outcome: probe.Fail, Reason: probe.ReasonBody, Wanted: wanted, Got: got}
}

// Excerpt of the body, for people.
func (a Answer) Excerpt() string {
	if len(a.Raw) == 0 {
		return "an empty body"
	}
	return Excerpt(string(a.Raw[:min(len(a.Raw), excerptSource)]))
}

const (
	excerptLength = 120  // characters
	excerptSource = 1024 // bytes, looked at
)

// Excerpt is the beginning of a text on one line, printable and without secrets.
func Excerpt(text string) string { return ExcerptOf(text, excerptLength) }

// ExcerptOf is an excerpt of at most so many characters.
func ExcerptOf(text string, characters int) string {
	text = text[:min(len(text), max(excerptSource, utf8.UTFMax*characters))]
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	runes := []rune(Mask(text))
	if len(runes) <= characters {
		return string(runes)
	}
	return string(runes[:characters-1]) + "…"
}

// value is what stands behind a name: a text in quotes, also within a text (where its quotes are escaped), or a word. What
// is cut off counts as well.
const value = `"(?:[^"\\]|\\.)*"?` +
	`|'(?:[^'\\]|\\.)*'?` +
	`|\\"(?:[^"\\]|\\[^"\\]|\\\\(?:[^"\\]|\\["\\]))*(?:\\"?)?` +
	`|\\+"[^"]*"?` +
	`|[^\s"',;&)}\]<]+`

// masks are what looks like a secret, and what to show in its place. Longest contexts come first.
var masks = []struct {
	secret *regexp.Regexp
	shown  string
}{
	{regexp.MustCompile(`eyJ[\w-]{5,}(\.[\w-]*)*`), `<secret>`},                  // a JWT
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}`), `$1 <secret>`}, // an Authorization header
	{regexp.MustCompile(`[^\s/:@"',]+:[^\s"',]*@`), `<secret>@`},                 // user:password@host
	{regexp.MustCompile(`(?i)(password|passwd|pwd|passphrase|secret|token|api[_-]?key|mima|密码)(\\*["']?\s*[=:]\s*)(` + value + `)`), `$1$2<secret>`},
}

// Mask replaces what looks like a secret.
func Mask(text string) string {
	for _, m := range masks {
		text = m.secret.ReplaceAllString(text, m.shown)
	}
	return text
}

// withoutQuery is a location without what may hold secrets.
func withoutQuery(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return "somewhere"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
