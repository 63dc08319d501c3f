package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"postflight/internal/app"
	"postflight/internal/state"
	"postflight/probe"
)

type checkCommand struct {
	looking
}

func (c checkCommand) Run(inv *invocation) error {
	cfg, log, closeLog, err := c.prepare(inv)
	if err != nil {
		return err
	}
	defer closeLog()
	results := map[probe.Key]probe.Result{} // with what the store sums up
	seen := app.Look(inv.ctx, app.LookOptions{
		Config: cfg, Build: buildInfo(), Log: log, BusAddress: inv.getenv("DBUS_SYSTEM_BUS_ADDRESS"),
		Tell: func(r probe.Result) { results[r.Key] = r },
	})
	var report bytes.Buffer
	var deciding []probe.Outcome
	for _, service := range seen.Services {
		deciding = append(deciding, printService(&report, service, results)...)
	}
	if _, err := report.WriteTo(inv.stdout); err != nil {
		return untoldError{err}
	}
	return sumUp(deciding)
}

// sumUp makes an exit code of all that decides.
func sumUp(deciding []probe.Outcome) error {
	if len(deciding) == 0 {
		return usageError{errors.New("nothing decides: there is no target with a critical check, and no unit")}
	}
	switch slices.Max(deciding) {
	case probe.Fail:
		return exitCode(exitFailed)
	case probe.Error:
		return exitCode(exitInconclusive)
	}
	return nil
}

// printService prints what was seen of a service and returns the outcomes that decide. results are whole.
func printService(to io.Writer, service state.ServiceState, results map[probe.Key]probe.Result) (deciding []probe.Outcome) {
	fmt.Fprintln(to, service.Name)
	if lists := service.Discovery; lists != nil && lists.Problem != "" {
		fmt.Fprintf(to, "  target lists  error\n      could not look: %s\n", oneLine(lists.Problem))
		deciding = append(deciding, probe.Error)
	}
	target := ""
	for _, check := range service.Checks {
		if check.Check.Key.Target != target {
			target = check.Check.Key.Target
			fmt.Fprintf(to, "  %s\n", target)
		}
		outcome := outcomeOf(check.Last, check.HasRun())
		if check.Check.Critical {
			deciding = append(deciding, outcome)
		}
		printCheck(to, check, outcome)
		printReadings(to, results[check.Check.Key])
	}
	for _, unit := range service.Units {
		deciding = append(deciding, printUnit(to, unit))
	}
	return deciding
}

func outcomeOf(last probe.Result, run bool) probe.Outcome {
	if !run {
		return probe.Error
	}
	return last.Outcome
}

func printCheck(to io.Writer, check *state.CheckState, outcome probe.Outcome) {
	last := check.Last
	fmt.Fprintf(to, "    %-14s  %-5s  %s\n", check.Check.Key.Check, outcome, strings.Join(account(check), "  "))
	switch {
	case !check.HasRun():
		fmt.Fprintln(to, "      not run: interrupted")
	case last.Outcome != probe.Pass:
		fmt.Fprintf(to, "      wanted  %s\n      got     %s\n", oneLine(last.Wanted), oneLine(last.Got))
	}
}

// account is the short account of a check's run: reason, status, duration, phases.
func account(check *state.CheckState) []string {
	last := check.Last
	var words []string
	if last.Reason != probe.ReasonNone {
		words = append(words, string(last.Reason))
	}
	if last.Status != 0 {
		words = append(words, fmt.Sprintf("status %d", last.Status))
	}
	if check.HasRun() {
		words = append(words, inMilliseconds(last.Duration))
	}
	for _, phase := range probe.Phases {
		if took := last.Phases[phase]; took > 0 {
			words = append(words, fmt.Sprintf("%s %s", phase, inMilliseconds(took)))
		}
	}
	if !check.Check.Critical {
		words = append(words, "(not critical)")
	}
	return words
}

// printUnit prints what systemd says of a unit and returns what it amounts to in a single look.
func printUnit(to io.Writer, unit *state.UnitState) probe.Outcome {
	seen := unit.Last.Unit
	if seen == nil {
		why := unit.Last.Got
		if !unit.HasRun() {
			why = "the bus did not tell of it in time"
		}
		fmt.Fprintf(to, "  %s  error\n      could not look: %s\n", unit.Key.Unit, oneLine(why))
		return probe.Error
	}
	outcome := unitOutcome(unit)
	fmt.Fprintf(to, "  %s  %s  %s (%s), automatic restarts: %d\n", unit.Key.Unit, outcome, unit.State(), seen.SubState, seen.NRestarts)
	if outcome == probe.Warn {
		fmt.Fprintf(to, "      systemd started it %s ago: look again, or verify\n", time.Since(seen.ActiveEnter).Round(100*time.Millisecond))
	}
	return outcome
}

// fresh is how young a unit is that may be between two crashes.
const fresh = time.Minute

// unitOutcome is what one look can tell. "active" proves little of a unit that has just been restarted.
func unitOutcome(unit *state.UnitState) probe.Outcome {
	now, seen := time.Now(), unit.Last.Unit
	switch {
	case unit.State() != "active" || unit.CrashLooping(now):
		return probe.Fail
	case seen.NRestarts > 0 && now.Sub(seen.ActiveEnter) < fresh:
		return probe.Warn
	default:
		return probe.Pass
	}
}

func inMilliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}

// oneLine keeps what a backend sent from moving the cursor.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
