package expect_test

import (
	"math"
	"strings"
	"testing"

	"postflight/internal/expect"
)

func compileFormula(t testing.TB, text string, names ...string) *expect.Formula {
	t.Helper()
	f, err := expect.CompileFormula(text, names)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

func TestFormula(t *testing.T) {
	tests := []struct {
		text   string // over ms, unit and status
		values []string
		want   float64
	}{
		{`float(ms)`, []string{"1534.2", "", ""}, 1534.2},
		{`float(ms) / 1000`, []string{"1534.2", "", ""}, 1.5342},
		{`int(ms)`, []string{"12", "", ""}, 12},
		{`7`, []string{"", "", ""}, 7},
		{`len(unit)`, []string{"", "ms", ""}, 2},
		{`float(ms) / (unit == "ms" ? 1000 : 1)`, []string{"500", "ms", ""}, 0.5},
		{`float(ms) / (unit == "ms" ? 1000 : 1)`, []string{"500", "s", ""}, 500},
		{`unit startsWith "m" and unit matches "^ms$" ? 1 : 0`, []string{"", "ms", ""}, 1},
		{`lower(trim(unit)) in ["s", "ms"] ? max(float(ms), 1) : 0`, []string{"0.5", " MS ", ""}, 1},
		{`-round(float(ms)) * 2`, []string{"12.6", "", ""}, -26},
		{`int(status) + int(ms)`, []string{"1", "", "200"}, 201}, // a name of an answer's is one like any other
	}
	for _, tt := range tests {
		got, err := compileFormula(t, tt.text, "ms", "unit", "status").Number(tt.values)
		if got != tt.want || err != nil {
			t.Errorf("%s of %q: %v, %v; want %v", tt.text, tt.values, got, err, tt.want)
		}
	}
}

func TestFormulaThatYieldsNoNumber(t *testing.T) {
	tests := []struct{ text, ms, want string }{
		{`float(ms)`, "", `column 1: invalid operation: float()`},
		{`float(ms)`, "fast", `column 1: invalid operation: float(fast)`},
		{`float(ms)`, "NaN", `the result is not a number: divided by zero, or too large`},
		{`float(ms)`, "-Inf", `the result is not a number: divided by zero, or too large`},
		{`1 / float(ms)`, "0", `the result is not a number: divided by zero, or too large`},
		{`int(ms)`, "1.5", `column 1: invalid operation: int(1.5)`},
		{`[1, ms][int(ms)]`, "1", `the expression yields text, not a number`},
		{`ms == "1" ? 1 : nil`, "2", `the expression yields null, not a number`},
		{`len(map(1..900000, #)) + len(map(1..900000, #))`, "", `more work than a text of this size may cost`},
	}
	for _, tt := range tests {
		got, err := compileFormula(t, tt.text, "ms").Number([]string{tt.ms})
		if got != 0 || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s of %q: %v, %v; want %s", tt.text, tt.ms, got, err, tt.want)
		}
	}
}

func TestCompileFormulaRefuses(t *testing.T) {
	tests := []struct {
		text, problem string // over ms
		column        int
	}{
		{``, `an empty expression`, 1},
		{`float(ms`, `it ends too early; write what is missing, or close what is open`, 8},
		{`float(sec)`, `unknown name sec`, 7},
		{`body.total`, `unknown name body`, 1},
		{`status`, `unknown name status`, 1},
		{`ms`, `the expression yields text, not a number; float(…) makes one of a text`, 1},
		{`ms == "1"`, `the expression yields true or false, not a number`, 4},
		{`[1]`, `the expression yields a list, not a number`, 1},
		{`{"a": 1}`, `the expression yields an object, not a number`, 1},
		{`nil`, `the expression yields null, not a number`, 1},
		{`ms / 1000`, `/ is not for text and a number; write float(…) around the text`, 4},
		{`now()`, `there is no function now`, 1},
		{`len($env)`, `$env cannot be used here`, 5},
	}
	for _, tt := range tests {
		_, err := expect.CompileFormula(tt.text, []string{"ms"})
		wantSyntaxError(t, tt.text, err, 1, tt.column, tt.problem)
	}
}

// FuzzFormula: whatever the text and what the names stand for, a formula is refused, or yields a finite number or an error
// on one line.
func FuzzFormula(f *testing.F) {
	for _, text := range []string{`float(a) / 1000`, `int(b)`, `a == b ? 1 : len(a)`, `[float(a), b][0]`, `sum(map([a, b], float(#)))`} {
		f.Add(text, "1.5", "\xff")
	}
	f.Fuzz(func(t *testing.T, text, a, b string) {
		formula, err := expect.CompileFormula(text, []string{"a", "b"})
		if err != nil {
			return
		}
		got, err := formula.Number([]string{a, b})
		if math.IsNaN(got) || math.IsInf(got, 0) || err != nil && (got != 0 || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q of %q and %q: %v, %v", text, a, b, got, err)
		}
	})
}
