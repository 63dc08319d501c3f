package builtin

import (
	"fmt"
	"math"
	"strconv"

	"postflight/internal/expect"
)

// object is the answer's body, if it is a JSON object.
func object(a expect.Answer) (map[string]any, bool) {
	body, ok := a.Body.(map[string]any)
	return body, ok && a.NotJSON == nil
}

// amount is a decoded value that counts or measures something.
func amount(v any) (float64, bool) {
	number, ok := v.(float64)
	return number, ok && number >= 0 && !math.IsInf(number, 0)
}

// saysNothing reports whether an optional field is left out, null, or a number below 0: backends measure with clocks that
// are set back.
func saysNothing(v any) bool {
	number, isNumber := v.(float64)
	return v == nil || isNumber && number < 0
}

// described is a decoded value that is not what was wanted, in words.
func described(v any, present bool) string {
	switch v := v.(type) {
	case nil:
		if !present {
			return "nothing"
		}
		return "null"
	case string:
		return "the text " + strconv.Quote(expect.Excerpt(v))
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprint(v)
	}
}
