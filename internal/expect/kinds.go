package expect

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
)

// What a function takes.
const (
	wantsList    = "a list"
	wantsSized   = "text, a list or an object"
	wantsObject  = "an object"
	wantsText    = "text"
	wantsNumber  = "a number"
	wantsNumbers = "a number or a list of numbers"
	wantsScalar  = "a number or text"
	wantsWhole   = "a whole number"
)

// take lets an operand of a function pass that is of the kind that it takes, and pays for looking at it.
func take(operands ...any) (any, error) {
	s, operand, wanted := operands[0].(*scope), operands[1], operands[2].(string)
	right := false
	steps := int64(1)
	switch v := operand.(type) {
	case string:
		right, steps = wanted == wantsText || wanted == wantsSized || wanted == wantsScalar, int64(len(v))
	case int:
		right = wanted == wantsWhole || wanted == wantsNumber || wanted == wantsNumbers || wanted == wantsScalar
	case float64:
		_, whole := wholeNumber(v)
		right = wanted == wantsNumber || wanted == wantsNumbers || wanted == wantsScalar && math.Abs(v) < 1<<63 || wanted == wantsWhole && whole
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
		return nil, wrong("%s is wanted, not %s", wanted, shown(operand))
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

// shown is a number as it is; of what else there is, the kind says enough.
func shown(v any) string {
	if _, is := asFloat(v); is {
		return fmt.Sprint(v)
	}
	return kindOf(v)
}

// plain is a text as it is, or a number as it was printed. A number of which digits have been lost is none: two of them
// may have become one.
func plain(v any) (string, bool) {
	if text, is := v.(string); is {
		return text, true
	}
	number, is := asFloat(v)
	if !is || !(math.Abs(number) < exact) {
		return "", false
	}
	return strconv.FormatFloat(number, 'f', -1, 64), true
}

// exact is the first whole number that a float64 may hold in place of its neighbour.
const exact = 1 << 53
