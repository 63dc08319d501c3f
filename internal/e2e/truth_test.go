package e2e

import (
	"fmt"
	"os"
	"strings"
)

// truth is what happened to a unit, as systemd wrote it down.
type truth struct {
	restarts int            // that systemd has scheduled
	starts   int            // whatever it was that started the unit
	exits    map[string]int // of runs, by result
}

// truthOf is the truth about a service of Type=simple without a description.
func (m *machine) truthOf(unit string) truth {
	m.t.Helper()
	t := truth{exits: map[string]int{}}
	gaveUp := false
	for _, line := range m.systemdSaid(unit) {
		about, message, _ := strings.Cut(line, ": ")
		result, failed := strings.CutPrefix(message, "Failed with result '")
		switch {
		case line == "Started "+unit+".":
			t.starts++
		case about != unit:
		case strings.HasPrefix(message, "Scheduled restart job,"):
			t.restarts++
		case message == "Deactivated successfully.":
			t.exits["success"]++
		case failed && !gaveUp: // when it gives up, it says once more how the last run failed
			t.exits[strings.TrimSuffix(result, "'.")]++
		}
		gaveUp = message == "Start request repeated too quickly."
	}
	return t
}

// systemdSaid is what systemd has written of a unit: in the journal or, while journald is not there, in the kernel's log.
func (m *machine) systemdSaid(unit string) []string {
	m.t.Helper()
	m.Exec("journalctl", "--sync")
	said := strings.Split(m.Exec("journalctl", "--output=cat", "--no-pager", "_PID=1", "UNIT="+unit), "\n")
	kernel, err := os.ReadFile(m.path("dev/kmsg")) // a file, in the test host
	if err != nil {
		m.t.Fatal(err)
	}
	for line := range strings.Lines(string(kernel)) {
		if _, message, found := strings.Cut(line, "systemd[1]: "); found {
			said = append(said, strings.TrimSpace(message))
		}
	}
	return said
}

// shows compares the truth about a unit with a scrape. Not every exit is seen, but none that there was not.
func (t truth) shows(e exposition, unit string) error {
	u := `unit="` + strings.ReplaceAll(unit, `\`, `\\`) + `"`
	starts := 0.0
	for series, value := range e.series {
		switch {
		case !strings.Contains(series, u):
		case strings.HasPrefix(series, "postflight_unit_starts_total{"):
			starts += value
		case strings.HasPrefix(series, "postflight_unit_exits_total{"):
			if result := label(series, "result"); value > float64(t.exits[result]) {
				return fmt.Errorf("%v exits with %s are counted, in truth %d", value, result, t.exits[result])
			}
		}
	}
	if starts != float64(t.starts) {
		return fmt.Errorf("%v starts are counted, in truth %d", starts, t.starts)
	}
	return e.check(wants{`postflight_unit_restarts_total{` + u + `}`: float64(t.restarts)})
}

// label is the value of a series' label.
func label(series, name string) string {
	_, after, _ := strings.Cut(series, name+`="`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

// words are those of a file inside.
func (m *machine) words(file string) []string {
	m.t.Helper()
	b, err := os.ReadFile(m.path(file))
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.Fields(string(b))
}
