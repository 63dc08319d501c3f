package credentials

import (
	"fmt"
	"time"
)

// What keeps an account from being locked for a password that is wrong: so many tries may fail, and then one in so much
// time.
const (
	freeFailures = 3
	accountPause = time.Minute
)

// targetPause is the least time between two tries at a target that fails.
const targetPause = time.Second

// failure is a login that failed.
type failure struct {
	at      time.Time
	target  string
	problem error
}

// account is what the failures add up to, over all targets.
type account struct {
	failures int // since the last success, or since the password changed
	last     failure
	password string // that they were made with
}

// clean reports whether no login has failed since the last one that succeeded.
func (a *account) clean() bool { return a.failures == 0 }

// refuses says why no login may be tried now with this password.
func (a *account) refuses(password string, now time.Time) error {
	if password != a.password {
		*a = account{}
	}
	next := a.last.at.Add(accountPause)
	if a.failures < freeFailures || !now.Before(next) {
		return nil
	}
	return fmt.Errorf("not tried before %s, so that the account is not locked; %d tries have failed, the last one at %s: %w",
		clock(next), a.failures, a.last.target, a.last.problem)
}

func (a *account) failed(password string, f failure) {
	a.failures, a.last, a.password = a.failures+1, f, password
}

func (a *account) succeeded() { *a = account{} }

// refuses says why no login may be tried now at the target that failed.
func (f failure) refuses(now time.Time) error {
	if next := f.at.Add(targetPause); now.Before(next) {
		return fmt.Errorf("not tried before %s; the last try failed: %w", clock(next), f.problem)
	}
	return nil
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
