package e2e

import (
	"strconv"
	"strings"
	"testing"
)

const (
	// crashing crashes as often as it is told to, and then stays up.
	crashing = "[Service]\nExecStart=sh -c 'read n </run/crashes; [ $$n = 0 ] && exec sleep infinity; echo $$((n-1)) >/run/crashes; exit 3'\n" +
		"Restart=always\nRestartSec=20ms\n[Unit]\nStartLimitIntervalSec=0\n"

	counted = `postflight_unit_restarts_total{unit="crashing.service"}`
)

// crashingUnit boots a machine with a unit that crashes when it is told to. Postflight is not started yet.
func crashingUnit(t *testing.T) *machine {
	m := boot(t)
	m.WriteUnit("crashing.service", crashing)
	m.write("run/crashes", "0\n", 0o644)
	m.Exec("systemctl", "start", "crashing.service")
	return m
}

// crash has the unit crash so often, one after the other.
func (m *machine) crash(times int) {
	m.t.Helper()
	m.write("run/crashes", strconv.Itoa(times-1)+"\n", 0o644)
	m.Exec("systemctl", "kill", "--signal=KILL", "crashing.service")
}

// says holds postflight to a line of its log that has all the texts, and to one only.
func (m *machine) says(texts ...string) {
	m.t.Helper()
	m.Exec("journalctl", "--sync")
	log, found := m.Exec("journalctl", "--no-pager", "-o", "cat", "_COMM=postflight"), 0
	for line := range strings.Lines(log) {
		said := true
		for _, text := range texts {
			said = said && strings.Contains(line, text)
		}
		if said {
			found++
		}
	}
	if found != 1 {
		m.t.Errorf("postflight says %q %d times, want once:\n%s", texts, found, log)
	}
}
