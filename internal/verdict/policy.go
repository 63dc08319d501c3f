// Package verdict decides whether a deployment passed: pure functions of a policy, results and time.
package verdict

import "time"

// Policy says how a deployment is verified.
type Policy struct {
	SettleTimeout time.Duration // at most this long until every critical check passes once
	Window        time.Duration // observed after that
	Interval      time.Duration // how often checks run meanwhile
	Consecutive   int           // passes in a row that each critical check must end with
	MaxRestarts   int           // automatic restarts of the units that are let pass
}

// DefaultPolicy is what holds where nothing else is configured.
var DefaultPolicy = Policy{
	SettleTimeout: 60 * time.Second,
	Window:        30 * time.Second,
	Interval:      time.Second,
	Consecutive:   5,
	MaxRestarts:   0,
}
