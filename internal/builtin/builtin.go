// Package builtin holds the checks that postflight knows by itself: each of the backend's four endpoints, judged by
// what it means and not by its status code alone.
package builtin

import (
	"net/http"
	"time"

	"postflight/internal/expect"
)

// Check is a built-in check in the terms of a check of one's own, as far as that goes. It asks with GET, and auth several
// times: see Auth.
type Check struct {
	Name        string
	Schedule    string        // empty: the service's default
	MinInterval time.Duration // never more often than this; 0: no limit
	Path        string
	Credentials string      // it is made with those of this name, where the service has them; empty: with none
	Status      []int       // right with its credentials, or where it takes none; nil for auth
	Closed      []int       // right without its credentials; nil where it takes none, and for auth
	Judge       expect.Func // of the body of a 2xx answer whose status is right; nil for auth
	Tokens      []string    // the forged ones that auth asks with unless told otherwise; nil for the others
}

const admin = "admin"

// All gives the built-in checks in the order in which they are shown.
func All() []Check {
	ok, refusal := []int{http.StatusOK}, []int{http.StatusUnauthorized, http.StatusForbidden}
	return []Check{
		{Name: "health", Path: "/health", Status: ok, Judge: judgeHealth},
		{
			Name: "auth", Path: "/api/tasks/statistics", Credentials: admin,
			Schedule: "@every 1m", MinInterval: 10 * time.Second, Tokens: []string{malformed, wrongKey, algNone},
		},
		{Name: "db-monitor", Path: "/api/tasks/db-monitor", Credentials: admin, Status: ok, Closed: refusal, Judge: judgeDBMonitor},
		{Name: "queue-status", Path: "/api/tasks/queue-status", Credentials: admin, Status: ok, Closed: refusal, Judge: judgeQueueStatus},
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
