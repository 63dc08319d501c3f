package expect

import (
	"fmt"
	"math"
	"net/http"
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
)

// What a function takes.
const (
	wantsList    = "a list"
	wantsSized   = "text, a list or an object"
	wantsObject  = "an object"
	wantsText    = "text"
	wantsNumber  = "a number"
	wantsNumbers = "numbers"
	wantsScalar  = "a number or text"
)

// operandError says what an operator cannot do with what it was given.
type operandError struct{ problem string }

func (e *operandError) Error() string { return e.problem }

func wrong(format string, args ...any) error { return &operandError{fmt.Sprintf(format, args...)} }

// operators are the checked ones. Their last operand is what was written, where it is of use in an error.
func operators() []expr.Option {
	return []expr.Option{
		expr.Function(prefix+opField, field, new(func(any, any, string) any)),
		expr.Function(prefix+opAsk, ask, new(func(any, any, string) any)),
		expr.Function(prefix+opAskOptional, askOptional, new(func(any, any, string) any)),
		expr.Function(prefix+opNumber, number, new(func(any) any)),
		expr.Function(prefix+opTake, take, new(func(any, any, string) any)),
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
	}
}

// spend takes steps from what is left.
func (s *scope) spend(steps int64) error {
	if s.steps -= steps; s.steps < 0 {
		return wrong("more work than a body of this size may cost")
	}
	return nil
}

func field(operands ...any) (any, error) {
	value, found, err := fetch(operands[0], operands[1], operands[2].(string))
	if err == nil && !found {
		return nil, absent(operands[1], operands[2].(string))
	}
	return value, err
}

// ask is access to a field that may be absent: then it is null.
func ask(operands ...any) (any, error) {
	value, _, err := fetch(operands[0], operands[1], operands[2].(string))
	return value, err
}

// askOptional is a list of one, the field of an object that may be null itself: then there is no list.
func askOptional(operands ...any) (any, error) {
	if operands[0] == nil {
		return nil, nil
	}
	value, err := ask(operands...)
	return []any{value}, err
}

// fetch reads a field of an object, an element of a list, or a header. source is how the object was written.
func fetch(from, key any, source string) (value any, found bool, err error) {
	switch from := from.(type) {
	case map[string]any:
		if name, is := key.(string); is {
			value, found = from[name]
			return value, found, nil
		}
	case http.Header:
		if name, is := key.(string); is {
			values, found := from[http.CanonicalHeaderKey(name)]
			if !found {
				return nil, false, nil
			}
			return strings.Join(values, ", "), true, nil
		}
	case []any:
		if index, is := wholeNumber(key); is {
			index, found = within(index, len(from))
			if !found {
				return nil, false, nil
			}
			return from[index], true, nil
		}
	}
	if name, is := key.(string); is {
		return nil, false, wrong("%s is %s: it has no field %q", source, kindOf(from), Excerpt(name))
	}
	return nil, false, wrong("%s is %s: it has no element at %s", source, kindOf(from), shown(key))
}

func absent(key any, source string) error {
	if name, is := key.(string); is {
		return wrong("%s has no field %q", source, Excerpt(name))
	}
	return wrong("%s has no element at %s", source, shown(key))
}

// within is an index from the list's beginning; a negative one counts from its end.
func within(index, length int) (int, bool) {
	if index < 0 {
		index += length
	}
	return index, index >= 0 && index < length
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return 0, false
}

// number lets a finite number pass: nothing that is computed may be NaN, which every comparison is false of.
func number(operands ...any) (any, error) {
	switch v := operands[0].(type) {
	case int:
		return v, nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v, nil
		}
		return nil, wrong("the result is not a number: divided by zero, or too large")
	}
	return nil, wrong("numbers are wanted to calculate with, not %s", kindOf(operands[0]))
}

func equality(wanted bool) func(...any) (any, error) {
	return func(operands ...any) (any, error) {
		same, err := operands[0].(*scope).equal(operands[1], operands[2])
		return same == wanted, err
	}
}

// equal compares values of one kind.
func (s *scope) equal(a, b any) (bool, error) {
	if x, is := asFloat(a); is {
		if y, is := asFloat(b); is {
			return x == y, nil
		}
		return false, unlike(a, b)
	}
	switch x := a.(type) {
	case nil:
		if b == nil {
			return true, nil
		}
	case bool:
		if y, is := b.(bool); is {
			return x == y, nil
		}
	case string:
		if y, is := b.(string); is {
			return x == y, nil
		}
	case []any, []int:
		if y, is := asList(b); is {
			x, _ := asList(x)
			return s.equalLists(x, y)
		}
	case map[string]any:
		if y, is := b.(map[string]any); is {
			return s.equalObjects(x, y)
		}
	}
	return false, unlike(a, b)
}

func unlike(a, b any) error { return wrong("comparing %s with %s", kindOf(a), kindOf(b)) }

func (s *scope) equalLists(a, b []any) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if err := s.spend(elementSteps); err != nil {
			return false, err
		}
		if same, err := s.equal(a[i], b[i]); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (s *scope) equalObjects(a, b map[string]any) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	if err := s.spend(elementSteps * int64(len(a))); err != nil {
		return false, err
	}
	for name := range a {
		if _, found := b[name]; !found {
			return false, nil
		}
	}
	all := true
	for name, x := range a { // each of them: an error is one whatever the order
		same, err := s.equal(x, b[name])
		if err != nil {
			return false, err
		}
		all = all && same
	}
	return all, nil
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

// in asks an object or the headers for a field, and a list for an element. An element of another kind is an error unless
// one is found.
func in(operands ...any) (any, error) {
	s, needle := operands[0].(*scope), operands[1]
	if items, is := asList(operands[2]); is {
		return s.inList(needle, items)
	}
	name, isText := needle.(string)
	switch from := operands[2].(type) {
	case map[string]any:
		if isText {
			_, found := from[name]
			return found, nil
		}
	case http.Header:
		if isText {
			_, found := from[http.CanonicalHeaderKey(name)]
			return found, nil
		}
	}
	return false, wrong("looking for %s in %s", kindOf(needle), kindOf(operands[2]))
}

func (s *scope) inList(needle any, items []any) (any, error) {
	var unlike error
	for _, item := range items {
		if err := s.spend(elementSteps); err != nil {
			return false, err
		}
		same, err := s.equal(item, needle)
		if same {
			return true, nil
		}
		if err != nil && unlike == nil {
			unlike = err
		}
	}
	return false, unlike
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

// take lets an operand of a function pass that is of the kind that it takes, and pays for looking at it.
func take(operands ...any) (any, error) {
	s, operand, wanted := operands[0].(*scope), operands[1], operands[2].(string)
	right := false
	steps := int64(1)
	switch v := operand.(type) {
	case string:
		right, steps = wanted == wantsText || wanted == wantsSized || wanted == wantsScalar, int64(len(v))
	case int:
		right = wanted == wantsNumber || wanted == wantsNumbers || wanted == wantsScalar
	case float64:
		right = wanted == wantsNumber || wanted == wantsNumbers || wanted == wantsScalar && math.Abs(v) < 1<<63
	case map[string]any:
		right = wanted == wantsObject || wanted == wantsSized
		if wanted == wantsObject {
			steps = elementSteps * int64(len(v))
		}
	case []int:
		right, steps = wanted == wantsList || wanted == wantsNumbers || wanted == wantsSized, elementSteps*int64(len(v))
	case []any:
		right, steps = wanted == wantsList || wanted == wantsSized || wanted == wantsNumbers && areNumbers(v), elementSteps*int64(len(v))
	}
	if !right {
		return nil, wrong("%s is wanted, not %s", wanted, kindOf(operand))
	}
	return operand, s.spend(steps)
}

func areNumbers(items []any) bool {
	for _, item := range items {
		if _, is := asFloat(item); !is {
			return false
		}
	}
	return len(items) > 0
}

func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

// asList is a list of the body's, or a range of an expression's.
func asList(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case []int:
		items := make([]any, len(v))
		for i, n := range v {
			items[i] = n
		}
		return items, true
	}
	return nil, false
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "text"
	case int, float64:
		return "a number"
	case []any, []int:
		return "a list"
	case http.Header:
		return "the headers"
	default:
		return "an object"
	}
}

func shown(key any) string {
	if _, is := asFloat(key); is {
		return fmt.Sprint(key)
	}
	return kindOf(key)
}
