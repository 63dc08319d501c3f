package expect_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
)

func compileValue(t testing.TB, text string) *expect.Expression {
	t.Helper()
	return compiled(t, text, expect.CompileValue)
}

func TestValue(t *testing.T) {
	type object = map[string]any
	type list = []any
	tests := []struct {
		text string
		want any
	}{
		{`body.total`, 3.0}, {`body.state`, "up"}, {`body.open`, true}, {`body.nothing`, nil}, {`body.nested`, object{"deep": object{"n": 1.0}}}, {`body.numbers`, list{1.0, 2.0, 3.0}},
		{`status`, 200}, {`duration`, 1.5}, {`header.etag`, "x"}, {`header["x-two"]`, "a, b"}, {`len(body.items)`, 2}, {`body.total > 2`, true},
		{`body?.absent`, nil}, {`body.absent ?? 0`, 0}, {`body.numbers[-1]`, 3.0}, {`body.open ? 1 : 2`, 1}, {`"v" in body ? body.v : body.state`, "up"},
		{`map(body.items, .price)`, list{1.5, 2.5}}, {`sum(body.items, .price)`, 4.0}, {`find(body.items, .id == 2).tag`, "b"}, {`[body.total, 1]`, list{3.0, 1}},
		{`body.total + status * 2`, 403.0}, {`body.total / 2`, 1.5}, {`body.total % 2`, 1.0}, {`2 ** 3`, 8.0}, {`-body.total`, -3.0}, {`int(body.total / 2)`, 1.0}, {`sum(body.empty)`, 0.0},
		{`int("12") % 5`, 2.0}, {`body.items[len(body.items) - 1].id`, 2.0}, {`map(1..body.total, # * 2)`, list{2.0, 4.0, 6.0}}, {`map(int(body.total)-1..4, #)`, list{2, 3, 4}},
		// an object's fields come in order, however often it is asked
		{`keys(body.items[0])`, list{"id", "price", "tag"}}, {`values(body.items[0])`, list{1.0, 1.5, "a"}},
		// no whole number wraps around
		{`int(body.total) * 4611686018427387904`, 3.0 * (1 << 62)}, {`9223372036854775807 + status`, 9223372036854775807.0}, {`sum(map(body.numbers, int(9e18)))`, 2.7e19},
	}
	a := answer(t, orders)
	for _, tt := range tests {
		got, err := compileValue(t, tt.text).Value(a)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.text, err, diff)
		}
	}
}

// TestValueThatIsAnError: each of these yields something, quietly, in expr's own terms.
func TestValueThatIsAnError(t *testing.T) {
	tests := []struct{ text, body, want string }{
		{`body.absent`, orders, `body has no field "absent"`},
		{`body.nested.absent`, orders, `body.nested has no field "absent"`},
		{`body?.absent.deeper`, orders, `body?.absent is null: it has no field "deeper"`},
		{`header["x-none"]`, orders, `header has no field "x-none"`},
		{`body.numbers[7]`, orders, `body.numbers has no element at 7`},
		{`body.items.id`, orders, `body.items is a list: it has no field "id"`},
		{`map(body.items, .absent)`, orders, `# has no field "absent"`},
		{`map(body.mixed, .id)`, orders, `# is a number: it has no field "id"`},
		{`map(body.nested, #)`, orders, `a list is wanted, not an object`},
		{`find(body.items, .id == 9).tag`, orders, `find(body.items, .id == 9) is null: it has no field "tag"`},
		{`body.items[findIndex(body.items, .id == 9)]`, orders, `body.items is a list: it has no element at null`},
		{`body.total + body.nothing`, orders, `numbers are wanted to calculate with, not null`},
		{`body.nothing + body.total`, orders, `numbers are wanted to calculate with, not null`},
		{`body.state + body.state`, orders, `numbers are wanted to calculate with, not text`},
		{`body.open + 1`, orders, `numbers are wanted to calculate with, not true or false`},
		{`body.total * body.state`, orders, `numbers are wanted to calculate with, not text`},
		{`-body.state`, orders, `column 1: invalid operation: - string`},
		{`sum(body.mixed)`, orders, `column 1: invalid operation: string + float64`},
		{`sum(body.texts)`, `{"texts": ["a"]}`, `column 1: invalid operation: string + int`},
		{`sum(body.nothing)`, orders, `a list is wanted, not null`},
		{`max(body.empty)`, orders, `a number or a list of numbers is wanted, not a list`},
		{`len(body.total)`, orders, `text, a list or an object is wanted, not 3`},
		{`keys(header)`, orders, `an object is wanted, not the headers`},
		{`values(body.empty)`, orders, `an object is wanted, not a list`},
		{`body.total / body.zero`, orders, `the result is not a number: divided by zero, or too large`},
		{`body.total % body.zero`, orders, `the result is not a number: divided by zero, or too large`},
		{`body.huge ** 2`, orders, `the result is not a number: divided by zero, or too large`},
		{`(-body.total) ** 0.5`, orders, `the result is not a number: divided by zero, or too large`},
		{`float(body.nan)`, orders, `the result is not a number: divided by zero, or too large`},
		{`int(body.state)`, orders, `column 1: invalid operation: int(up)`},
		{`int(body.huge)`, orders, `a number or text is wanted, not 1e+300`},
		{`map(1..body.huge, 0)`, orders, `a whole number is wanted, not 1e+300`},
		{`map(1..body.half, 0)`, `{"half": 1.5}`, `a whole number is wanted, not 1.5`},
		{`map(1..body.state, 0)`, orders, `a whole number is wanted, not text`},
		{`body.total ? 1 : 2`, orders, `column 18: a value of another kind than is wanted there`},
		{`count(body.numbers)`, orders, `column 1: a value of another kind than is wanted there`},
		{`body.total`, `null`, `body is null: it has no field "total"`},
		{`body.total`, `[]`, `body is a list: it has no field "total"`},
		{`body.total`, `"total"`, `body is text: it has no field "total"`},
		// 9007199254740993 arrives as 9007199254740992
		{`body.id == 9007199254740993`, `{"id": 9007199254740992}`, `numbers of 2^53 and more have lost digits: whether they are equal cannot be said`},
		{`body.id != 9007199254740993`, `{"id": 9007199254740992}`, `numbers of 2^53 and more have lost digits: whether they are equal cannot be said`},
		{`body.id in [9007199254740993]`, `{"id": 9007199254740992}`, `numbers of 2^53 and more have lost digits: whether they are equal cannot be said`},
		{`body == {"id": 1e300}`, `{"id": 1e300}`, `numbers of 2^53 and more have lost digits: whether they are equal cannot be said`},
	}
	for _, tt := range tests {
		got, err := compileValue(t, tt.text).Value(answer(t, tt.body))
		if got != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}

func TestNumbersThatAreFarApartAreNotEqual(t *testing.T) {
	a := answer(t, `{"id": 9007199254740992}`)
	for _, text := range []string{`body.id != 5`, `not (body.id == 9007199254740994)`, `body.id > 9007199254740990`, `body.id - 1 == 9007199254740991`} {
		if held, err := compile(t, text).Holds(a); !held || err != nil {
			t.Errorf("%s: %v, %v", text, held, err)
		}
	}
}

func TestCompileValueRefuses(t *testing.T) {
	tests := []struct {
		text         string
		line, column int
		problem      string
	}{
		{``, 1, 1, `an empty expression`},
		{`body.`, 1, 5, `it ends too early; write what is missing, or close what is open`},
		{`boddy.total`, 1, 1, `unknown name boddy`},
		{`len`, 1, 1, `len is a function: say of what, in brackets`},
		{`status + "1"`, 1, 8, `+ is not for a number and text; write the number without quotes`},
		{`get(body, "a")`, 1, 1, `there is no function get`},
		{`now()`, 1, 1, `there is no function now`},
		{`$env`, 1, 1, `$env cannot be used here`},
		{`body[1:]`, 1, 5, `a part of a list cannot be taken here`},
		{`map(body, map(#, #))`, 1, 18, `a condition on elements within another would take too long`},
		{`1e400`, 1, 5, `the number is too large, or none; write a smaller one`},
	}
	for _, tt := range tests {
		_, err := expect.CompileValue(tt.text)
		wantSyntaxError(t, tt.text, err, tt.line, tt.column, tt.problem)
	}
}

// FuzzValue: whatever the text and the body, an expression is refused, or yields a value of a known kind, the same each
// time, or an error on one line.
func FuzzValue(f *testing.F) {
	for _, text := range []string{
		`body.total`, `map(body.items, .price)`, `body?.a?.b ?? 5`, `values(body)`, `[1..size, header, {"a": body}]`, `sum(map(body, # * 2)) % 7`, `body[0] ? keys(body[1]) : -body`,
	} {
		f.Add(text, orders)
		f.Add(text, `[1, "a", null, {"a": 12345678901234567890}]`)
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		e, err := expect.CompileValue(text)
		if err != nil {
			return
		}
		a := expect.Answer{Status: 200, Raw: []byte(body), Size: int64(len(body))}
		if json.Unmarshal(a.Raw, &a.Body) != nil {
			a.Body = body
		}
		got, err := e.Value(a)
		if err != nil && (got != nil || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q of %q: %v, %v", text, body, got, err)
		}
		switch got.(type) {
		case nil, bool, string, int, float64, []any, []int, map[string]any, http.Header:
		default:
			t.Errorf("%q of %q is a %T", text, body, got)
		}
		if again, _ := e.Value(a); !cmp.Equal(got, again) {
			t.Errorf("%q of %q: first %v, then %v", text, body, got, again)
		}
	})
}
