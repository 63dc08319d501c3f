package expect_test

import (
	"strings"
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

// TestRulesReadAnAnswer: what is read where, and that reading changes nothing about the outcome.
func TestRulesReadAnAnswer(t *testing.T) {
	total, lost := from(t, `body.total`), from(t, `body.lost`)
	three := []probe.Value{{Metric: gauge.Name, Own: gauge, Number: 3}}
	fails := []expect.Assertion{{Name: "none", That: compile(t, `body.total == 0`), Severity: probe.Fail}}
	release := compileValue(t, `body.version`)
	tests := []struct {
		name   string
		rules  expect.Rules
		status int
		body   string
		want   expect.Judgement
	}{
		{"a value", expect.Rules{Values: []expect.Reading{total}}, 200, `{"total": 3}`, expect.Judgement{Values: three}},
		{"one that is not there", expect.Rules{Values: []expect.Reading{lost}}, 200, `{"total": 3}`, expect.Judgement{Unread: []*probe.Metric{gauge}}},
		{"one before another", expect.Rules{Values: []expect.Reading{lost, total}}, 200, `{"total": 3}`, expect.Judgement{Values: three, Unread: []*probe.Metric{gauge}}},
		{"with an assertion that does not hold", expect.Rules{Assertions: fails, Values: []expect.Reading{total}}, 200, `{"total": 3}`, expect.Judgement{
			Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: "none: body.total == 0", Got: `false, with {"total": 3}`,
			Assertions: []probe.Assertion{{Name: "none"}}, Values: three,
		}},
		{"of an error page", expect.Rules{Values: []expect.Reading{total, lost}, Release: release}, 500, `{"total": 3, "version": "1"}`, expect.Judgement{
			Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "status 2xx", Got: `status 500 Internal Server Error: {"total": 3, "version": "1"}`,
		}},
		{"of an error page that is wanted", expect.Rules{Status: []int{503}, Values: []expect.Reading{total}}, 503, `{"total": 3}`, expect.Judgement{Values: three}},
		{"a body that is no JSON", expect.Rules{Values: []expect.Reading{total}, Release: release}, 200, ``, expect.Judgement{Unread: []*probe.Metric{gauge}}},
		{"the release", expect.Rules{Release: release}, 200, `{"version": "1.4.2"}`, expect.Judgement{Release: "1.4.2"}},
		{"no release", expect.Rules{Release: release}, 200, `{}`, expect.Judgement{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := expect.Answer{Status: tt.status, Raw: []byte(tt.body), Body: ""}
			if tt.body != "" {
				a = answer(t, tt.body)
				a.Status = tt.status
			}
			if diff := cmp.Diff(tt.want, tt.rules.Judge(a)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRulesJudgeTheBody: a built-in check's judgement is one of several, and the worst counts.
func TestRulesJudgeTheBody(t *testing.T) {
	const body = `{"total": 3}`
	own := []probe.Value{{Metric: "queue_wait_average_seconds", Number: 1}}
	judging := func(j expect.Judgement) expect.Func {
		j.Values, j.Assertions = own, []probe.Assertion{{Name: "built-in", Held: j.Outcome == probe.Pass}}
		return func(expect.Answer) expect.Judgement { return j }
	}
	wrong := expect.WrongBody("an object", "a list")
	warning := expect.Judgement{Outcome: probe.Warn, Wanted: "all well", Got: "not all"}
	asserting := func(severity probe.Outcome) []expect.Assertion {
		return []expect.Assertion{{Name: "own", That: compile(t, `false`), Severity: severity}}
	}
	both := func(j expect.Judgement, builtInHeld bool) expect.Judgement {
		j.Values = append(own, probe.Value{Metric: gauge.Name, Own: gauge, Number: 3})
		j.Assertions = []probe.Assertion{{Name: "built-in", Held: builtInHeld}, {Name: "own"}}
		return j
	}
	failed := expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: "own: false", Got: "false, with " + body}
	tests := []struct {
		name     string
		body     expect.Judgement
		severity probe.Outcome
		want     expect.Judgement
	}{
		{"well, and an assertion fails", expect.Judgement{}, probe.Fail, both(failed, true)},
		{"a warning, and an assertion fails", warning, probe.Fail, both(failed, false)},
		{"wrong, and an assertion warns", wrong, probe.Warn, both(wrong, false)},
		{"wrong, and an assertion fails", wrong, probe.Fail, both(wrong, false)},
	}
	for _, tt := range tests {
		rules := expect.Rules{JudgeBody: judging(tt.body), Assertions: asserting(tt.severity), Values: []expect.Reading{from(t, `body.total`)}}
		for range 2 { // the second time what the first has told is as it was
			if diff := cmp.Diff(tt.want, rules.Judge(answer(t, body))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	}

	unasked := func(expect.Answer) expect.Judgement { return wrong }
	a := answer(t, body)
	a.Status = 404
	want := expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "status 200", Got: "status 404 Not Found: " + body}
	if diff := cmp.Diff(want, expect.Rules{Status: []int{200}, JudgeBody: unasked}.Judge(a)); diff != "" {
		t.Errorf("a wrong status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(expect.Judgement{}, expect.Rules{Status: []int{404}, JudgeBody: unasked}.Judge(a)); diff != "" {
		t.Errorf("a wanted 404, which has another body (-want +got):\n%s", diff)
	}
}

func TestRelease(t *testing.T) {
	tests := []struct{ version, want string }{
		{`"1.4.2"`, "1.4.2"}, {`" 1.4.2\n"`, "1.4.2"}, {`"2026-11-21 v2 (hotfix)"`, "2026-11-21 v2 (hotfix)"}, {`"版本 3"`, "版本 3"},
		{`7`, "7"}, {`1.5`, "1.5"}, {`20261121093000`, "20261121093000"},
		{`"` + strings.Repeat("x", 128) + `"`, strings.Repeat("x", 128)}, {`"` + strings.Repeat("x", 129) + `"`, ""}, {`" ` + strings.Repeat("x", 128) + ` "`, strings.Repeat("x", 128)},
		{`""`, ""}, {`"  "`, ""}, {`"1.4\n2"`, ""}, {`"1\u00002"`, ""}, {`"\u001b[31m1"`, ""}, {`"a\u202eb"`, ""},
		{`null`, ""}, {`true`, ""}, {`["1.4.2"]`, ""}, {`{"version": "1"}`, ""}, {`9007199254740993`, ""}, {`1e300`, ""},
	}
	rules := expect.Rules{Release: compileValue(t, `body.version`)}
	for _, tt := range tests {
		got := rules.Judge(answer(t, `{"version": `+tt.version+`}`))
		if diff := cmp.Diff(expect.Judgement{Release: tt.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.version, diff)
		}
	}
}
