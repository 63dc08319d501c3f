package config

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"postflight/internal/builtin"
	"postflight/internal/expect"
	"postflight/internal/schedule"
	"postflight/probe"
)

// checkBuilder makes the checks of one service.
type checkBuilder struct {
	*builder
	credentials *value // of the service
	defaults    Defaults
}

func (b checkBuilder) checks(list *value) []Check {
	var checks []Check
	named := map[string]*value{}
	for _, item := range list.items {
		if b.full() {
			break
		}
		if item.wrong {
			continue
		}
		use := item.field("use")
		var check Check
		switch {
		case use == nil && item.field("path") == nil:
			b.say(item.place, "the check asks for nothing; write use: and the name of a built-in check, or path: and what to ask for")
			continue
		case use == nil:
			check = b.own(item)
		case use.wrong:
			continue
		default:
			check = b.builtIn(item)
		}
		b.unique(named, check.Name, first(item.field("name"), use), "another check has this name", "give it a different name:, or leave it out")
		checks = append(checks, check)
	}
	return checks
}

// builtIn makes a check of a built-in one and of what is said otherwise.
func (b checkBuilder) builtIn(v *value) Check {
	base := v.field("use").got.(builtin.Check)
	if base.Schedule != "" {
		own, err := schedule.Parse(base.Schedule)
		if err != nil {
			panic(fmt.Sprintf("built-in check %s: %v", base.Name, err))
		}
		b.defaults.Schedule = own
	}
	b.refuse(v, "a built-in check sends no body", "body")
	if method := v.field("method"); method != nil && !method.wrong && method.got != http.MethodGet {
		b.say(method.place, "a built-in check asks with GET; leave method out, or leave use: out and write a check of your own")
	}
	check := b.check(v, base.MinInterval)
	check.Name, check.Use = get(v, "name", base.Name), base.Name
	check.Request.Method, check.Request.Path = http.MethodGet, get(v, "path", base.Path)
	if v.field("credentials") == nil && b.has(base.Credentials) {
		check.Request.Credentials = base.Credentials
	}
	if base.Tokens != nil {
		b.refuse(v, "auth judges each answer by the token that it asked with", "follow_redirects", "values", "runtime")
		b.refuse(v.field("expect"), "auth judges each answer by the token that it asked with", "status", "assertions")
		b.forged(&check, v, base.Tokens)
		return check
	}
	b.notForged(v)
	rules := &check.Request.Expect
	rules.JudgeBody = base.Judge
	switch {
	case rules.Status != nil:
	case base.Closed != nil && check.Request.Credentials == "":
		rules.Status = base.Closed
	default:
		rules.Status = base.Status
	}
	return check
}

// own makes a check of the user's own.
func (b checkBuilder) own(v *value) Check {
	if v.field("name") == nil {
		b.say(v.place, "the check has no name; write name: and how it is called")
	}
	b.notForged(v)
	check := b.check(v, 0)
	check.Name = get(v, "name", "")
	request := &check.Request
	request.Method = get(v, "method", fallback[string]("services[].checks[].method"))
	request.Path = get(v, "path", "")
	request.Body = get(v, "body", "")
	if request.Body != "" && slices.Contains(bodiless, request.Method) {
		b.say(v.field("body").place, "a request with %s has no body; write method: POST, or leave the body out", request.Method)
	}
	return check
}

func (b checkBuilder) notForged(v *value) {
	b.refuse(v, "only the built-in check auth asks with forged tokens", "tokens", "signing_key", "signing_key_file")
}

// check makes what the two sorts of checks have in common.
func (b checkBuilder) check(v *value, minInterval time.Duration) Check {
	check := Check{
		Request: Request{
			Header:      b.header(v.field("headers")),
			Credentials: b.known(v.field("credentials")),
			Expect:      b.rules(v.field("expect")),
		},
		Schedule:         get(v, "schedule", b.defaults.Schedule),
		Timeout:          get(v, "timeout", b.defaults.Timeout),
		MinInterval:      get(v, "min_interval", minInterval),
		Critical:         get(v, "critical", fallback[bool]("services[].checks[].critical")),
		ReuseConnections: get(v, "reuse_connections", fallback[bool]("services[].checks[].reuse_connections")),
		FollowRedirects:  get(v, "follow_redirects", fallback[bool]("services[].checks[].follow_redirects")),
	}
	check.Request.Expect.Values, check.Request.Expect.Runtime = b.readings(v), b.runtime(v)
	if often := check.Schedule.Shortest(); often < check.MinInterval {
		at := first(v.field("schedule"), v.field("min_interval"), v)
		b.say(at.place, "the check would run every %s, and its min_interval is %s; write a schedule such as %q, or a shorter min_interval",
			short(often), short(check.MinInterval), schedule.Every(check.MinInterval))
	}
	return check
}

func (b *builder) header(v *value) http.Header {
	if v == nil || len(v.names) == 0 {
		return nil
	}
	header := http.Header{}
	seen := map[string]*value{}
	for _, name := range v.names {
		b.unique(seen, http.CanonicalHeaderKey(name), v.fields[name], "this header is here already", "keep one of them")
		header.Set(name, get(v, name, ""))
	}
	return header
}

// known gives the name of credentials that the service has.
func (b checkBuilder) known(v *value) string {
	if v == nil || v.wrong {
		return ""
	}
	name := v.got.(string)
	if !b.has(name) {
		var names []string
		if b.credentials != nil {
			names = slices.Sorted(maps.Keys(b.credentials.fields))
		}
		b.say(v.place, "the service has no credentials %s; %s", quote(name), oneOf(name, names, "write credentials: into the service, or leave the key out"))
	}
	return name
}

// has reports whether the service has credentials of this name, or may have: what stands there may be wrong.
func (b checkBuilder) has(name string) bool {
	return name != "" && b.credentials != nil && (b.credentials.wrong || b.credentials.fields[name] != nil)
}

func (b *builder) rules(v *value) expect.Rules {
	rules := expect.Rules{MaxDuration: get(v, "max_duration", time.Duration(0))}
	if status := v.field("status"); status != nil && !status.wrong && len(status.items) == 0 {
		b.say(status.place, "the list is empty; write a status, or leave the key out for any from 200 to 299")
	}
	seen := map[string]*value{}
	for _, item := range v.list("status") {
		if status, ok := item.got.(int); ok {
			b.unique(seen, fmt.Sprint(status), item, "this status is listed already", "leave one out")
			rules.Status = append(rules.Status, status)
		}
	}
	named := map[string]*value{}
	for _, item := range v.list("assertions") {
		if !item.wrong {
			rules.Assertions = append(rules.Assertions, b.assertion(item, named))
		}
	}
	return rules
}

func (b *builder) assertion(v *value, named map[string]*value) expect.Assertion {
	if v.field("name") == nil {
		b.say(v.place, "the assertion has no name; write name: and how it is called")
	}
	if v.field("that") == nil {
		b.say(v.place, "the assertion says not what holds; write that: and an expression such as 'body.total >= 0'")
	}
	assertion := expect.Assertion{
		Name:     get(v, "name", ""),
		That:     get[*expect.Expression](v, "that", nil),
		Severity: get(v, "severity", fallback[probe.Outcome]("services[].checks[].expect.assertions[].severity")),
	}
	b.unique(named, assertion.Name, v.field("name"), "another assertion has this name", "choose a different one")
	return assertion
}
