// Package probe holds the vocabulary that every other package speaks: what is looked at (Key, Check), what a look
// yields (Result), who looks (Prober, Watcher), and the Runner that decides when a look may start.
//
// A Prober is asked and a Watcher tells. Both yield Results, complete values without side effects; who reads them is
// not their concern. The package uses the standard library only.
package probe

import "time"

// Key names what is looked at: one check of one target, or one unit. It is the identity under which state is kept,
// also across a change of the configuration.
type Key struct {
	Service string
	Target  string // base URL as configured; empty for a unit
	Check   string // empty for a unit
	Unit    string // empty for a check
}

// Check is what the rest of the program needs to know of a configured check of a target.
type Check struct {
	Key      Key
	Use      string        // the built-in check that it is; empty: none
	Critical bool          // decides whether the service is up, and the verdict
	Interval time.Duration // between two runs; of a cron expression the gap between its next two
	Metrics  []*Metric     // that the configuration makes of the check's answers
}

// Outcome is how a probe ended.
type Outcome uint8

// The outcomes, in order of severity: of several requests the greatest is the probe's.
const (
	Pass  Outcome = iota
	Warn          // up, but not as it should be
	Error         // could not be measured; says nothing about the backend
	Fail
)

// Outcomes lists all outcomes in the order in which they are shown.
var Outcomes = [...]Outcome{Pass, Warn, Fail, Error}

func (o Outcome) String() string {
	switch o {
	case Pass:
		return "pass"
	case Warn:
		return "warn"
	case Error:
		return "error"
	default:
		return "fail"
	}
}

// Up reports whether the backend counts as working: it passed, perhaps with a warning.
func (o Outcome) Up() bool { return o == Pass || o == Warn }

// Reason says why a probe failed or could not measure. The list is closed: it is a label value.
type Reason string

// The reasons.
const (
	ReasonNone             Reason = ""
	ReasonResolve          Reason = "resolve"            // the name could not be resolved
	ReasonConnect          Reason = "connect"            // no connection: refused, unreachable
	ReasonTLS              Reason = "tls"                // handshake or certificate
	ReasonTimeout          Reason = "timeout"            // the deadline of the whole check passed
	ReasonProtocol         Reason = "protocol"           // not HTTP, or an answer that ended early
	ReasonTooLarge         Reason = "too_large"          // body or headers beyond the limit
	ReasonRedirect         Reason = "redirect"           // a redirect that is not followed
	ReasonStatus           Reason = "status"             // the wrong status code
	ReasonBody             Reason = "body"               // the status is right, the body is not
	ReasonAssertion        Reason = "assertion"          // an assertion of the check's own does not hold
	ReasonSlow             Reason = "slow"               // right, but later than wanted
	ReasonCredentials      Reason = "credentials"        // our own credentials: not to be had, expired or refused
	ReasonRateLimited      Reason = "rate_limited"       // 429
	ReasonAuthBypassed     Reason = "auth_bypassed"      // a forged token was accepted
	ReasonAuthBroken       Reason = "auth_broken"        // a forged token was answered 5xx
	ReasonAuthRejectsValid Reason = "auth_rejects_valid" // a valid token was refused
	ReasonInternal         Reason = "internal"           // postflight's own fault
)

// Phase is one part of an HTTP exchange.
type Phase uint8

// The phases, in the order in which they happen.
const (
	Resolve    Phase = iota // name to address
	Connect                 // TCP handshake
	TLS                     // TLS handshake
	Processing              // request written to first byte of the answer
	Transfer                // first byte to last
)

// Phases lists all phases.
var Phases = [...]Phase{Resolve, Connect, TLS, Processing, Transfer}

func (p Phase) String() string {
	return [...]string{"resolve", "connect", "tls", "processing", "transfer"}[p]
}
