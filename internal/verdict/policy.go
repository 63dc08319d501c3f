// Package verdict decides whether a deployment passed: pure functions of a policy, results and time. It has no clock, no
// goroutine and no I/O; who drives it folds in what was seen and says what time it is.
package verdict

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Policy says how a deployment is verified. As it is kept in JSON, durations are nanoseconds.
type Policy struct {
	SettleTimeout time.Duration `json:"settle_timeout"` // at most this long until every critical check passes once
	Window        time.Duration `json:"window"`         // observed after that
	Interval      time.Duration `json:"interval"`       // how often checks run meanwhile
	Consecutive   int           `json:"consecutive"`    // passes in a row that each critical check must end with
	MaxRestarts   int           `json:"max_restarts"`   // automatic restarts of each unit that are let pass
	MaxSlowdown   float64       `json:"max_slowdown"`   // how many times slower than before the deployment requests may be without a warning; 0: that is not compared
}

// DefaultPolicy is what holds where nothing else is configured.
var DefaultPolicy = Policy{
	SettleTimeout: 60 * time.Second,
	Window:        30 * time.Second,
	Interval:      time.Second,
	Consecutive:   5,
	MaxRestarts:   0,
	MaxSlowdown:   3,
}

// Validate says all that is wrong with the policy, each with the key that holds it.
func (p Policy) Validate() error {
	var wrong []error
	if p.SettleTimeout <= 0 {
		wrong = append(wrong, fmt.Errorf("settle_timeout: %v is no time to settle in", p.SettleTimeout))
	}
	if p.Window < 0 {
		wrong = append(wrong, fmt.Errorf("window: %v is negative", p.Window))
	}
	if p.Interval <= 0 {
		wrong = append(wrong, fmt.Errorf("interval: %v is not above 0", p.Interval))
	}
	if p.Consecutive < 1 {
		wrong = append(wrong, fmt.Errorf("consecutive: %d passes prove nothing; at least 1", p.Consecutive))
	}
	if p.MaxRestarts < 0 {
		wrong = append(wrong, fmt.Errorf("max_restarts: %d is negative", p.MaxRestarts))
	}
	if p.MaxSlowdown != 0 && !(p.MaxSlowdown > 1 && p.MaxSlowdown <= math.MaxFloat64) {
		wrong = append(wrong, fmt.Errorf("max_slowdown: %v is not above 1, nor 0", p.MaxSlowdown))
	}
	return errors.Join(wrong...)
}
