package logpattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"postflight/internal/expect"
)

const (
	maxExpression = 4 << 10 // bytes of a regular expression
	maxSize       = 10_000  // see Size
)

// Size tells how large a regular expression is: its characters, all repeats written out, and the ranges of its classes. So
// much time and memory it takes. Where the place of an error is known the error is an *expect.SyntaxError.
func Size(expression string) (int, error) {
	if len(expression) > maxExpression {
		return 0, fmt.Errorf("an expression of %d bytes; at most %d are allowed", len(expression), maxExpression)
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		return 0, mistake(expression, wrong)
	}
	if err != nil {
		return 0, err
	}
	steps, ranges := measured(parsed)
	if steps+ranges > maxSize {
		return 0, errTooLarge
	}
	return steps + ranges, nil
}

var errTooLarge = errors.New("the expression is too large once all its repeats are written out; write smaller counts, or smaller classes of characters")

func measured(re *syntax.Regexp) (steps, ranges int) {
	steps = 1
	switch re.Op {
	case syntax.OpRepeat:
		steps = 0
	case syntax.OpLiteral:
		steps = len(re.Rune)
	case syntax.OpCharClass:
		ranges = len(re.Rune) / 2
	}
	for _, sub := range re.Sub {
		within, classes := measured(sub)
		steps, ranges = steps+within, ranges+classes
	}
	if re.Op == syntax.OpRepeat {
		times := re.Max
		if times < 0 { // no limit: one of them goes round
			times = re.Min + 1
		}
		steps *= max(times, 1)
	}
	return steps, ranges
}

func compileRegexp(text string) (*regexp.Regexp, error) {
	if _, err := Size(text); err != nil {
		return nil, err
	}
	return regexp.Compile(text)
}

// mistakes say what is wrong with an expression, where there is more to say than regexp/syntax does.
var mistakes = map[syntax.ErrorCode]string{
	syntax.ErrInvalidCharRange:      "RE2 knows no such class of characters; a range goes up, as a-z does",
	syntax.ErrInvalidEscape:         `RE2 knows no such escape; write \\ for a backslash`,
	syntax.ErrInvalidNamedCapture:   "no name of a group; write letters, digits and _ between < and >",
	syntax.ErrInvalidPerlOp:         "RE2 knows no such group, and cannot look ahead or back; what a line must not hold goes into exclude",
	syntax.ErrInvalidRepeatOp:       "a repeat of a repeat; leave one out",
	syntax.ErrInvalidRepeatSize:     "a repeat that cannot be; write at most 1000, and the smaller number first",
	syntax.ErrMissingBracket:        `it is never closed; write ] after it, or \[ for the character`,
	syntax.ErrMissingParen:          `it is never closed; write ) after it, or \( for the character`,
	syntax.ErrMissingRepeatArgument: `there is nothing to repeat; write what, or \ before it for the character`,
	syntax.ErrTrailingBackslash:     `nothing follows it; write \\ for a backslash`,
	syntax.ErrUnexpectedParen:       `it closes nothing; leave it out, or write \) for the character`,
}

// mistake says what is wrong with an expression, and where.
func mistake(text string, wrong *syntax.Error) error {
	if wrong.Code == syntax.ErrLarge {
		return errTooLarge
	}
	problem, known := mistakes[wrong.Code]
	if !known {
		problem = wrong.Code.String()
	}
	if at, found := place(text, wrong); found {
		return expect.SyntaxErrorAt(text, utf8.RuneCountInString(text[:at]), problem)
	}
	return fmt.Errorf("%s: `%s`", problem, expect.Excerpt(wrong.Expr))
}

// maxTries bounds how often an expression is parsed in order to find its mistake.
const maxTries = 20

// place finds where an expression is wrong: regexp/syntax says only what stands there. Up to the end of that the text is
// wrong in the same way, and before it is not.
func place(text string, wrong *syntax.Error) (at int, found bool) {
	what := wrong.Expr
	switch wrong.Code {
	case syntax.ErrMissingParen:
		return unclosed(text)
	case syntax.ErrUnexpectedParen:
		what = ")"
	case syntax.ErrTrailingBackslash:
		return len(text) - 1, true
	case syntax.ErrNestingDepth, syntax.ErrInternalError:
		return 0, false
	}
	for range maxTries {
		next := strings.Index(text[at:], what)
		if next < 0 {
			break
		}
		at += next
		var same *syntax.Error
		if _, err := syntax.Parse(text[:at+len(what)], syntax.Perl); errors.As(err, &same) && same.Code == wrong.Code {
			return at, true
		}
		at++
	}
	return 0, false
}

// unclosed finds the last bracket with nothing open before it.
func unclosed(text string) (at int, found bool) {
	at = len(text)
	for range maxTries {
		if at = strings.LastIndexByte(text[:at], '('); at < 0 {
			break
		}
		if _, err := syntax.Parse(text[:at], syntax.Perl); err == nil {
			return at, true
		}
	}
	return 0, false
}
