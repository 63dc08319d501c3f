package expect_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
)

func TestRules(t *testing.T) {
	asserting := func(severity probe.Outcome, text string) expect.Assertion {
		return expect.Assertion{Name: "has-total", That: compile(t, text), Severity: severity}
	}
	named := func(name string, severity probe.Outcome, text string) expect.Assertion {
		return expect.Assertion{Name: name, That: compile(t, text), Severity: severity}
	}
	held := func(held bool) []probe.Assertion { return []probe.Assertion{{Name: "has-total", Held: held}} }
	const body = `{"total": 3}`

	tests := []struct {
		name  string
		rules expect.Rules
		given func(*expect.Answer)
		want  expect.Judgement
	}{
		{"nothing asked for", expect.Rules{}, nil, expect.Judgement{}},
		{"any 2xx", expect.Rules{}, func(a *expect.Answer) { a.Status = 204 }, expect.Judgement{}},
		{"not 2xx", expect.Rules{}, func(a *expect.Answer) { a.Status = 404 },
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "status 2xx", Got: `status 404 Not Found: {"total": 3}`}},
		{"one status", expect.Rules{Status: []int{404}}, func(a *expect.Answer) { a.Status = 404 }, expect.Judgement{}},
		{"another status", expect.Rules{Status: []int{201}}, nil,
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "status 201", Got: `status 200 OK: {"total": 3}`}},
		{"several statuses", expect.Rules{Status: []int{201, 204}}, nil,
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "status 201 or 204", Got: `status 200 OK: {"total": 3}`}},
		{"a redirect", expect.Rules{}, func(a *expect.Answer) { a.Status = 302; a.Header.Set("Location", "/login") },
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonRedirect, Wanted: "status 2xx", Got: "status 302 Found, a redirect to /login"}},
		{"an assertion that holds", expect.Rules{Assertions: []expect.Assertion{asserting(probe.Fail, `body.total >= 0`)}}, nil,
			expect.Judgement{Assertions: held(true)}},
		{"one that does not", expect.Rules{Assertions: []expect.Assertion{asserting(probe.Fail, `body.total < 0`)}}, nil,
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: "has-total: body.total < 0", Got: `false, with {"total": 3}`, Assertions: held(false)}},
		{"one that errs", expect.Rules{Assertions: []expect.Assertion{asserting(probe.Fail, `body.sum != 5`)}}, nil,
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: "has-total: body.sum != 5", Got: `body has no field "sum"`, Assertions: held(false)}},
		{"a warning", expect.Rules{Assertions: []expect.Assertion{asserting(probe.Warn, `body.total < 0`)}}, nil,
			expect.Judgement{Outcome: probe.Warn, Wanted: "has-total: body.total < 0", Got: `false, with {"total": 3}`, Assertions: held(false)}},
		{"a warning before two failures", expect.Rules{Assertions: []expect.Assertion{
			named("a", probe.Warn, `false`), named("b", probe.Fail, `body.b`), named("c", probe.Fail, `body.c`), named("d", probe.Fail, `true`),
		}}, nil, expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: "b: body.b", Got: `body has no field "b"`,
			Assertions: []probe.Assertion{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d", Held: true}}}},
		{"the status before an assertion", expect.Rules{Assertions: []expect.Assertion{asserting(probe.Fail, `body.sum >= 0`)}}, func(a *expect.Answer) { a.Status = 500 },
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "status 2xx", Got: `status 500 Internal Server Error: {"total": 3}`, Assertions: held(false)}},
		{"in time", expect.Rules{MaxDuration: 1500 * time.Millisecond}, nil, expect.Judgement{}},
		{"too late", expect.Rules{MaxDuration: time.Second}, nil,
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonSlow, Wanted: "an answer within 1s", Got: "one after 1.5s"}},
		{"too late, and a warning", expect.Rules{MaxDuration: time.Second, Assertions: []expect.Assertion{asserting(probe.Warn, `false`)}}, nil,
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonSlow, Wanted: "an answer within 1s", Got: "one after 1.5s", Assertions: held(false)}},
		{"too late, and wrong", expect.Rules{MaxDuration: time.Second, Assertions: []expect.Assertion{asserting(probe.Fail, `false`)}}, nil,
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: "has-total: false", Got: `false, with {"total": 3}`, Assertions: held(false)}},
		{"a secret in the body", expect.Rules{Assertions: []expect.Assertion{asserting(probe.Fail, `body.token == ""`)}}, func(a *expect.Answer) { *a = answer(t, `{"token": "hunter2"}`) },
			expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: `has-total: body.token == ""`, Got: `false, with {"token": <secret>}`, Assertions: held(false)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := answer(t, body)
			if tt.given != nil {
				tt.given(&a)
			}
			var rules expect.Expectation = tt.rules
			if diff := cmp.Diff(tt.want, rules.Judge(a)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
