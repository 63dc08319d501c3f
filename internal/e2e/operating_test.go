package e2e

import (
	"fmt"
	"testing"

	"postflight/internal/testhost"
)

const releaseDirectory = "opt/proxy-system/"

// in is the machine for a test of its own.
func (m *machine) in(t *testing.T) *machine {
	in := *m
	in.t = t
	return &in
}

// startForDeployments starts a machine of which there may be two at the same time.
func startForDeployments(t *testing.T) *machine {
	t.Helper()
	testhost.RequireTools(t, "curl", "/usr/lib/polkit-1/polkitd")
	build(t) // once: two would be in each other's way
	t.Parallel()
	m := start(t)
	m.prepareForDeployments()
	return m
}

// prepareForDeployments installs what verifying deployments, and taking them back, takes: all as deploy/README.md says.
func (m *machine) prepareForDeployments() {
	m.t.Helper()
	m.install("testdata/rollback.sh", releaseDirectory+"rollback.sh", 0o755)
	m.install("testdata/page.py", releaseDirectory+"page.py", 0o644)
	m.WriteUnit("app-rollback.service", "[Service]\nType=oneshot\nExecStart=/opt/proxy-system/rollback.sh\nTimeoutStartSec=1min\n")
	m.WriteUnit("left-over.service", `[Service]
User=www-data
WorkingDirectory=/opt/proxy-system/backend
EnvironmentFile=/opt/proxy-system/.env
ExecStart=/opt/proxy-system/venv/bin/python -m uvicorn app:app --host 127.0.0.1 --port 8000
`)
	m.install("../../deploy/polkit/50-postflight.rules", "etc/polkit-1/rules.d/50-postflight.rules", 0o644)
	const dropIn = "postflight.service.d/api-token.conf"
	m.install(deployed+dropIn, "etc/systemd/system/"+dropIn, 0o644)
	m.write("etc/postflight/api-token", apiToken+"\n", 0o600)
	m.install("testdata/deployments.yml", configFile, 0o644)
	m.Exec("systemctl", "daemon-reload")
	m.Exec("systemctl", "restart", "postflight")
	m.eventuallyShows(healthy)
}

// wellAgain brings the last good release back, and all that it needs.
func (m *machine) wellAgain() {
	m.t.Helper()
	m.Exec("systemctl", "stop", "left-over")
	m.Exec("systemctl", "start", "mariadb", "redis-server")
	m.Exec("rm", "-f", "/run/rollback-does-nothing")
	m.Exec("/opt/proxy-system/rollback.sh")
	m.Exec("sh", "-ec", answers)
	m.eventuallyShows(healthy)
}

// everyCheckHasRun waits until each check has run once more.
func (m *machine) everyCheckHasRun() {
	m.t.Helper()
	before, err := m.scrape()
	if err != nil {
		m.t.Fatal(err)
	}
	m.eventually(func(e exposition) error {
		for _, check := range []string{"health", "auth", "db-monitor", "queue-status"} {
			last := `postflight_probe_last_run_timestamp_seconds{check="` + check + `"}`
			if e.must(m.t, last) == before.must(m.t, last) {
				return fmt.Errorf("%s has not run since", check)
			}
		}
		return nil
	})
}
