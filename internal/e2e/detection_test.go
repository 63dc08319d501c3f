package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// announcedAndRestartedIsOne has the daemon find deployments by itself, and announces one just before the unit is restarted,
// and one just after.
func (m *machine) announcedAndRestartedIsOne() {
	m.t.Helper()
	m.wellAgain()
	m.findsDeployments()
	known := len(m.history())
	before := m.announce(m.control(), http.StatusAccepted, announcing("5.0"))
	m.Exec("sh", "-ec", restart)
	want{verdict: "passed"}.check(m.t, m.follow(before.ID))
	if more := len(m.history()) - known; more != 1 {
		m.t.Errorf("announced, and restarted: there are %d more deployments, want one", more)
	}

	m.settles(before)
	m.Exec("sh", "-ec", restart)
	found := m.finds(known + 2)
	if found.Source != "detected" {
		m.t.Errorf("restarted: it is told of by %s, want detected", found.Source)
	}
	after := m.announce(m.control(), http.StatusOK, announcing("5.1"))
	v := m.follow(found.ID)
	want{verdict: "passed"}.check(m.t, v)
	if after.ID != found.ID || v.Source != "api" || v.Release != "5.1" {
		m.t.Errorf("announced after it was found: %s, told of by %s, release %s, want %s, api and 5.1", after.ID, v.Source, v.Release, found.ID)
	}
	if more := len(m.history()) - known; more != 2 {
		m.t.Errorf("restarted, and announced: there are %d more deployments, want two", more)
	}
}

// isFoundWithoutBeingAnnounced has a broken release start that nobody announces. What is run after a failed one is not for it.
func (m *machine) isFoundWithoutBeingAnnounced() {
	m.t.Helper()
	m.settles(m.history()[0])
	known, rollbacks := len(m.history()), m.rollbacks()
	m.Exec("sh", "-ec", withoutJWT+restart)
	v := m.follow(m.finds(known + 1).ID)
	want{verdict: "failed", cause: "missing_dependency", explains: []string{"not_listening"}, evidence: "No module named 'jwt'"}.check(m.t, v)
	if v.Source != "detected" || v.Rollback.State != "none" || m.rollbacks() != rollbacks {
		m.t.Errorf("told of by %s, rollback %s, taken back %d times, want detected, none and 0", v.Source, v.Rollback.State, m.rollbacks()-rollbacks)
	}
}

// aCrashIsNoDeployment crashes a release that has passed long ago, by the standards of its settle_timeout.
func (m *machine) aCrashIsNoDeployment() {
	m.t.Helper()
	m.settles(m.history()[0])
	known := len(m.history())
	m.wellAgain()
	passed := m.follow(m.finds(known + 1).ID)
	want{verdict: "passed"}.check(m.t, passed)
	m.settles(passed)
	before := m.eventuallyShows(healthy)

	m.Exec("systemctl", "kill", "-s", "KILL", service)
	m.eventually(func(e exposition) error {
		automatic, manual := `postflight_unit_starts_total{trigger="automatic"}`, `postflight_unit_starts_total{trigger="manual"}`
		w := wants{automatic: before.must(m.t, automatic) + 1, manual: before.must(m.t, manual)}
		for series, value := range healthy {
			w[series] = value
		}
		return e.check(w)
	})
	if more := len(m.history()) - known; more != 1 {
		m.t.Errorf("there are %d more deployments, want none of the crash", more-1)
	}
}

// findsDeployments has the daemon take a unit that is started by hand for a deployment.
func (m *machine) findsDeployments() {
	m.t.Helper()
	config, err := os.ReadFile(m.path(configFile))
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(configFile, strings.Replace(string(config), "detect: off", "detect: restart", 1), 0o644)
	m.Exec("curl", "-sS", "--fail-with-body", "--unix-socket", "/"+controlSocket, "-X", "POST", "http://localhost/-/reload")
}

// finds waits until so many deployments are known, and returns the newest.
func (m *machine) finds(known int) verdict {
	m.t.Helper()
	var history []verdict
	m.eventually(func(exposition) error {
		if history = m.history(); len(history) != known {
			return fmt.Errorf("%d deployments are known, want %d", len(history), known)
		}
		return nil
	})
	return history[0]
}

// settles waits until what is started by hand no longer belongs to a deployment.
func (m *machine) settles(v verdict) {
	m.t.Helper()
	const settleTimeout = 6 * time.Second
	m.eventually(func(exposition) error {
		if left := settleTimeout - time.Since(v.StartedAt); left > 0 {
			return fmt.Errorf("it takes %v more", left)
		}
		return nil
	})
}
