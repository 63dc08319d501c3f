package e2e

import (
	"fmt"
	"os"
	"strings"
)

const (
	withoutJWT    = "rm /opt/proxy-system/venv/lib/python3*/site-packages/jwt\n"
	restart       = "systemctl restart proxy-system\n"
	rollbackHook  = "/opt/proxy-system/rollback.sh"
	rollbacksDone = "run/rollbacks"
)

func (m *machine) isTakenBackByUnit() {
	m.t.Helper()
	m.wellAgain()
	failed, after := m.takenBack(func() verdict { return m.deploys(withoutJWT, "taken back by a unit") })
	if failed.Rollback.State != "succeeded" || failed.Rollback.Hook != "unit app-rollback.service" {
		m.t.Errorf("the rollback is %+v, want that app-rollback.service succeeded", failed.Rollback)
	}
	if after.Verdict != "passed" {
		m.t.Errorf("afterwards it was verified: %+v, want that it passed", after)
	}
	m.eventuallyShows(healthy)
}

// A release that stays broken is not taken back again and again.
func (m *machine) isTakenBackOnce() {
	m.t.Helper()
	m.wellAgain()
	failed, after := m.takenBack(func() verdict {
		return m.deploys("touch /run/rollback-does-nothing\n"+withoutJWT, "nothing helps")
	})
	if r := failed.Rollback; r.State != "failed" || !strings.Contains(r.Problem, "jwt") {
		m.t.Errorf("the rollback is %+v, want that it failed and why", r)
	}
	if after.Verdict != "failed" || after.Rollback.State != "none" {
		m.t.Errorf("afterwards it was verified: %+v, want that it failed and is not taken back", after)
	}
	m.eventuallyShows(wants{
		`postflight_rollback_state{state="failed"}`:      1,
		`postflight_rollbacks_total{result="succeeded"}`: 1,
		`postflight_rollbacks_total{result="failed"}`:    1,
	})
}

func (m *machine) isTakenBackByScript() {
	m.t.Helper()
	m.wellAgain()
	failed, after := m.takenBack(func() verdict {
		m.Exec("sh", "-ec", withoutJWT+restart)
		return m.verify("failed", "--release", "taken back by a script", "--on-failure", rollbackHook)
	})
	if r := failed.Rollback; r.State != "succeeded" || r.Hook != "command "+rollbackHook {
		m.t.Errorf("the rollback is %+v, want that %s succeeded", r, rollbackHook)
	}
	if failed.Source != "cli" || after.Verdict != "passed" {
		m.t.Errorf("it was told of by %s, and afterwards it %s, want cli and that it passed", failed.Source, after.Verdict)
	}
	m.eventuallyShows(healthy)
}

// deploys restarts the backend with what a release brings, announces it, and follows it.
func (m *machine) deploys(brings, release string) verdict {
	m.t.Helper()
	m.Exec("sh", "-ec", brings+restart)
	return overTheSocket(m, announcing(release))
}

// takenBack has a release fail, and waits for what became of it, and of the verification afterwards. There is one rollback,
// and one verification of it.
func (m *machine) takenBack(deploy func() verdict) (failed, after verdict) {
	m.t.Helper()
	known, rollbacks := len(m.history()), m.rollbacks()
	id := deploy().ID
	m.eventually(func(exposition) error {
		if failed = m.deployment(id); failed.Rollback.State == "running" || failed.Rollback.State == "none" {
			return fmt.Errorf("the rollback is %+v", failed.Rollback)
		}
		return nil
	})
	if failed.Rollback.Verification == "" {
		m.t.Fatalf("nothing was verified after the rollback: %+v", failed.Rollback)
	}
	after = m.deployment(failed.Rollback.Verification)
	if failed.Verdict != "failed" || after.RollbackOf != failed.ID {
		m.t.Errorf("it %s, and what was verified afterwards is the rollback of %q, want that it failed, and %q", failed.Verdict, after.RollbackOf, failed.ID)
	}
	if more := len(m.history()) - known; more != 2 {
		m.t.Errorf("there are %d more deployments, want the failed one and its rollback", more)
	}
	if more := m.rollbacks() - rollbacks; more != 1 {
		m.t.Errorf("it was taken back %d times, want once", more)
	}
	m.t.Logf("taken back: %+v", failed.Rollback)
	return failed, after
}

// rollbacks is how often the last good release was brought back, by whomever.
func (m *machine) rollbacks() int {
	m.t.Helper()
	runs, err := os.ReadFile(m.path(rollbacksDone))
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.Count(string(runs), "\n")
}
