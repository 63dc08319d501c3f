package verdict

import (
	"fmt"
	"strings"

	"postflight/probe"
)

// symptoms are the clues in one result of a check: what is wrong with it, and what it says is wrong behind the backend. There
// are none in a pass, nor where it could not be measured.
func symptoms(r probe.Result) []*clue {
	if r.Outcome != probe.Fail && r.Outcome != probe.Warn {
		return nil
	}
	behind, other := needs(r)
	clues := behind
	if r.Outcome == probe.Fail || other {
		c := clueOf(r)
		c.databaseless = c.databaseless || r.Outcome == probe.Fail && hasCause(behind, DatabaseUnreachable)
		clues = append(clues, c)
	}
	return clues
}

// needs are the clues to what the backend needs and does not have, as it says itself. other: what it says of itself is not
// only that. A test holds this and the built-in checks together.
func needs(r probe.Result) (clues []*clue, other bool) {
	for _, v := range r.Values {
		if v.Metric != "health_component_status" || v.State == "healthy" {
			continue
		}
		cause, known := components[strings.ToLower(v.Label)]
		if !known || hasCause(clues, cause) {
			other = other || !known
			continue
		}
		clues = append(clues, needed(cause, v.Label+" "+v.State, r))
	}
	if r.Outcome == probe.Fail && causeOf(r) == QueueBroken && lacksDatabase(r.Got) {
		clues = append(clues, needed(DatabaseUnreachable, r.Got, r))
	}
	return clues, other || len(clues) == 0
}

// needed is the clue to a cause that lies behind the backend.
func needed(cause Cause, got string, r probe.Result) *clue {
	c := clueOf(r)
	c.cause, c.got, c.silent, c.databaseless = cause, got, false, false
	c.detail = fmt.Sprintf("as %s at %s says", r.Key.Check, r.Key.Target)
	return c
}

// components are the parts of a backend's health that are causes of their own, by the names that backends give them.
var components = map[string]Cause{
	"cache": CacheDown, "redis": CacheDown,
	"database": DatabaseUnreachable, "db": DatabaseUnreachable, "mysql": DatabaseUnreachable,
}

func hasCause(clues []*clue, cause Cause) bool {
	for _, c := range clues {
		if c.cause == cause {
			return true
		}
	}
	return false
}

// clueOf is the clue to what is wrong with the answer itself.
func clueOf(r probe.Result) *clue {
	cause := causeOf(r)
	return &clue{
		cause:        cause,
		checks:       []string{r.Key.Check},
		targets:      []string{r.Key.Target},
		wanted:       r.Wanted,
		got:          r.Got,
		silent:       cause == NotListening || cause == Timeout || cause == WrongStatus && fromGateway(r),
		databaseless: cause == AuthBroken || cause == QueueBroken || cause == Timeout || cause == WrongStatus && r.Status >= 500,
		evidence: []Evidence{{
			Source: "http",
			Time:   inDocument(r.End()),
			Text:   fmt.Sprintf("%s at %s: wanted %s, got %s", r.Key.Check, r.Key.Target, r.Wanted, r.Got),
		}},
	}
}

// causeOf names what made a check fail.
func causeOf(r probe.Result) Cause {
	switch r.Reason {
	case probe.ReasonConnect:
		return NotListening
	case probe.ReasonResolve:
		return Unresolvable
	case probe.ReasonTLS:
		return TLS
	case probe.ReasonTimeout:
		return Timeout
	case probe.ReasonStatus, probe.ReasonRedirect, probe.ReasonProtocol, probe.ReasonRateLimited:
		return WrongStatus
	case probe.ReasonAuthBypassed:
		return AuthBypassed
	case probe.ReasonAuthBroken:
		return AuthBroken
	case probe.ReasonAuthRejectsValid:
		return AuthRejectsValid
	case probe.ReasonCredentials:
		return CredentialsRejected
	case probe.ReasonSlow:
		return Slow
	case probe.ReasonBody:
		return causeInBody(r)
	}
	if r.Tokens == probe.TokensInconsistent && strings.HasSuffix(r.Wanted, " issued accepted") {
		return AuthRejectsValid
	}
	return Assertion
}

// causeInBody tells apart what can be wrong with a body, by what the built-in checks say of it. A test holds the two
// together.
func causeInBody(r probe.Result) Cause {
	switch {
	case r.Wanted == "a JSON object", strings.Contains(r.Got, " with a page"):
		return NotJSON
	case r.Wanted == "no error":
		return QueueBroken
	default:
		return Assertion
	}
}

// fromGateway reports whether the answer may be a proxy's, whose backend is not there: 502, 503, 504, or none that is HTTP.
func fromGateway(r probe.Result) bool {
	return r.Reason == probe.ReasonProtocol || r.Status >= 502 && r.Status <= 504
}
