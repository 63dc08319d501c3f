package verdict_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postflight/internal/verdict"
	"postflight/probe"
)

// causeTest is what was seen of a deployment that fails, or passes with a warning, and what it is told to be of.
type causeTest struct {
	name   string
	checks []probe.Result // of critical checks, over and over
	unit   *probe.Unit    // nil: there is none
	grown  uint64         // its automatic restarts, seen one second later
	logged []probe.Match  // in its log by then

	want    string // as brief tells it
	summary string // within the first cause's summary
	hint    string // within its hint
	seen    string // within its evidence
}

// Every cause has its row.
func TestCauses(t *testing.T) {
	tests := slices.Concat(causesOfChecks(), causesOfUnits())
	told := ""
	for _, test := range tests {
		told += " " + test.want
	}
	for _, cause := range verdict.Causes() {
		if !regexp.MustCompile(`[ (]` + string(cause) + `\b`).MatchString(told) {
			t.Errorf("no row tells of %s", cause)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := verified(t, test.checks, test.unit, test.grown, test.logged)
			if got := brief(d); got != test.want {
				t.Fatalf("%s, want %s", got, test.want)
			}
			first := d.Causes[0]
			holds(t, "summary", first.Summary, test.summary)
			holds(t, "hint", first.Hint, test.hint)
			var seen strings.Builder
			for _, e := range first.Evidence {
				seen.WriteString(e.Source + ": " + e.Text + "\n")
			}
			holds(t, "evidence", seen.String(), test.seen)
		})
	}
}

// verified is the end of a verification in which each second brings these results of the checks, and the unit is, from
// the second on, as given.
func verified(t *testing.T, checks []probe.Result, unit *probe.Unit, grown uint64, logged []probe.Match) verdict.Document {
	t.Helper()
	plan := verdict.Plan{Service: "app", Source: "cli", Start: start, Policy: verdict.DefaultPolicy}
	for _, r := range checks {
		check := probe.Check{Key: r.Key, Critical: true}
		plan.Checks = append(plan.Checks, verdict.PlannedCheck{Check: check, Timeout: 5 * time.Second})
	}
	if unit != nil {
		plan.Units = []string{"app.service"}
	}
	v, err := verdict.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	if grown > 0 {
		running := probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success"}
		v.FoldUnit(verdict.UnitSeen{Unit: "app.service", Time: start, Reading: &running})
	}
	for at := range 60 {
		now := start.Add(time.Duration(at) * time.Second)
		for _, r := range checks {
			r.Start = now
			v.FoldCheck(r)
		}
		if logged != nil && at == 1 {
			for i := range logged {
				logged[i].Time = now
			}
			v.FoldLog(verdict.LogSeen{Unit: "app.service", Time: now, Observable: true, Matches: logged})
		}
		if unit != nil && at == 1 {
			v.FoldUnit(verdict.UnitSeen{Unit: "app.service", Time: now, Reading: unit, Restarts: grown})
		}
	}
	return v.At(start.Add(time.Hour))
}

func holds(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s: %q does not hold %q", what, text, part)
	}
}
