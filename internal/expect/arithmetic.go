package expect

import "math"

// calculations are done in floating point throughout, as JSON's numbers are: whole ones of expr's would wrap around.
var calculations = map[string]func(a, b float64) float64{
	"+":  func(a, b float64) float64 { return a + b },
	"-":  func(a, b float64) float64 { return a - b },
	"*":  func(a, b float64) float64 { return a * b },
	"/":  func(a, b float64) float64 { return a / b },
	"%":  math.Mod,
	"**": math.Pow,
	"^":  math.Pow,
}

func calculating(calculate func(a, b float64) float64) func(...any) (any, error) {
	return func(operands ...any) (any, error) {
		a, isNumber := asFloat(operands[0])
		if !isNumber {
			return nil, noNumber(operands[0])
		}
		b, isNumber := asFloat(operands[1])
		if !isNumber {
			return nil, noNumber(operands[1])
		}
		return finite(calculate(a, b))
	}
}

// number lets a number pass that one of expr's own functions has calculated.
func number(operands ...any) (any, error) {
	v, isNumber := asFloat(operands[0])
	if !isNumber {
		return nil, noNumber(operands[0])
	}
	return finite(v)
}

func noNumber(v any) error { return wrong("numbers are wanted to calculate with, not %s", kindOf(v)) }

// finite lets a number pass that is one: nothing that is calculated may be NaN, which every comparison is false of.
func finite(v float64) (any, error) {
	if !isFinite(v) {
		return nil, wrong("the result is not a number: divided by zero, or too large")
	}
	return v, nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
