package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What becomes of one deployment when there are others, rollbacks, restarts and crashes. One machine lives through all of it.
func TestTheCourseOfDeployments(t *testing.T) {
	m := startForDeployments(t)
	for _, s := range []struct {
		name string
		play func(*machine)
	}{
		{"two instances sign with different keys", (*machine).twoKeysAreAWarning},
		{"a failed release is taken back by a unit", (*machine).isTakenBackByUnit},
		{"a rollback that does not help is the last", (*machine).isTakenBackOnce},
		{"a failed release is taken back by a script", (*machine).isTakenBackByScript},
		{"two releases at once", (*machine).theNewerReleaseCounts},
		{"postflight is killed in the middle", (*machine).goesOnAfterAKill},
		{"announced, and restarted", (*machine).announcedAndRestartedIsOne},
		{"nobody announces it", (*machine).isFoundWithoutBeingAnnounced},
		{"a crash is no deployment", (*machine).aCrashIsNoDeployment},
	} {
		t.Run(s.name, func(t *testing.T) { s.play(m.in(t)) })
	}
	m.countsItsHistory()
	m.keepsSecrets()
}

// countsItsHistory holds the counters to the deployments that are known, over all that postflight itself went through. Which
// source a deployment counts for, who told of it first decides: so only their sum is compared.
func (m *machine) countsItsHistory() {
	m.t.Helper()
	const failedOnes = `postflight_verification_detection_seconds`
	figures, deployments := wants{failedOnes: 0}, 0.0
	for _, verdict := range []string{"passed", "failed", "inconclusive"} {
		figures[`postflight_verifications_total{verdict="`+verdict+`"}`] = 0
	}
	for _, v := range m.history() {
		figures[`postflight_verifications_total{verdict="`+v.Verdict+`"}`]++
		if v.RollbackOf != "" {
			continue
		}
		deployments++
		if v.Verdict == "failed" {
			figures[failedOnes]++
		}
	}
	m.t.Logf("%v deployments, %v", deployments, figures)
	e := m.eventuallyShows(figures)
	counted := 0.0
	for _, source := range []string{"api", "cli", "detected"} {
		counted += e.must(m.t, `postflight_deployments_total{source="`+source+`"}`)
	}
	if counted != deployments {
		m.t.Errorf("%v deployments are counted, want %v", counted, deployments)
	}
}

// theNewerReleaseCounts announces a release while another one is verified.
func (m *machine) theNewerReleaseCounts() {
	m.t.Helper()
	m.wellAgain()
	older := m.announce(m.control(), http.StatusAccepted, announcing("3.0"))
	if again := m.announce(m.control(), http.StatusOK, announcing("3.0")); again.ID != older.ID {
		m.t.Errorf("the same release, announced again, is %s, want %s", again.ID, older.ID)
	}
	newer := m.announce(m.control(), http.StatusAccepted, announcing("3.1"))
	if v := m.follow(older.ID); v.Verdict != "inconclusive" || v.Reason != "superseded" || v.Rollback.State != "none" {
		m.t.Errorf("the older one is %s, %s, rollback %s, want inconclusive, superseded and none", v.Verdict, v.Reason, v.Rollback.State)
	}
	want{verdict: "passed"}.check(m.t, m.follow(newer.ID))
}

// goesOnAfterAKill kills the daemon while it observes.
func (m *machine) goesOnAfterAKill() {
	m.t.Helper()
	m.wellAgain()
	known := len(m.history())
	a := announcing("4.0")
	a.Verification = []byte(`{"window": "3s"}`)
	id := m.announce(m.control(), http.StatusAccepted, a).ID
	m.eventually(func(exposition) error {
		if v := m.deployment(id); v.State != "observing" {
			return fmt.Errorf("it is %s", v.State)
		}
		return nil
	})
	m.Exec("sh", "-c", postflights+"kill_postflight; start_postflight")
	v := m.follow(id)
	want{verdict: "passed"}.check(m.t, v)
	if v.ID != id || v.Release != "4.0" || !strings.Contains(strings.Join(v.Notes, "\n"), "postflight did not look from") {
		m.t.Errorf("%s of %s says %q, want %s of 4.0, and that nobody looked for a while", v.ID, v.Release, v.Notes, id)
	}
	if more := len(m.history()) - known; more != 1 {
		m.t.Errorf("there are %d more deployments, want one", more)
	}
}
