package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFullDiskLosesNothingThatWasWritten(t *testing.T) {
	const directory = "var/lib/postflight"
	m := crashingUnit(t)
	m.Exec("mkdir", "-p", "/"+directory)
	m.Exec("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/"+directory)
	m.watchUnits("crashing.service")
	m.crash(3)
	m.eventuallyShows(wants{counted: 3, `postflight_state_writes_failed_total`: 0})
	m.Exec("systemctl", "stop", "postflight")
	m.Exec("sh", "-c", "cat /dev/zero >/"+directory+"/filler || true")
	before := m.stateFile()

	m.Exec("systemctl", "start", "postflight")
	m.crash(4)
	m.eventually(func(e exposition) error {
		if failed := e.must(t, `postflight_state_writes_failed_total`); failed < 2 {
			return fmt.Errorf("%v writes failed", failed)
		}
		return e.check(wants{counted: 7, `postflight_unit_observable`: 1, `postflight_log_observable`: 1})
	})
	if now := m.stateFile(); now != before {
		t.Errorf("with a full disk the state file became %q, it was %q", now, before)
	}
	m.says("state file not written, tried again each second", "no space left on device")

	m.Exec("rm", "/"+directory+"/filler")
	m.eventually(func(exposition) error { return m.holds(directory+"/postflight.json", `"restarts":7`) })
	m.says("state file written again")
	if left, err := filepath.Glob(m.path(directory + "/.*.json*")); err != nil || left != nil {
		t.Errorf("left beside the state file: %v, %v", left, err)
	}
}

func (m *machine) stateFile() string {
	m.t.Helper()
	b, err := os.ReadFile(m.path(stateFile))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b)
}

// holds is an error unless a file has the text in it.
func (m *machine) holds(file, text string) error {
	b, err := os.ReadFile(m.path(file))
	if err == nil && !strings.Contains(string(b), text) {
		err = fmt.Errorf("%s holds %s, without %s", file, b, text)
	}
	return err
}
