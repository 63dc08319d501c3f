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

// truthOf is the truth about a service without a description.
func (m *machine) truthOf(unit string) truth {
	m.t.Helper()
	t := truth{exits: map[string]int{}}
	m.Exec("journalctl", "--sync")
	gaveUp := false
	for line := range strings.Lines(m.Exec("journalctl", "--output=cat", "--no-pager", "_PID=1", "UNIT="+unit)) {
		line = strings.TrimSpace(line)
		message := strings.TrimPrefix(line, unit+": ")
		result, failed := strings.CutPrefix(message, "Failed with result '")
		switch {
		case line == "Started "+unit+".":
			t.starts++
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
