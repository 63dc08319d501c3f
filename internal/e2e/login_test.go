package e2e

import (
	"fmt"
	"strings"
)

const (
	twin     = "http://127.0.0.1:8001"
	password = "ops-password-for-the-test"
)

// configuration logs in at the targets, and learns more of the answers than the built-in checks do.
const configuration = `defaults: {schedule: "@every 1s", timeout: 5s}
services:
  - name: proxy-system
    targets: [%s]
    units: [proxy-system.service]
    release: {check: health, from: body.service}
    credentials:
      admin:
        login: {path: /api/auth/login, format: json, username_field: username, password_field: password,
                username: ops, password_file: /etc/postflight/ops-password, token: body.access_token}
    checks:
      - use: health
        values:
          - {metric: cache_state, help: How the cache is., from: body.cache.status, states: {healthy: 0, unhealthy: 1}}
      - {use: auth, schedule: "@every 1s", min_interval: 1s, tokens: [missing, malformed, wrong_key, alg_none, expired], signing_key: %s}
      - {use: db-monitor}
      - use: queue-status
        values:
          - {metric: tasks_by_status, help: Tasks by status., each: body.queue_counts, label: status}
          - {metric: nothing_there, help: A field that no answer has., from: body.nothing_there}
      - name: nobody
        path: /api/nowhere
        expect: {status: [404], assertions: [{name: says-so, that: 'body.detail == "Not Found"'}]}
`

// logsInByItself gives the daemon a user's name and password in place of a token, without restarting it. The tokens live
// for three seconds.
func (m *machine) logsInByItself() {
	m.t.Helper()
	m.restartBackendWith("ACCESS_TOKEN_EXPIRE_SECONDS=3")
	m.write("etc/postflight/ops-password", "not-the-password\n", 0o644)
	m.configure(target)
	m.eventuallyShows(wants{
		`postflight_config_last_reload_successful`:                               1,
		`postflight_probe_error{check="db-monitor"}`:                             1,
		`postflight_probe_failure_info{check="db-monitor",reason="credentials"}`: 1,
		`postflight_login_success{credentials="admin"}`:                          0,
	})
	m.t.Log("the password is mended")
	m.write("etc/postflight/ops-password", password+"\n", 0o644)
	m.eventuallyShows(healthy)
	m.eventuallyShows(wants{
		`postflight_login_success{credentials="admin"}`:                                     1,
		`postflight_auth_rejection_status_code{token="missing"}`:                            401,
		`postflight_auth_rejection_status_code{token="expired"}`:                            401,
		`postflight_deployment_info{release="proxy-accounting-backend"}`:                    1,
		`postflight_value_cache_state{check="health"}`:                                      0,
		`postflight_value_tasks_by_status{check="queue-status",status="completed"}`:         980,
		`postflight_assertion_success{assertion="says-so",check="nobody"}`:                  1,
		`postflight_extraction_errors_total{check="queue-status",metric="tasks_by_status"}`: 0,
	})
	m.outlivesItsTokens()
}

// outlivesItsTokens watches for three lifetimes of a token: no probe errs, for each is renewed before it expires.
func (m *machine) outlivesItsTokens() {
	m.t.Helper()
	const erred, passed = `postflight_probes_total{check="db-monitor",outcome="error"}`, `postflight_probes_total{check="db-monitor",outcome="pass"}`
	before, err := m.scrape()
	if err != nil {
		m.t.Fatal(err)
	}
	m.eventually(func(e exposition) error {
		if n := e.must(m.t, erred); n != before.must(m.t, erred) {
			m.t.Fatalf("%v probes erred while tokens expired, before them %v", n, before.must(m.t, erred))
		}
		if more := e.must(m.t, passed) - before.must(m.t, passed); more < 9 {
			return fmt.Errorf("%v probes passed", more)
		}
		return nil
	})
}

// differentKeysAreSeen starts a second instance, which signs with another key, and then one that signs with the same.
func (m *machine) differentKeysAreSeen() {
	m.t.Helper()
	m.startTwin("another-key-for-the-second-instance-0123")
	m.configure(target, twin)
	m.eventuallyShows(wants{
		`postflight_token_consistent`:                                          0,
		`postflight_probe_success{check="db-monitor",target="` + target + `"}`: 1,
		`postflight_probe_success{check="db-monitor",target="` + twin + `"}`:   1,
		`postflight_probe_warning{check="db-monitor",target="` + twin + `"}`:   1,
		`postflight_login_success{credentials="admin"}`:                        1,
	})
	m.t.Log("the second instance gets the same key")
	m.startTwin(m.backendSecret())
	m.eventuallyShows(wants{
		`postflight_token_consistent`:                                          1,
		`postflight_probe_warning{check="db-monitor",target="` + target + `"}`: 0,
		`postflight_probe_warning{check="db-monitor",target="` + twin + `"}`:   0,
	})
	m.configure(target)
	m.eventually(func(e exposition) error {
		if strings.Contains(e.text, twin) {
			return fmt.Errorf("there are series of %s, which is no longer configured", twin)
		}
		return nil
	})
}

// twoKeysAreAWarning verifies two instances, each of which accepts its own tokens only: whoever comes to them through one
// balancer is logged out at random.
func (m *machine) twoKeysAreAWarning() {
	m.t.Helper()
	m.wellAgain()
	m.startTwin("another-key-for-the-second-instance-0123")
	m.write("etc/postflight/ops-password", password+"\n", 0o644)
	const file = "/etc/postflight/twins.yml"
	m.writeConfiguration(file, target, twin)
	v := m.verify("passed", "--config", file, "--settle-timeout", "10s", "--window", "2s", "--interval", "250ms", "--consecutive", "2")
	want{verdict: "passed", warnings: []string{"auth_rejects_valid"}}.check(m.t, v)
	m.Exec("systemctl", "stop", "proxy-twin")
}

// startTwin starts a second instance, which signs with this key.
func (m *machine) startTwin(key string) {
	m.t.Helper()
	m.WriteUnit("proxy-twin.service", `[Service]
User=www-data
WorkingDirectory=/opt/proxy-system/backend
EnvironmentFile=/opt/proxy-system/.env
EnvironmentFile=-/run/proxy-twin.env
Environment=PYTHONUNBUFFERED=1 PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1
ExecStart=/opt/proxy-system/venv/bin/python -m uvicorn app:app --host 127.0.0.1 --port 8001
`)
	m.write("run/proxy-twin.env", "JWT_SECRET_KEY="+key+"\n", 0o644)
	m.Exec("systemctl", "restart", "proxy-twin")
}

// configure writes another configuration, and asks systemd for a reload.
func (m *machine) configure(targets ...string) {
	m.t.Helper()
	m.writeConfiguration(configFile, targets...)
	m.Exec("systemctl", "reload", "postflight")
}

func (m *machine) writeConfiguration(file string, targets ...string) {
	m.t.Helper()
	m.write(file, fmt.Sprintf(configuration, `"`+strings.Join(targets, `", "`)+`"`, m.backendSecret()), 0o644)
}
