// Package builtin holds the checks that postflight knows by itself: each of the backend's four endpoints, judged by
// what it means and not by its status code alone.
package builtin

import (
	"time"

	"postflight/probe/httpprobe"
)

// Check is a built-in check before it is given a target.
type Check struct {
	Name        string
	Schedule    string        // empty: the service's default
	MinInterval time.Duration // never more often than this; 0: no limit

	// Build makes the check. Key and Reuse are the caller's to set. Credentials may be nil: there are none.
	Build func(credentials httpprobe.Credentials) httpprobe.Check
}

// All gives the built-in checks in the order in which they are shown.
func All() []Check {
	return []Check{
		{Name: "health", Build: health},
		{Name: "auth", Schedule: "@every 1m", MinInterval: 10 * time.Second, Build: auth},
		{Name: "db-monitor", Build: dbMonitor},
		{Name: "queue-status", Build: queueStatus},
	}
}

// Lookup finds a built-in check by its name.
func Lookup(name string) (Check, bool) {
	for _, check := range All() {
		if check.Name == name {
			return check, true
		}
	}
	return Check{}, false
}
