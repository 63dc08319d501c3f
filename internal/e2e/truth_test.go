package e2e

import (
	"fmt"
	"os"
	"strings"
)

// truth is what happened to a unit, by systemd's own log and by the unit's own words.
type truth struct {
	restarts int            // that systemd has scheduled
	starts   int            // runs, whatever started them
	exits    map[string]int // of runs, by result
}

// truthOf is the truth about a unit that says of its runs when they begin and end.
func (m *machine) truthOf(unit string) truth {
	m.t.Helper()
	t := truth{exits: map[string]int{}, starts: len(m.runsOf(unit)), restarts: m.scheduled(unit)}
	for _, result := range m.words(results + unit) {
		t.exits[result]++
	}
	return t
}

// scheduled is how often systemd has written that it restarts a unit: to the journal or, while journald is not there, to
// the kernel's log.
func (m *machine) scheduled(unit string) int {
	m.t.Helper()
	m.Exec("journalctl", "--sync")
	const restartScheduled = "MESSAGE_ID=5eb03494b6584870a536b337290809b3"
	n := len(strings.Fields(m.Exec("journalctl", "--output=cat", "--output-fields=N_RESTARTS", "_PID=1", "UNIT="+unit, restartScheduled)))
	kernel, err := os.ReadFile(m.path("dev/kmsg")) // a file, in the test host
	if err != nil {
		m.t.Fatal(err)
	}
	return n + strings.Count(string(kernel), "]: "+unit+": Scheduled restart job,")
}

// check compares the truth about a unit with what a scrape shows.
func (t truth) check(e exposition, unit string) error {
	u := `unit="` + strings.ReplaceAll(unit, `\`, `\\`) + `"`
	w := wants{`postflight_unit_restarts_total{` + u + `}`: float64(t.restarts)}
	starts := 0.0
	for series, value := range e.series {
		switch result := label(series, "result"); {
		case !strings.Contains(series, u):
		case strings.HasPrefix(series, "postflight_unit_starts_total{"):
			starts += value
		case !strings.HasPrefix(series, "postflight_unit_exits_total{"):
		case result != "success":
			w[series] = float64(t.exits[result])
		case value > float64(t.exits[result]):
			return fmt.Errorf("%s is %v, in truth %d", series, value, t.exits[result])
		}
	}
	if err := e.check(w); err != nil {
		return err
	}
	if starts != float64(t.starts) {
		by := func(trigger string) float64 {
			v, _ := e.value(`postflight_unit_starts_total{` + u + `,trigger="` + trigger + `"}`)
			return v
		}
		return fmt.Errorf("%v automatic and %v manual starts of %s, in truth %d of %d restarts", by("automatic"), by("manual"), unit, t.starts, t.restarts)
	}
	return nil
}

// label is the value of a series' label.
func label(series, name string) string {
	_, after, _ := strings.Cut(series, name+`="`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

const (
	runs    = "run/runs/"
	results = "run/results/"
)

// wordy is a unit's commands, and others beside them that write down which run it is and how it ends.
func wordy(commands string) string {
	return fmt.Sprintf("ExecStart=/bin/sh -c 'echo $$INVOCATION_ID >>/%s$$0; %s' %%n\n", runs, commands) +
		fmt.Sprintf("ExecStopPost=/bin/sh -c 'echo $$SERVICE_RESULT >>/%s$$0' %%n\n", results)
}

// runsOf are the runs that there were of a unit.
func (m *machine) runsOf(unit string) []string {
	m.t.Helper()
	return m.words(runs + unit)
}

func (m *machine) words(file string) []string {
	m.t.Helper()
	b, err := os.ReadFile(m.path(file))
	if err != nil && !os.IsNotExist(err) {
		m.t.Error(err)
	}
	return strings.Fields(string(b))
}
