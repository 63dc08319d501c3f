package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"postflight/internal/logpattern"
)

var (
	regexpKind  = kind{name: "regular expression", limits: "4 KiB at most", tag: textTag, read: readRegexp}
	formulaKind = kind{name: "expression", tag: textTag, read: readFormula}
)

// regexpText is a regular expression that can be compiled.
type regexpText struct {
	text string
	size int // see logpattern.Size
}

func readRegexp(text string) (any, error) {
	unfit := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' })
	switch {
	case text == "":
		return nil, errors.New("the regular expression is empty; write one such as 'worker \\d+ was lost'")
	case strings.ContainsAny(text, "\r\n"):
		return nil, errors.New("the regular expression holds the end of a line, and is looked for within one; write it on one line, in single quotes")
	case unfit >= 0:
		return nil, fmt.Errorf("the regular expression holds the control character %U; put it in single quotes, where YAML leaves \\b and the like as they are", []rune(text[unfit:])[0])
	}
	size, err := logpattern.Size(text)
	return regexpText{text, size}, err
}

// readFormula leaves it to later what is over names that stand elsewhere.
func readFormula(text string) (any, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("there is no expression; write one such as 'float(ms) / 1000'")
	}
	return text, nil
}

// maxRegexps is how large all regular expressions of a file may be together: more than anybody writes. With repeats, a file
// could ask for gigabytes.
const maxRegexps = 200_000

// regexp gives a regular expression's text.
func (b *builder) regexp(v *value) string {
	if v == nil || v.wrong {
		return ""
	}
	expression := v.got.(regexpText)
	before := b.size
	if b.size += expression.size; before <= maxRegexps && b.size > maxRegexps {
		b.say(v.place, "with this one all regular expressions together are too large, once their repeats are written out; write smaller counts, or fewer patterns")
	}
	return expression.text
}
