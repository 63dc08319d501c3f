// Package e2e tries postflight as an operator would use it: the shipped unit under a real systemd, beside a real
// FastAPI backend with MariaDB and Redis, which the tests break one by one.
package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// healthy is what every check and the unit show when nothing is wrong.
var healthy = wants{
	`postflight_probe_success{check="health"}`:                1,
	`postflight_probe_success{check="auth"}`:                  1,
	`postflight_probe_success{check="db-monitor"}`:            1,
	`postflight_probe_success{check="queue-status"}`:          1,
	`postflight_probe_warning{check="health"}`:                0,
	`postflight_health_status{status="healthy"}`:              1,
	`postflight_health_status{status="degraded"}`:             0,
	`postflight_auth_bypassed`:                                0,
	`postflight_unit_observable`:                              1,
	`postflight_unit_state{state="active"}`:                   1,
	`postflight_auth_rejection_status_code{token="alg_none"}`: 401,
}

// One machine lives through all of it: a counter that is right at the end was right all along.
func TestPostflightBesideARealBackend(t *testing.T) {
	m := start(t)

	t.Log("all is well")
	m.healthyBackendPasses()
	t.Log("Redis stops")
	m.lostCacheIsAWarning()
	t.Log("MariaDB stops")
	m.lostDatabaseBreaksAuthentication()
	t.Log("a deploy without PyJWT")
	m.missingModuleIsACrashLoop()
	t.Log("two workers behind one port")
	m.workersAreToldApart()
	t.Log("a login in place of a token")
	m.logsInByItself()
	t.Log("a second instance")
	m.differentKeysAreSeen()

	m.keepsSecrets()
	m.stopsQuietly()
}

func (m *machine) healthyBackendPasses() {
	m.t.Helper()
	m.eventuallyShows(healthy)
	m.eventuallyShows(wants{
		`postflight_auth_rejection_status_code{token="malformed"}`: 401,
		`postflight_auth_rejection_status_code{token="wrong_key"}`: 401,
		`postflight_auth_rejection_status_code{token="alg_none"}`:  401,
		`postflight_queue_tasks{status="queued"}`:                  12,
		`postflight_queue_tasks{status="processing"}`:              3,
		`postflight_queue_tasks{status="completed"}`:               980,
		`postflight_queue_tasks{status="failed"}`:                  5,
		`postflight_queue_users_processing`:                        2,
		`postflight_queue_user_tasks_max`:                          2,
		`postflight_queue_wait_average_seconds`:                    8.75,
		`postflight_db_potential_leaks`:                            0,
		`postflight_unit_restarts_total`:                           0,
		`postflight_unit_nrestarts`:                                0,
	})
	v := m.verify("passed", "--target", target, "--unit", "proxy-system", "--window", "3s", "--consecutive", "3", "--settle-timeout", "30s")
	if v.Service != "proxy-system" || len(v.Causes) != 0 {
		m.t.Errorf("service %q with causes %v, want proxy-system without any", v.Service, v.Causes)
	}
	if out, code := m.postflight("check", "--config", configFile); code != 0 {
		m.t.Errorf("check: exit code %d, want 0\n%s", code, out)
	}
}

func (m *machine) lostCacheIsAWarning() {
	m.t.Helper()
	m.Exec("systemctl", "stop", "redis-server")
	m.eventuallyShows(wants{
		`postflight_health_status{status="degraded"}`:                              1,
		`postflight_health_status{status="healthy"}`:                               0,
		`postflight_health_component_status{component="cache",status="unhealthy"}`: 1,
		`postflight_probe_success{check="health"}`:                                 1,
		`postflight_probe_warning{check="health"}`:                                 1,
		`postflight_probe_http_status_code{check="health"}`:                        200,
	})
	v := m.verify("passed", "--config", configFile, "--window", "3s", "--consecutive", "3", "--settle-timeout", "30s")
	if row := v.check("health"); row.Outcome != "warn" {
		m.t.Errorf("the verdict shows health as %+v, want a warning", row)
	}
	m.Exec("systemctl", "start", "redis-server")
	m.eventuallyShows(healthy)
	m.sessionsAreCounted(mark{}, 2.0/3)
}

func (m *machine) lostDatabaseBreaksAuthentication() {
	m.t.Helper()
	m.Exec("systemctl", "stop", "mariadb")
	m.eventuallyShows(wants{
		`postflight_probe_success{check="auth"}`:                            0,
		`postflight_probe_failure_info{check="auth",reason="auth_broken"}`:  1,
		`postflight_auth_bypassed`:                                          0,
		`postflight_probe_success{check="queue-status"}`:                    0,
		`postflight_probe_failure_info{check="queue-status",reason="body"}`: 1,
		`postflight_probe_http_status_code{check="queue-status"}`:           200,
		`postflight_probe_success{check="health"}`:                          1,
		`postflight_probe_success{check="db-monitor"}`:                      1,
		`postflight_unit_state{state="active"}`:                             1,
	})
	v := m.verify("failed", "--config", configFile, "--window", "3s", "--consecutive", "3", "--settle-timeout", "4s")
	if !v.has("auth_broken") {
		m.t.Errorf("causes %+v, want auth_broken among them", v.Causes)
	}
	if row := v.check("queue-status"); row.Outcome != "fail" || row.Passes != 0 {
		m.t.Errorf("the verdict shows queue-status as %+v, want that it failed each time", row)
	}
	m.Exec("systemctl", "start", "mariadb")
	m.eventuallyShows(healthy)
}

func (m *machine) missingModuleIsACrashLoop() {
	m.t.Helper()
	m.takeOutJWT()
	m.Exec("systemctl", "restart", "proxy-system")
	m.eventuallyShows(wants{
		`postflight_probe_success{check="health"}`:                       0,
		`postflight_probe_failure_info{check="health",reason="connect"}`: 1,
		`postflight_unit_starts_total{trigger="manual"}`:                 1,
	})
	m.restartsAgreeFrom(3)
	m.eventuallyShows(wants{
		`postflight_unit_crash_looping`: 1,
		`postflight_log_observable`:     1,
	})
	m.eventually(func(e exposition) error {
		if n := e.must(m.t, `postflight_log_matches_total{pattern="missing-module"}`); n < 3 {
			return fmt.Errorf("%v lines name a missing module", n)
		}
		_, err := e.value(`postflight_log_missing_modules_total{module="jwt"}`)
		return err
	})
	m.losesNoRestartWhileItIsDead()
	v := m.verify("failed", "--target", target, "--unit", "proxy-system", "--window", "5s", "--settle-timeout", "20s")
	m.namesJWT(v)
	if len(v.Units) != 1 || v.Units[0].Unit != unit {
		m.t.Errorf("units %+v, want %s", v.Units, unit)
	}

	m.t.Log("mended: the loop itself brings it back")
	m.putBackJWT()
	m.eventuallyShows(healthy)
	grown := m.restartsAgreeFrom(4).must(m.t, `postflight_unit_restarts_total`)

	m.t.Log("a restart by hand sets systemd's figure back, not the counter")
	m.Exec("systemctl", "restart", "proxy-system")
	m.eventuallyShows(wants{
		`postflight_unit_nrestarts`:                         0,
		`postflight_unit_starts_total{trigger="manual"}`:    2,
		`postflight_unit_starts_total{trigger="automatic"}`: grown,
		`postflight_unit_restarts_total`:                    grown,
	})
	m.verify("passed", "--config", configFile, "--window", "3s", "--consecutive", "3", "--settle-timeout", "30s")
	m.eventuallyShows(healthy)
}

// losesNoRestartWhileItIsDead kills the daemon in the middle of the loop, twice: what it counted stands in its state file,
// and what happened meanwhile in the journal.
func (m *machine) losesNoRestartWhileItIsDead() {
	m.t.Helper()
	for range 2 {
		m.Exec("systemctl", "kill", "--signal=KILL", "--kill-whom=all", "postflight")
		before := m.restarts()
		m.Exec("systemctl", "stop", "postflight")
		for m.restarts() < before+5 {
			time.Sleep(100 * time.Millisecond)
		}
		m.Exec("systemctl", "start", "postflight")
		m.restartsAgreeFrom(before + 5)
	}
}

// restartsAgreeFrom waits until systemd has counted at least so many automatic restarts and the counter shows as many
// as systemd. It never shows more.
func (m *machine) restartsAgreeFrom(least int) exposition {
	m.t.Helper()
	return m.eventually(func(e exposition) error {
		counted := int(e.must(m.t, `postflight_unit_restarts_total`))
		real := m.restarts()
		if counted > real {
			m.t.Errorf("postflight counted %d restarts, systemd only %d", counted, real)
		}
		if counted < least || counted != real {
			return fmt.Errorf("postflight counted %d restarts, systemd %d, at least %d are awaited", counted, real, least)
		}
		return e.check(wants{`postflight_unit_nrestarts`: float64(real)})
	})
}

func (m *machine) workersAreToldApart() {
	m.t.Helper()
	m.t.Log("one begun a second after the other: nearly all that they do is counted")
	before := m.restartBackendWith("WEB_CONCURRENCY=2", "WORKER_START_GAP=1")
	m.sessionsAreCounted(before, 2.0/3)

	m.t.Log("begun together: whether they can be told apart is luck, but nothing is invented")
	before = m.restartBackendWith("WEB_CONCURRENCY=2")
	m.sessionsAreCounted(before, 0)
}

// enoughRounds is how many answers of db-monitor show whether workers are mixed up: each mix-up would add one worker's
// whole total.
const enoughRounds = 8

// sessionsAreCounted compares the session counters with what the backend's processes did since the mark. They never
// show more, and in the end at least that share of it: what came before the first reading of each process is missing,
// and what came after its last.
func (m *machine) sessionsAreCounted(since mark, share float64) {
	m.t.Helper()
	m.eventually(func(e exposition) error {
		now := m.marked(e)
		opened, closed := now.opened-since.opened, now.closed-since.closed
		countedOpened, countedClosed := now.countedOpened-since.countedOpened, now.countedClosed-since.countedClosed
		if countedOpened > opened || countedClosed > closed {
			m.t.Errorf("postflight counted %v sessions opened and %v closed, the backend only %v and %v",
				countedOpened, countedClosed, opened, closed)
		}
		if rounds := now.rounds - since.rounds; rounds < enoughRounds || countedOpened < share*opened || countedClosed < share*closed {
			return fmt.Errorf("after %v rounds postflight counted %v sessions opened and %v closed, the backend %v and %v",
				rounds, countedOpened, countedClosed, opened, closed)
		}
		m.t.Logf("postflight counted %v of %v sessions", countedOpened, opened)
		return nil
	})
}

// mark is what was counted at one time: by the backend's processes, and by postflight a moment before.
type mark struct {
	opened, closed               float64
	countedOpened, countedClosed float64
	rounds                       float64
}

func (m *machine) marked(e exposition) mark {
	m.t.Helper()
	opened, closed := m.sessions()
	return mark{
		opened: float64(opened), closed: float64(closed),
		countedOpened: e.must(m.t, `postflight_db_sessions_opened_total`),
		countedClosed: e.must(m.t, `postflight_db_sessions_closed_total`),
		rounds:        e.must(m.t, `postflight_probes_total{check="db-monitor",outcome="pass"}`),
	}
}

// restartBackendWith restarts the backend with an environment beside its usual one, and marks the time between.
func (m *machine) restartBackendWith(env ...string) mark {
	m.t.Helper()
	m.Exec("systemctl", "stop", "proxy-system")
	e := m.eventually(func(e exposition) error { return e.check(wants{`postflight_probe_success{check="db-monitor"}`: 0}) })
	between := m.marked(e)
	m.write("run/proxy-system.env", strings.Join(env, "\n")+"\n", 0o644)
	m.Exec("systemctl", "start", "proxy-system")
	return between
}

// stopsQuietly stops the daemon, which was never restarted, neither by its watchdog nor for a fault.
func (m *machine) stopsQuietly() {
	m.t.Helper()
	m.Exec("systemctl", "stop", "postflight")
	got := m.Exec("systemctl", "show", "-p", "NRestarts,Result,ExecMainStatus", "postflight")
	if want := "Result=success\nNRestarts=0\nExecMainStatus=0"; got != want {
		m.t.Errorf("postflight's unit after the stop:\n%s\nwant\n%s", got, want)
	}
}

// keepsSecrets looks for the administrator's token and password where everyone can read.
func (m *machine) keepsSecrets() {
	m.t.Helper()
	e, err := m.scrape()
	if err != nil {
		m.t.Fatal(err)
	}
	for where, text := range map[string]string{
		"/metrics":              e.text,
		"the daemon's journal":  m.Exec("journalctl", "--no-pager", "-o", "cat", "-u", "postflight"),
		"the configuration":     m.Exec("/usr/local/bin/postflight", "config", "show", "--config", configFile),
		"the unit's properties": m.Exec("systemctl", "show", "postflight"),
	} {
		for _, secret := range []string{m.token, password} {
			if strings.Contains(text, secret) {
				m.t.Errorf("%s shows a secret", where)
			}
		}
	}
}
