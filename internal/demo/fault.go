// Package demo is a backend to try postflight on, the supervisor that runs it as systemd would, and the story of
// breaking and mending it.
package demo

import (
	"postflight/internal/verdict"
	"postflight/probe"
)

// The names of the faults, as the backend knows them.
const (
	Mended       = "none"
	Crash        = "crash"
	AuthBypassed = "auth-bypassed"
	RedisDown    = "redis-down"
	QueueDBGone  = "queue-db-gone"
	Slow         = "slow"
	Dead         = "dead"
)

// Fault is one way to break the backend.
type Fault struct {
	Key   byte // that a person presses
	Name  string
	Title string // what happens, in a line
	Sign  Sign
	Cause verdict.Cause // of the failed verdict on a release with this fault; empty: it passes, with a warning
}

// Sign is what postflight has to say once it has seen a fault.
type Sign struct {
	Check    string
	Outcome  probe.Outcome
	Reason   probe.Reason
	Restarts bool // the unit's restarts grow as well
}

// Faults lists the faults in the order in which they are shown.
var Faults = []Fault{
	{
		Key: 'c', Name: Crash, Title: "crash loop: a module is missing, and the unit starts again and again",
		Sign:  Sign{Check: "health", Outcome: probe.Fail, Reason: probe.ReasonConnect, Restarts: true},
		Cause: verdict.MissingDependency,
	},
	{
		Key: 'a', Name: AuthBypassed, Title: "authentication bypassed: forged tokens are let in",
		Sign:  Sign{Check: "auth", Outcome: probe.Fail, Reason: probe.ReasonAuthBypassed},
		Cause: verdict.AuthBypassed,
	},
	{
		Key: 'r', Name: RedisDown, Title: "Redis down: degraded, behind a status 200",
		Sign: Sign{Check: "health", Outcome: probe.Warn},
	},
	{
		Key: 'q', Name: QueueDBGone, Title: "the queue's database gone: an error, behind a status 200",
		Sign:  Sign{Check: "queue-status", Outcome: probe.Fail, Reason: probe.ReasonBody},
		Cause: verdict.QueueBroken,
	},
	{
		Key: 's', Name: Slow, Title: "slow: all that asks the database takes two seconds, while health looks well",
		Sign:  Sign{Check: "db-monitor", Outcome: probe.Fail, Reason: probe.ReasonTimeout},
		Cause: verdict.Timeout,
	},
	{
		Key: 'd', Name: Dead, Title: "dead: \"active (running)\", and it answers nothing",
		Sign:  Sign{Check: "health", Outcome: probe.Fail, Reason: probe.ReasonTimeout},
		Cause: verdict.Timeout,
	},
}

// known reports whether there is such a fault, or it is none.
func known(fault string) bool {
	if fault == Mended {
		return true
	}
	for _, f := range Faults {
		if f.Name == fault {
			return true
		}
	}
	return false
}
