package config

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"postflight/internal/builtin"
	"postflight/internal/expect"
	"postflight/internal/schedule"
	"postflight/probe"
)

// ownKeys are the keys that only a check of the user's own has.
var ownKeys = []string{"method", "path", "headers", "body", "credentials", "expect"}

func (b *builder) checks(list, credentials *value, defaults Defaults) []Check {
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
			check = b.own(item, credentials, defaults)
		case use.wrong:
			continue
		default:
			check = b.builtIn(item, defaults)
		}
		b.unique(named, check.Name, first(item.field("name"), use), "another check has this name", "give it a different name:, or leave it out")
		checks = append(checks, check)
	}
	return checks
}

// builtIn makes a check of a built-in one and of what is said otherwise.
func (b *builder) builtIn(v *value, defaults Defaults) Check {
	for _, key := range ownKeys {
		if own := v.field(key); own != nil {
			b.say(own.place, "a built-in check makes its own requests; leave %s out, or leave use: out and write a check of your own", key)
		}
	}
	base := v.field("use").got.(builtin.Check)
	if base.Schedule != "" {
		own, err := schedule.Parse(base.Schedule)
		if err != nil {
			panic(fmt.Sprintf("built-in check %s: %v", base.Name, err))
		}
		defaults.Schedule = own
	}
	check := b.check(v, defaults, base.MinInterval)
	check.Name, check.Use = get(v, "name", base.Name), base.Name
	return check
}

// own makes a check of the user's own.
func (b *builder) own(v, credentials *value, defaults Defaults) Check {
	if v.field("name") == nil {
		b.say(v.place, "the check has no name; write name: and how it is called")
	}
	check := b.check(v, defaults, 0)
	check.Name = get(v, "name", "")
	check.Request = Request{
		Method:      get(v, "method", fallback[string]("services[].checks[].method")),
		Path:        get(v, "path", ""),
		Header:      b.header(v.field("headers")),
		Body:        get(v, "body", ""),
		Credentials: b.known(v.field("credentials"), credentials),
		Expect:      b.rules(v.field("expect")),
	}
	if check.Request.Body != "" && slices.Contains(bodiless, check.Request.Method) {
		b.say(v.field("body").place, "a request with %s has no body; write method: POST, or leave the body out", check.Request.Method)
	}
	return check
}

// check makes what the two sorts of checks have in common.
func (b *builder) check(v *value, defaults Defaults, minInterval time.Duration) Check {
	check := Check{
		Schedule:         get(v, "schedule", defaults.Schedule),
		Timeout:          get(v, "timeout", defaults.Timeout),
		MinInterval:      get(v, "min_interval", minInterval),
		Critical:         get(v, "critical", fallback[bool]("services[].checks[].critical")),
		ReuseConnections: get(v, "reuse_connections", fallback[bool]("services[].checks[].reuse_connections")),
	}
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
func (b *builder) known(v, credentials *value) string {
	if v == nil || v.wrong {
		return ""
	}
	name := v.got.(string)
	if credentials != nil && (credentials.wrong || credentials.fields[name] != nil) {
		return name
	}
	var names []string
	if credentials != nil {
		names = slices.Sorted(maps.Keys(credentials.fields))
	}
	instead := "write one of " + strings.Join(names, ", ")
	if meant, ok := nearest(name, names); ok {
		instead = "did you mean " + meant + "?"
	} else if len(names) == 0 {
		instead = "write credentials: into the service, or leave the key out"
	}
	b.say(v.place, "the service has no credentials %s; %s", quote(name), instead)
	return name
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
