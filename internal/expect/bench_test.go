package expect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/expr-lang/expr"

	"postflight/internal/expect"
	"postflight/probe"
)

// usual is an answer with a body of 1.5 KB, decoded: 31 objects in a list, and 10 states.
func usual(b *testing.B) expect.Answer {
	return answer(b, `{"total": 3, "age_seconds": 5, "states": {`+fields(10)+`}, "items": [`+strings.Repeat(`{"id": 1, "price": 2.5, "tag": "one"}, `, 30)+`{"id": 2, "price": 1, "tag": "b"}]}`)
}

func fields(n int) string {
	var fields []string
	for i := range n {
		fields = append(fields, fmt.Sprintf(`"s%05d": %d`, i, i))
	}
	return strings.Join(fields, ", ")
}

func BenchmarkAssertion(b *testing.B) {
	a := usual(b)
	for _, text := range []string{`body.total >= 0`, `status == 200 and body.age_seconds < 60 and "items" in body`, `all(body.items, .price > 0)`} {
		e := compile(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if held, err := e.Holds(a); !held || err != nil {
					b.Fatal(held, err)
				}
			}
		})
	}
}

// BenchmarkRules is all that a check's rules cost beyond decoding the body; bare is expr itself doing the same, lenient and
// without bounds.
func BenchmarkRules(b *testing.B) {
	a := usual(b)
	one := func(text string) expect.Rules {
		return expect.Rules{Assertions: []expect.Assertion{{Name: "a", That: compile(b, text)}}, Values: []expect.Reading{from(b, `body.total`)}}
	}
	several := one(`body.total >= 0`)
	several.Values = []expect.Reading{each(b, `body.states`)}
	tests := []struct {
		name      string
		rules     expect.Rules
		condition string
		value     string
	}{
		{"an assertion and a value", one(`body.total >= 0`), `body.total >= 0`, `body.total`},
		{"an assertion over 31 objects and a value", one(`all(body.items, .price > 0)`), `all(body.items, .price > 0)`, `body.total`},
		{"an assertion and 10 values of one object", several, `body.total >= 0`, `body.states`},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if j := tt.rules.Judge(a); j.Outcome != probe.Pass || j.Unread != nil {
					b.Fatal(j)
				}
			}
		})
		b.Run(tt.name+", bare", func(b *testing.B) {
			env := map[string]any{"body": a.Body}
			condition, err := expr.Compile(tt.condition, expr.Env(env), expr.AsBool())
			if err != nil {
				b.Fatal(err)
			}
			value, err := expr.Compile(tt.value, expr.Env(env))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if held, err := expr.Run(condition, env); held != true || err != nil {
					b.Fatal(held, err)
				}
				if _, err := expr.Run(value, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGrowth: with the length of a list, or the number of an object's fields.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		object := answer(b, `{`+fields(n)+`}`)
		list := answer(b, `[`+strings.Repeat("1, ", n-1)+`1]`)
		reading := expect.Rules{Values: []expect.Reading{each(b, `body`)}}
		for _, tt := range []struct {
			name string
			a    expect.Answer
		}{{"a list", list}, {"an object", object}} {
			b.Run(fmt.Sprintf("each of %s of %d", tt.name, n), func(b *testing.B) {
				for b.Loop() {
					if len(reading.Judge(tt.a).Values) != min(n, 1000) {
						b.Fatal("not read")
					}
				}
			})
		}
		all := compile(b, `all(body, # > 0)`)
		b.Run(fmt.Sprintf("an assertion over a list of %d", n), func(b *testing.B) {
			for b.Loop() {
				if held, err := all.Holds(list); !held || err != nil {
					b.Fatal(held, err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		compile(b, `body.total >= 0 and body.age_seconds < 60`)
	}
}
