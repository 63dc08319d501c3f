package expect_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
)

const orders = `{
	"total": 3, "zero": 0, "open": true, "state": "up", "nothing": null, "empty": [], "numbers": [1, 2, 3], "mixed": [1, "a", null],
	"items": [{"id": 1, "price": 1.5, "tag": "a"}, {"id": 2, "price": 2.5, "tag": "b"}],
	"nested": {"deep": {"n": 1}}, "with-dash": 1, "nan": "NaN", "huge": 1e300
}`

// answer is an answer with a JSON body.
func answer(t testing.TB, body string) expect.Answer {
	t.Helper()
	a := expect.Answer{
		Status: 200, Raw: []byte(body), Size: int64(len(body)), Duration: 1500 * time.Millisecond,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Two": {"a", "b"}, "Etag": {"x"}},
	}
	if err := json.Unmarshal(a.Raw, &a.Body); err != nil {
		t.Fatal(err)
	}
	return a
}

func compile(t testing.TB, text string) *expect.Expression {
	t.Helper()
	return compiled(t, text, expect.Compile)
}

func compiled(t testing.TB, text string, by func(string) (*expect.Expression, error)) *expect.Expression {
	t.Helper()
	e, err := by(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func TestWhatHolds(t *testing.T) {
	a := answer(t, orders)
	for _, text := range []string{
		`true`, `body.open`,
		`status == 200`, `status in [200, 204]`, `status in 200..299`, `size > 100`, `duration == 1.5`, `duration < 2`,
		`header["Content-Type"] == "application/json"`, `header["content-type"] contains "json"`, `header.etag == "x"`, `header.ETag == "x"`,
		`header["X-Two"] == "a, b"`, `"x-two" in header`, `not ("x-none" in header)`, `header?.["x-none"] == nil`, `(header["x-none"] ?? "none") == "none"`,
		`body.total == 3`, `body.total >= 3 and body.total < 3.5`, `1 < body.total < 4`, `body["with-dash"] == 1`, `body["to" == "x" ? "y" : "total"] == 3`,
		`body.state == "up"`, `body.state != "down"`, `body.state in ["up", "ok"]`, `body.state startsWith "u" and body.state endsWith "p"`, `body.state matches "^u.$"`,
		`body.nothing == nil`, `nil == body.nothing`, `body.total != nil`, `body.nested.deep.n == 1`,
		// the ways to ask
		`body?.absent == nil`, `(body?.absent ?? 5) == 5`, `(body.absent ?? 5) == 5`, `(body?.absent?.deeper ?? 5) == 5`, `body?.absent?.a.b.c == nil`,
		`"total" in body`, `"absent" not in body`, `not ("absent" in body)`, `(body.nothing ?? 1) == 1`, `(body.zero ?? 1) == 0`, `body?.total == 3`,
		`body.nested?.deep.n == 1`, `(body.numbers[7] ?? 5) == 5`, `body.numbers?.[7] == nil`, `body?.nested.deep?.n == 1`, `body?.["total"] == 3`,
		// lists
		`body.numbers[0] == 1`, `body.numbers[-1] == 3`, `body.numbers == [1, 2, 3]`, `body.empty == []`, `len(body.items) == 2`, `2 in body.numbers`, `nil in [nil]`,
		`all(body.items, .price > 1)`, `any(body.items, .tag == "b")`, `none(body.items, .id == 7)`, `one(body.items, .id == 1)`, `count(body.items, .id > 1) == 1`,
		`sum(body.items, .price) == 4`, `sum(body.numbers) == 6`, `max(body.numbers) == 3`, `min(body.numbers) == 1`, `max(body.total, 7) == 7`,
		`find(body.items, .id == 2).tag == "b"`, `map(body.items, .id) == [1, 2]`, `len(filter(body.items, #.id == 1)) == 1`, `all(body.items, .id in body.numbers)`,
		`all(body.items, (.absent ?? 1) == 1)`, `sum(map(filter(body.items, .id > 1), .price)) == 2.5`,
		// objects, text, numbers
		`len(keys(body.nested)) == 1`, `all(values(body.nested), .n == 1)`, `body.nested == {"deep": {"n": 1}}`, `len(body.state) == 2`, `upper(trim(" a ")) == "A"`,
		`body.total * 2 + 1 == 7`, `-body.total == -3`, `body.total / 2 == 1.5`, `int(body.total) % 2 == 1`, `body.total ** 2 == 9`, `abs(-2) == 2`, `round(1.5) == 2`,
		`float("1.5") == 1.5`, `int("12") == 12`, `"a" < "b"`, `body.open ? true : body.absent`, `body.open or body.absent`, `not (body.open and false)`,
	} {
		if held, err := compile(t, text).Holds(a); !held || err != nil {
			t.Errorf("%s: %v, %v", text, held, err)
		}
	}
}

func TestWhatDoesNotHold(t *testing.T) {
	a := answer(t, orders)
	for _, text := range []string{
		`false`, `status == 404`, `body.total == 4`, `body.total != 3`, `body.total < 0`, `body.state == "down"`, `body.state matches "x"`,
		`"absent" in body`, `body?.absent != nil`, `7 in body.numbers`, `body.numbers == [1, 2]`, `any(body.empty, # == 1)`, `body.nested == {"deep": {"n": 2}}`,
		`body.items == nil`, `not body.open`, `body.open and body.total == 0`, `duration < 1`, `body.nested == {"other": 1}`,
	} {
		if held, err := compile(t, text).Holds(a); held || err != nil {
			t.Errorf("%s: %v, %v", text, held, err)
		}
	}
}

// TestWhatIsAnError: each of these passes, or quietly does not hold, where absent is null and null is nothing.
func TestWhatIsAnError(t *testing.T) {
	tests := []struct{ text, body, want string }{
		{`body.absent != 5`, orders, `body has no field "absent"`},
		{`not body.absent`, orders, `body has no field "absent"`},
		{`body.absent == nil`, orders, `body has no field "absent"`},
		{`body.nested.absent.deeper == 1`, orders, `body.nested has no field "absent"`},
		{`(body.absent.deeper ?? 5) == 5`, orders, `body has no field "absent"`},
		{`body["absent"] != 1`, orders, `body has no field "absent"`},
		{`not all(body.items, .absent)`, orders, `# has no field "absent"`},
		{`header["x-none"] != "x"`, orders, `header has no field "x-none"`},
		{`body.numbers[7] != 5`, orders, `body.numbers has no element at 7`},
		{`body.numbers[-4] != 5`, orders, `body.numbers has no element at -4`},
		{`body.empty[0] != 5`, orders, `body.empty has no element at 0`},
		{`body.numbers[0.5] != 5`, orders, `body.numbers is a list: it has no element at 0.5`},
		{`body.numbers["0"] != 5`, orders, `body.numbers is a list: it has no field "0"`},
		{`body.items.id != 5`, orders, `body.items is a list: it has no field "id"`},
		{`body.items?.id != 5`, orders, `body.items is a list: it has no field "id"`},
		{`(body.items.id ?? 5) == 5`, orders, `body.items is a list: it has no field "id"`},
		{`body.nothing.id != 5`, orders, `body.nothing is null: it has no field "id"`},
		{`(body.nothing.id ?? 5) == 5`, orders, `body.nothing is null: it has no field "id"`},
		{`body?.absent.deeper == nil`, orders, `body?.absent is null: it has no field "deeper"`},
		{`body.total.x != 1`, orders, `body.total is a number: it has no field "x"`},
		{`body.state.id != 5`, orders, `body.state is text: it has no field "id"`},
		{`body.state[0] != "d"`, orders, `body.state is text: it has no element at 0`},
		{`body[0] != 1`, orders, `body is an object: it has no element at 0`},
		{`body.total == "3"`, orders, `comparing a number with text`},
		{`body.total != "x"`, orders, `comparing a number with text`},
		{`body.state != 5`, orders, `comparing text with a number`},
		{`body.open != "yes"`, orders, `comparing true or false with text`},
		{`body.open != 0`, orders, `comparing true or false with a number`},
		{`body.nothing != 5`, orders, `comparing null with a number`},
		{`body?.absent != "error"`, orders, `comparing null with text`},
		{`body.items != body.nested`, orders, `comparing a list with an object`},
		{`body.numbers != ["a", "b", "c"]`, orders, `comparing a number with text`},
		{`not (body.state > 5)`, orders, `comparing text with a number`},
		{`not (body.nothing > 5)`, orders, `comparing null with a number`},
		{`not (body.open > body.open)`, orders, `comparing true or false with true or false`},
		{`not (body.items < body.items)`, orders, `comparing a list with a list`},
		{`not (body.total in ["a", "b"])`, orders, `comparing text with a number`},
		{`not ("b" in body.mixed)`, orders, `comparing a number with text`},
		{`not ("a" in body.nothing)`, orders, `looking for text in null`},
		{`not ("a" in body.state)`, orders, `looking for text in text`},
		{`not (5 in body)`, orders, `looking for a number in an object`},
		{`not (body.nothing contains "x")`, orders, `contains is for two texts, not for null and text`},
		{`not (body.numbers contains "x")`, orders, `contains is for two texts, not for a list and text`},
		{`not (body.nothing startsWith "x")`, orders, `startsWith is for two texts, not for null and text`},
		{`not (body.total endsWith "x")`, orders, `endsWith is for two texts, not for a number and text`},
		{`not (body.nothing matches "x")`, orders, `matches is for a text, not for null`},
		{`all(body.nested, true)`, orders, `a list is wanted, not an object`},
		{`all(body.nested.deep, true)`, orders, `a list is wanted, not an object`},
		{`none(body.state, # == "x")`, orders, `a list is wanted, not text`},
		{`all(body.nothing, false)`, orders, `a list is wanted, not null`},
		{`len(body.nothing) == 0`, orders, `text, a list or an object is wanted, not null`},
		{`len(body.total) != 1`, orders, `text, a list or an object is wanted, not 3`},
		{`len(keys(body.empty)) == 0`, orders, `an object is wanted, not a list`},
		{`sum(body.mixed) != 1`, orders, `column 1: invalid operation: string + float64`},
		{`max(body.mixed) != 7`, orders, `a number or a list of numbers is wanted, not a list`},
		{`max(body.empty) == nil`, orders, `a number or a list of numbers is wanted, not a list`},
		{`lower(body.total) != "x"`, orders, `text is wanted, not 3`},
		{`find(body.items, .id == 9).tag != "x"`, orders, `find(body.items, .id == 9) is null: it has no field "tag"`},
		{`body.zero / body.zero != 1`, orders, `the result is not a number: divided by zero, or too large`},
		{`not (body.total / body.zero < 1)`, orders, `the result is not a number: divided by zero, or too large`},
		{`not (body.huge * body.huge < 1)`, orders, `the result is not a number: divided by zero, or too large`},
		{`not (float(body.nan) > 1)`, orders, `the result is not a number: divided by zero, or too large`},
		{`int(body.huge) != 1`, orders, `a number or text is wanted, not 1e+300`},
		{`body.state + "x" != "y"`, orders, `numbers are wanted to calculate with, not text`},
		{`body.total`, orders, `the expression yields a number, not true or false`},
		{`body.nothing`, orders, `the expression yields null, not true or false`},
		{`not body.total`, orders, `column 1: a value of another kind than is wanted there`},
		{`body.total or true`, orders, `column 12: a value of another kind than is wanted there`},
		{`body.total > 0`, `null`, `body is null: it has no field "total"`},
		{`body?.total != 5`, `null`, `comparing null with a number`},
		{`body.total != 5`, `[]`, `body is a list: it has no field "total"`},
		{`body.total != 5`, `"text"`, `body is text: it has no field "total"`},
		{`body.total != 5`, `7`, `body is a number: it has no field "total"`},
		{`body?.total != 5`, `[]`, `body is a list: it has no field "total"`},
		{`all(body, true)`, `{}`, `a list is wanted, not an object`},
		{`not ("error" in body)`, `null`, `looking for text in null`},
		{`len(map(1..900000, [#, #])) > 0 and len(map(1..900000, #)) > 0`, orders, `more work than a text of this size may cost`},
	}
	for _, tt := range tests {
		held, err := compile(t, tt.text).Holds(answer(t, tt.body))
		if held || err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.text, held, err, tt.want)
		}
	}
}

func TestTextIsNoObject(t *testing.T) {
	a := expect.Answer{Status: 200, Body: "<html>", NotJSON: errors.New("no JSON"), Raw: []byte("<html>")}
	if held, err := compile(t, `body contains "<html"`).Holds(a); !held || err != nil {
		t.Errorf("%v, %v", held, err)
	}
	if held, err := compile(t, `header.etag != "x"`).Holds(a); held || err == nil {
		t.Errorf("without headers: %v, %v", held, err)
	}
}

func TestCompileRefuses(t *testing.T) {
	tests := []struct {
		text         string
		line, column int
		problem      string
	}{
		{``, 1, 1, `an empty expression`},
		{" \n", 1, 1, `an empty expression`},
		{strings.Repeat("x", 4097), 1, 1, `an expression of 4097 bytes; at most 4096 are allowed`},
		{"\xff", 1, 1, `the text is not UTF-8`},
		{`body.total >`, 1, 12, `it ends too early; write what is missing, or close what is open`},
		{`boddy.total > 1`, 1, 1, `unknown name boddy`},
		{"status == 200 and\n  boddy.total > 1", 2, 3, `unknown name boddy`},
		{`"日本" == boddy`, 1, 9, `unknown name boddy`},
		{`status == "200"`, 1, 8, `== is not for a number and text; write the number without quotes`},
		{`header.age < 60`, 1, 12, `< is not for text and a number; write float(…) around the text`},
		{`status and true`, 1, 8, `and is not for a number and true or false`},
		{`!status`, 1, 1, `! is not for a number`},
		{`body.n % 2.5 == 0`, 1, 8, `% is for whole numbers, and for any that the body holds; write int(…) around others`},
		{`body.n = 5`, 1, 8, `= compares nothing; write ==`},
		{`body.n == 5 & body.m`, 1, 13, `& is no operator; write and`},
		{`body.n is 5`, 1, 8, `is cannot stand here; see what is missing before it, or too much`},
		{`body.a == "x`, 1, 13, `a text that does not end; close its quotes`},
		{`body.(`, 1, 6, `a field's name is wanted here`},
		{`body.a == null`, 1, 11, `unknown name null; write nil`},
		{`99999999999999999999 > 0`, 1, 22, `the number is too large, or none; write a smaller one`},
		{`status`, 1, 1, `the expression yields a number, not true or false`},
		{`header.etag`, 1, 8, `the expression yields text, not true or false`},
		{`nil`, 1, 1, `the expression yields null, not true or false`},
		{`filter(body, true)`, 1, 1, `the expression yields a list, not true or false`},
		{`get(body, "a") != 5`, 1, 1, `there is no function get`},
		{`now() > now()`, 1, 1, `there is no function now`},
		{`body.a() == 1`, 1, 6, `there is no function body.a`},
		{`$env == nil`, 1, 1, `$env cannot be used here`},
		{`let a = body; a == 1`, 1, 5, `let cannot be used here`},
		{`true; false`, 1, 1, `one expression is wanted, not several`},
		{`body[1:2] == []`, 1, 5, `a part of a list cannot be taken here`},
		{`any(body, any(#, # == 1))`, 1, 18, `a condition on elements within another would take too long`},
		{`body matches body`, 1, 14, `a pattern has to be a text in quotes`},
		{`body matches "("`, 1, 14, "error parsing regexp: missing closing ): `(`"},
		{strings.Repeat("(", 13) + "true" + strings.Repeat(")", 13), 1, 13, `more than 12 brackets within each other`},
	}
	for _, tt := range tests {
		_, err := expect.Compile(tt.text)
		wantSyntaxError(t, tt.text, err, tt.line, tt.column, tt.problem)
	}
}

func wantSyntaxError(t *testing.T, text string, err error, line, column int, problem string) {
	t.Helper()
	var at *expect.SyntaxError
	if !errors.As(err, &at) {
		t.Errorf("%q: %v", text, err)
		return
	}
	got := fmt.Sprintf("%d:%d %s", at.Line, at.Column, at.Problem)
	if want := fmt.Sprintf("%d:%d %s", line, column, problem); got != want {
		t.Errorf("%q:\n got %s\nwant %s", text, got, want)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q: several lines: %v", text, err)
	}
}

func TestCaret(t *testing.T) {
	tests := []struct{ text, want string }{
		{`body.total > boddy`, "body.total > boddy\n             ^"},
		{"true and\n\tboddy", "\tboddy\n\t^"},
		{"true and\r\n boddy\r\n", " boddy\n ^"},
		{`body.total >`, "body.total >\n           ^"},
		{``, "\n^"},
		{strings.Repeat("size + ", 50) + "boddy", "…" + strings.Repeat("size + ", 7) + "boddy\n" + strings.Repeat(" ", 50) + "^"},
		{strings.Repeat("size + ", 50) + "boddy" + strings.Repeat(" + size", 50), "…" + strings.Repeat("size + ", 7) + "boddy" + strings.Repeat(" + size", 6) + " +…\n" + strings.Repeat(" ", 50) + "^"},
		{"boddy" + strings.Repeat(" + size", 50), "boddy" + strings.Repeat(" + size", 13) + " + …\n^"},
		{`body.状态 == boddy`, "body.状态 == boddy\n           ^"},
	}
	for _, tt := range tests {
		_, err := expect.Compile(tt.text)
		var at *expect.SyntaxError
		if !errors.As(err, &at) {
			t.Errorf("%q: %v", tt.text, err)
		} else if diff := cmp.Diff(tt.want, at.Caret()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

// TestTheBodyStaysAsItIs: several goroutines read one body.
func TestTheBodyStaysAsItIs(t *testing.T) {
	a := answer(t, orders)
	e := compile(t, `len(filter(map(body.items, .price), # > 1)) == 2 and sum(body.numbers) == 6 and "total" in body`)
	done := make(chan bool)
	for range 4 {
		go func() {
			held, err := e.Holds(a)
			done <- held && err == nil
		}()
	}
	for range 4 {
		if !<-done {
			t.Error("it does not hold")
		}
	}
	if diff := cmp.Diff(answer(t, orders).Body, a.Body); diff != "" {
		t.Errorf("the body changed (-before +after):\n%s", diff)
	}
}

// TestWorkIsBounded: what would take time that grows faster than the body ends with an error.
func TestWorkIsBounded(t *testing.T) {
	list := func(n int, item string) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	tests := []struct{ name, text, body string }{
		{"a list looked through for each of its elements", `all(body.a, not (0 in body.a))`, `{"a":` + list(20_000, "1") + `}`},
		{"a text looked through for each element", `none(body.a, body.t contains "y")`, `{"a":` + list(50_000, "1") + `,"t":"` + strings.Repeat("x", 100_000) + `"}`},
		{"a large pattern", `body.t matches "(a?){500}(b?){500}c"`, `{"t":"` + strings.Repeat("a", 100_000) + `"}`},
		{"a list that doubles", `max(` + strings.Repeat("map(", 9) + `[1]` + strings.Repeat(", [#, #])", 9) + `) == 1`, `0`},
	}
	for _, tt := range tests {
		if held, err := compile(t, tt.text).Holds(answer(t, tt.body)); held || err == nil {
			t.Errorf("%s: %v, %v", tt.name, held, err)
		}
	}
}

// FuzzExpression: whatever the text and the body, an expression is refused, or judges without a panic and judges the same
// again.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		`body.total >= 0`, `all(body.items, .price > 1)`, `body?.a?.b ?? 5 == 5`, `1 < status < 500`, `"a" in body`, `header?.x == nil`,
		`sum(map(body.items, .price)) / len(body) > 1`, `body matches "a+" or not body.x`, `int(body.n) % 2 == 1`, `body[0] == {"a": [1, nil]}`,
	} {
		f.Add(text, orders)
		f.Add(text, `[1, "a", null, {"a": []}]`)
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		e, err := expect.Compile(text)
		if err != nil {
			var at *expect.SyntaxError
			if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 || strings.Contains(err.Error(), "\n") || strings.Count(at.Caret(), "\n") != 1 {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		a := expect.Answer{Status: 200, Raw: []byte(body), Size: int64(len(body))}
		if json.Unmarshal(a.Raw, &a.Body) != nil {
			a.Body = body
		}
		held, err := e.Holds(a)
		if err != nil && (held || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q of %q: %v, %v", text, body, held, err)
		}
		if again, _ := e.Holds(a); again != held {
			t.Errorf("%q of %q: first %v, then %v", text, body, held, again)
		}
	})
}
