package expect

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
)

// prefix cannot stand in an expression's text, so nobody can call an operator by its name.
const prefix = "#"

const (
	opField       = "field"
	opAsk         = "ask"
	opAskOptional = "askOptional"
	opNumber      = "number"
	opTake        = "take"
	opText        = "text"
)

// operandError says what an operator cannot do with what it was given.
type operandError struct{ problem string }

func (e *operandError) Error() string { return e.problem }

func wrong(format string, args ...any) error { return &operandError{fmt.Sprintf(format, args...)} }

// operators are the checked ones. Their last operand is what was written, where it is of use in an error.
func operators() []expr.Option {
	options := []expr.Option{
		expr.Function(prefix+opField, field, new(func(any, any, string) any)),
		expr.Function(prefix+opAsk, ask, new(func(any, any, string) any)),
		expr.Function(prefix+opAskOptional, askOptional, new(func(any, any, string) any)),
		expr.Function(prefix+opNumber, number, new(func(any) any)),
		expr.Function(prefix+opTake, take, new(func(any, any, string) any)),
		expr.Function(prefix+opText, textAt, new(func(any, int) string)),
		expr.Function(prefix+"==", equality(true), new(func(any, any, any) bool)),
		expr.Function(prefix+"!=", equality(false), new(func(any, any, any) bool)),
		expr.Function(prefix+"<", ordering(func(c int) bool { return c < 0 }), new(func(any, any) bool)),
		expr.Function(prefix+"<=", ordering(func(c int) bool { return c <= 0 }), new(func(any, any) bool)),
		expr.Function(prefix+">", ordering(func(c int) bool { return c > 0 }), new(func(any, any) bool)),
		expr.Function(prefix+">=", ordering(func(c int) bool { return c >= 0 }), new(func(any, any) bool)),
		expr.Function(prefix+"in", in, new(func(any, any, any) bool)),
		expr.Function(prefix+"contains", textual("contains", strings.Contains), new(func(any, any, any) bool)),
		expr.Function(prefix+"startsWith", textual("startsWith", strings.HasPrefix), new(func(any, any, any) bool)),
		expr.Function(prefix+"endsWith", textual("endsWith", strings.HasSuffix), new(func(any, any, any) bool)),
		expr.Function(prefix+"matches", matches, new(func(any, any, *pattern) bool)),
		expr.Function(prefix+"keys", keys, new(func(any) any)),
		expr.Function(prefix+"values", values, new(func(any) any)),
	}
	for name, calculate := range calculations {
		options = append(options, expr.Function(prefix+name, calculating(calculate), new(func(any, any) any)))
	}
	return options
}

// spend takes steps from what is left.
func (s *scope) spend(steps int64) error {
	if s.steps -= steps; s.steps < 0 {
		return wrong("more work than a text of this size may cost")
	}
	return nil
}

func ordering(holds func(int) bool) func(...any) (any, error) {
	return func(operands ...any) (any, error) {
		order, err := compare(operands[0], operands[1])
		return err == nil && holds(order), err
	}
}

func compare(a, b any) (int, error) {
	if x, is := asFloat(a); is {
		if y, is := asFloat(b); is {
			switch {
			case x < y:
				return -1, nil
			case x > y:
				return 1, nil
			}
			return 0, nil
		}
	}
	if x, is := a.(string); is {
		if y, is := b.(string); is {
			return strings.Compare(x, y), nil
		}
	}
	return 0, unlike(a, b)
}

func textual(name string, holds func(text, part string) bool) func(...any) (any, error) {
	return func(operands ...any) (any, error) {
		text, isText := operands[1].(string)
		part, isPart := operands[2].(string)
		if !isText || !isPart {
			return false, wrong("%s is for two texts, not for %s and %s", name, kindOf(operands[1]), kindOf(operands[2]))
		}
		if err := operands[0].(*scope).spend(int64(len(text))); err != nil {
			return false, err
		}
		return holds(text, part), nil
	}
}

func matches(operands ...any) (any, error) {
	text, is := operands[1].(string)
	if !is {
		return false, wrong("matches is for a text, not for %s", kindOf(operands[1]))
	}
	pattern := operands[2].(*pattern)
	if err := operands[0].(*scope).spend(int64(len(text)) * pattern.steps); err != nil {
		return false, err
	}
	return pattern.MatchString(text), nil
}
