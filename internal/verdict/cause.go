package verdict

import (
	"slices"
	"strings"

	"postflight/probe"
)

// Cause is why a deployment failed, from a fixed list: it is a label value.
type Cause string

// The causes.
const (
	MissingDependency   Cause = "missing_dependency"
	PortInUse           Cause = "port_in_use"
	CrashLoop           Cause = "crash_loop"
	StartLimitHit       Cause = "start_limit_hit"
	OOMKilled           Cause = "oom_killed"
	Watchdog            Cause = "watchdog"
	UnitMissing         Cause = "unit_missing"
	UnitFailed          Cause = "unit_failed"
	NotListening        Cause = "not_listening"
	Unresolvable        Cause = "unresolvable"
	TLS                 Cause = "tls"
	Timeout             Cause = "timeout"
	WrongStatus         Cause = "wrong_status"
	NotJSON             Cause = "not_json"
	AuthBypassed        Cause = "auth_bypassed"
	AuthBroken          Cause = "auth_broken"
	AuthRejectsValid    Cause = "auth_rejects_valid"
	CredentialsRejected Cause = "credentials_rejected"
	DatabaseUnreachable Cause = "database_unreachable"
	CacheDown           Cause = "cache_down"
	QueueBroken         Cause = "queue_broken"
	Assertion           Cause = "assertion"
	Slow                Cause = "slow"
	LogErrors           Cause = "log_errors"
)

// advice is what people are told of a cause. In braces: units, targets and checks are those concerned; detail, wanted and
// got are the first one's. An empty hint is the clue's own.
type advice struct {
	cause   Cause
	summary string
	hint    string
}

// advices lists the causes, the most specific first.
var advices = []advice{
	{MissingDependency, "{units}: {detail}", ""},
	{PortInUse, "{units}: the address that it listens on is in use",
		"See what holds it with `ss -ltnp`: what is left of the last release, or another service. Stop that, then `systemctl restart {unit}`."},
	{CrashLoop, "{units}: crash loop, {detail}",
		"Read why it exits with `journalctl -u {unit} -n 50`, mend it, then `systemctl restart {unit}`."},
	{UnitMissing, "{units}: {detail}",
		"Install the unit's file and `systemctl daemon-reload`, unmask it, or correct the name given to postflight."},
	{UnitFailed, "{units}: {detail}",
		"Read why with `systemctl status {unit}` and `journalctl -u {unit} -n 50`."},
	{AuthBypassed, "{checks} at {targets}: authentication accepts what it must refuse",
		"Who should be kept out can use this API now: take the release back, then look whether signatures and expiry are verified and the algorithm is pinned."},
	{Unresolvable, "{targets}: the name cannot be resolved",
		"Correct the target's host name, or mend the resolver of this machine."},
	{NotListening, "{targets}: nothing accepts connections",
		"Look whether the process runs and listens on this address and port (`ss -ltnp`), and whether a firewall is between."},
	{TLS, "{targets}: no TLS connection, {got}",
		"Renew or correct the certificate and its chain, or the name in the target's URL."},
	{AuthBroken, "{checks} at {targets}: authentication itself fails, {got}",
		"Most often the database that holds the users cannot be reached: look at the service's log and its database settings."},
	{AuthRejectsValid, "{checks} at {targets}: a valid token is refused",
		"Compare JWT_SECRET_KEY with the one that signed the token, and see that proxies pass the Authorization header on."},
	{QueueBroken, "{checks} at {targets}: the queue cannot be read, {got}",
		"It answers 200 and hides the error in the body. Look whether its database is up and the table task_queue exists."},
	{Timeout, "{checks} at {targets}: no complete answer in time",
		"The process accepts connections and hangs, or waits for something: look at its log, its database and its load."},
	{WrongStatus, "{checks} at {targets}: {got}, wanted {wanted}",
		"Look whether the route exists in this release and what stands in front of it (proxy, login page)."},
	{NotJSON, "{checks} at {targets}: the answer is not a JSON object",
		"Something else answers in the service's place, such as a proxy's error page or the front end: look at the routing."},
	{Assertion, "{checks} at {targets}: {got}, wanted {wanted}",
		"The service answers, but not with what was expected: look at what this release changed there."},
	{Slow, "{checks} at {targets}: right, but slow, {got}",
		"Look what this release waits for: queries, a cold cache, the machine's load."},
	{LogErrors, "{units}: errors in the log, {detail}",
		"Read what stands around them with `journalctl -u {unit} -n 100`."},
	{CredentialsRejected, "{checks} at {targets}: postflight's own credentials do not work, {got}",
		"Correct what the credentials name: the token, or the user and the password. This alone fails no deployment."},
}

// adviceOn tells a cause's place in the order, and what to say.
func adviceOn(c Cause) (int, advice) {
	i := slices.IndexFunc(advices, func(a advice) bool { return a.cause == c })
	return i, advices[i]
}

// explains reports whether a accounts for b: what a process dies of for its death, and a process that is not there for
// the silence.
func explains(a, b *clue) bool {
	switch a.cause {
	case MissingDependency, PortInUse, CrashLoop, UnitMissing, UnitFailed:
	default:
		return false
	}
	switch b.cause {
	case CrashLoop, UnitFailed:
		elsewhere := func(unit string) bool { return !slices.Contains(a.units, unit) }
		return !slices.ContainsFunc(b.units, elsewhere)
	case NotListening, Timeout:
		return true
	case WrongStatus:
		return b.gateway
	default:
		return false
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
	default:
		return Assertion
	}
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
