package e2e

import (
	"testing"
)

func TestWithoutTheJournalTheBusCounts(t *testing.T) {
	m := crashingUnit(t)
	m.write("etc/systemd/system/postflight.service.d/blind.conf", "[Service]\nSupplementaryGroups=\n", 0o644)
	m.Exec("systemctl", "daemon-reload")
	m.configureUnits("crashing.service")
	m.Exec("systemctl", "start", "postflight")
	blind := wants{`postflight_unit_observable`: 1, `postflight_log_observable`: 0, counted: 0}
	m.eventuallyShows(blind)
	m.crash(5)
	blind[counted] = 5
	blind[`postflight_unit_starts_total{trigger="automatic"}`] = 5
	e := m.eventuallyShows(blind)
	if lines, err := e.value("postflight_log_lines_total"); err == nil && lines != 0 {
		t.Errorf("%v lines of a log that cannot be read are counted", lines)
	}
	m.says("add the user that postflight runs as to the group systemd-journal")

	t.Log("in the group again")
	m.Exec("rm", "/etc/systemd/system/postflight.service.d/blind.conf")
	m.Exec("systemctl", "daemon-reload")
	m.Exec("systemctl", "restart", "postflight")
	m.eventuallyShows(wants{`postflight_log_observable`: 1, counted: 5})
}

// The journal is cleared while nobody reads it: what it held is lost, but systemd's own figure is not.
func TestAClearedJournalLosesNoRestart(t *testing.T) {
	m := crashingUnit(t)
	m.watchUnits("crashing.service")
	m.crash(3)
	m.eventuallyShows(wants{counted: 3})

	m.Exec("sh", "-c", postflights+"kill_postflight")
	m.crash(2)
	m.Exec("sh", "-c", "until [ $(systemctl show --value -p NRestarts crashing.service) = 5 ]; do sleep 0.05; done")
	m.Exec("journalctl", "--rotate", "--vacuum-time=1us")
	m.crash(2)
	m.Exec("sh", "-c", postflights+"start_postflight")
	m.sees()
	m.eventuallyShows(wants{counted: 7, `postflight_unit_starts_total{trigger="automatic"}`: 7})
	m.crash(2)
	m.eventuallyShows(wants{counted: 9, `postflight_unit_starts_total{trigger="automatic"}`: 9})
}
