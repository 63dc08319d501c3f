package logpattern_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/logpattern"
	"postflight/probe"
)

// byExpressions is what Set has to agree with: each expression, asked one after the other.
func byExpressions(patterns []logpattern.Pattern, line []byte) (names []string) {
	for _, p := range patterns {
		if regexp.MustCompile(p.Match).Match(line) && (p.Exclude == "" || !regexp.MustCompile(p.Exclude).Match(line)) {
			names = append(names, p.Name)
		}
	}
	return names
}

func bySet(t rapid.TB, patterns []logpattern.Pattern, line []byte) (names []string) {
	set, err := logpattern.Compile(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range set.Reader().Line(pid, now, line) {
		names = append(names, m.Pattern)
	}
	return names
}

// pieces are what expressions and lines are made of: letters of one, two and three forms, and what is no UTF-8.
var pieces = []string{
	"a", "A", "k", "K", "\u212a", "s", "S", "ſ", "ß", "ẞ", "é", "É", "σ", "ς", "Σ", "i", "I", "İ", "ı", "行", "\uFFFD", "0", " ", ".", "error", "Error", "ERROR",
	"address already in use", "数据库会话错误", "No module named ", "ImportError: ", "未完成事务", "强制回滚", "Errno 98", `"GET / HTTP/1.1" 401`,
}

// expressions are random ones over the pieces.
func expressions() *rapid.Generator[string] {
	text := rapid.Map(rapid.SampledFrom(pieces), regexp.QuoteMeta)
	leaf := rapid.OneOf(text, text, text, rapid.SampledFrom([]string{`.`, `\b`, `^`, `$`, `\d`, `[aA]`, `[ks]`, `[^a]`, `\x{FFFD}`, `(?i)`, `(?s)`, `行+`, `x?`, ``}))
	var tree func(depth int) *rapid.Generator[string]
	tree = func(depth int) *rapid.Generator[string] {
		if depth == 0 {
			return leaf
		}
		sub := tree(depth - 1)
		return rapid.OneOf(leaf,
			rapid.Custom(func(t *rapid.T) string { return sub.Draw(t, "left") + sub.Draw(t, "right") }),
			rapid.Custom(func(t *rapid.T) string { return "(?:" + sub.Draw(t, "one") + "|" + sub.Draw(t, "other") + ")" }),
			rapid.Custom(func(t *rapid.T) string {
				return "(" + rapid.SampledFrom([]string{"", "?:", "?i:"}).Draw(t, "group") + sub.Draw(t, "inner") + ")" +
					rapid.SampledFrom([]string{"", "+", "*", "?", "{2}", "{0,2}", "{1,}", "{0}"}).Draw(t, "times")
			}))
	}
	return tree(4)
}

func lines() *rapid.Generator[[]byte] {
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.SampledFrom([]string{"\xff", "\xe8", "\xef\xbf", "x", "'"}))
	return rapid.Map(rapid.SliceOfN(piece, 1, 12), func(parts []string) []byte { return []byte(strings.Join(parts, "")) })
}

// Whatever is looked for before an expression is asked: the set finds what the expressions find.
func TestSetAgreesWithItsExpressions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		patterns := logpattern.Builtin()
		for _, name := range []string{"one", "two", "three"} {
			p := lookingFor(name, expressions().Draw(t, name))
			if match, err := regexp.Compile(p.Match); err == nil && !match.MatchString("") {
				patterns = append(patterns, p)
			}
		}
		for range 10 {
			line := lines().Draw(t, "line")
			if len(bytes.TrimSpace(line)) == 0 {
				continue // no line
			}
			if diff := cmp.Diff(byExpressions(patterns, line), bySet(t, patterns, line)); diff != "" {
				t.Fatalf("%q (-expressions +set):\n%s", line, diff)
			}
		}
	})
}

// forms are a word in all cases that Unicode has for it.
func forms(word string) []string {
	all := []string{""}
	for _, r := range word {
		var longer []string
		for form, first := r, true; first || form != r; form, first = unicode.SimpleFold(form), false {
			for _, beginning := range all {
				longer = append(longer, beginning+string(form))
			}
		}
		all = longer
	}
	return all
}

func TestAnyCaseIsFound(t *testing.T) {
	for _, word := range []string{"error", "disks", "KELVIN", "éa", "Éa", "straße", "σας", "ǆx", "iı", "İ", "数据ab", "θω"} {
		reader := compile(t, lookingFor("p", "(?i)"+word)).Reader()
		for _, form := range forms(word) {
			if reader.Line(pid, now, []byte("x "+form+" x")) == nil {
				t.Errorf("(?i)%s does not find %s", word, form)
			}
		}
	}
}

// FuzzMatch: an expression that compiles finds a line whenever it matches it.
func FuzzMatch(f *testing.F) {
	for _, p := range logpattern.Builtin() {
		f.Add(p.Match, []byte("ImportError: 数据库会话错误 [Errno 98]"))
	}
	f.Add(`(?i)stack|(?i:kelvin)`, []byte("\u212aelvin STACſ"))
	f.Add(`(?i)(a|b)+error{2}\x{FFFD}`, []byte("BERRORr\xff"))
	f.Fuzz(func(t *testing.T, match string, line []byte) {
		patterns := []logpattern.Pattern{lookingFor("p", match)}
		if _, err := logpattern.Compile(patterns); err != nil || bytes.ContainsAny(line, "\n\r\x1b") || len(bytes.TrimSpace(line)) == 0 {
			return
		}
		if diff := cmp.Diff(byExpressions(patterns, line), bySet(t, patterns, line)); diff != "" {
			t.Errorf("%q of %q (-expression +set):\n%s", match, line, diff)
		}
	})
}

// FuzzLine: whatever processes write, what is told of it is bounded, fit for people, and the same each time.
func FuzzLine(f *testing.F) {
	for _, text := range []string{
		"ModuleNotFoundError: No module named 'jwt'", header + "\n  File \"a.py\"\n" + jwt, "\x1b[31mquery took 12ms\x1b[0m", "\x1b[", "\x1b[\xff数据库会话错误\r\n", "query took \xffms",
		"ImportError: No module named \xff\x00", "用户认证耗时过长: 1..ms", "  + Exception Group " + header,
	} {
		f.Add(1, 2, []byte(text), []byte(text))
	}
	set := compile(f, append(logpattern.Builtin(), slowQuery(), lookingFor("own", `(?i)error|\x{FFFD}`))...)
	f.Fuzz(func(t *testing.T, one, other int, first, second []byte) {
		read := func() (all []probe.Match) {
			reader := set.Reader()
			for _, e := range []struct {
				pid  int
				text []byte
			}{{one, first}, {other, second}, {one, second}, {other, first}} {
				all = append(all, reader.Line(e.pid, now, e.text)...)
			}
			return all
		}
		matches := read()
		if diff := cmp.Diff(matches, read()); diff != "" {
			t.Errorf("again (-first +then):\n%s", diff)
		}
		for _, m := range matches {
			if len(m.Before) > 20 || len(m.Module) > 128 || !utf8.ValidString(m.Module) {
				t.Errorf("%+v", m)
			}
			for _, text := range append(m.Before, m.Text) {
				if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 500 || strings.ContainsAny(text, "\n\r\t\x1b\x00") {
					t.Errorf("%q", text)
				}
			}
		}
	})
}
