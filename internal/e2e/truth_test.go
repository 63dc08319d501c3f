package e2e

import (
	"fmt"
	"os"
	"strings"
)

// truth is what happened to a unit, as systemd and people wrote it down.
type truth struct {
	restarts int            // that systemd has scheduled
	starts   int            // whatever it was that started the unit
	byHand   int            // of these
	exits    map[string]int // of runs, by result
}

// truthOf is the truth about a service that has no description and no start limit.
func (m *machine) truthOf(unit string) truth {
	m.t.Helper()
	t := truth{byHand: m.byHand(unit), exits: map[string]int{}}
	m.Exec("journalctl", "--sync")
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
		case failed:
			t.exits[strings.TrimSuffix(result, "'.")]++
		}
	}
	return t
}

// shows compares the truth about a unit with a scrape. Not every exit is seen, but none that there was not.
func (t truth) shows(e exposition, unit string) error {
	u := `unit="` + strings.ReplaceAll(unit, `\`, `\\`) + `"`
	for series, value := range e.series {
		if strings.HasPrefix(series, "postflight_unit_exits_total{") && strings.Contains(series, u) {
			if result := label(series, "result"); value > float64(t.exits[result]) {
				return fmt.Errorf("%v exits with %s are counted, in truth %d", value, result, t.exits[result])
			}
		}
	}
	return e.check(wants{
		`postflight_unit_restarts_total{` + u + `}`:                   float64(t.restarts),
		`postflight_unit_starts_total{trigger="manual",` + u + `}`:    float64(t.byHand),
		`postflight_unit_starts_total{trigger="automatic",` + u + `}`: float64(t.starts - t.byHand),
	})
}

// label is the value of a series' label.
func label(series, name string) string {
	_, after, _ := strings.Cut(series, name+`="`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

// byHand is how often people have started a unit.
func (m *machine) byHand(unit string) int {
	m.t.Helper()
	b, err := os.ReadFile(m.path("run/by-hand/" + unit))
	if err != nil {
		m.t.Fatal(err)
	}
	return len(strings.Fields(string(b)))
}
