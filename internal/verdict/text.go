package verdict

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Text is the document as a short report for people: what came of it, the causes first and then what there is to warn of,
// checks, units and the rollback.
func (d Document) Text() string {
	var b strings.Builder
	fmt.Fprintln(&b, d.headline())
	if d.Unseen != "" {
		fmt.Fprintf(&b, "\ntargets may be missing: %s\n", oneLine(d.Unseen))
	}
	for _, note := range d.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", oneLine(note))
	}
	for _, f := range d.Causes {
		f.writeTo(&b)
	}
	d.writeChecks(&b)
	d.writeUnits(&b)
	d.Rollback.writeTo(&b)
	return b.String()
}

func (d Document) headline() string {
	line := d.Service
	if d.Release != "" {
		line += " " + d.Release
	}
	line += ": " + strings.ToUpper(string(d.State))
	if n := d.warnings(); d.State == Passed && n > 0 {
		line += " with " + count(n, "warning")
	}
	if !d.DecidedAt.IsZero() {
		line += fmt.Sprintf(" after %v", d.DecidedAt.Sub(d.StartedAt).Round(100*time.Millisecond))
	}
	if d.RollbackOf != "" {
		line += ", after the rollback of " + d.RollbackOf
	}
	switch d.Reason {
	case Blind:
		line += ", since what decides could not be observed"
	case Interrupted:
		line += ", since it was interrupted"
	case Superseded:
		line += ", since another start by hand or another deployment took its place"
	case Preexisting:
		line += ", since what fails failed before the deployment, too"
	case Paused:
		line += ", since the service was paused"
	}
	return oneLine(line)
}

func (d Document) warnings() uint64 {
	n := uint64(0)
	for _, f := range d.Causes {
		if f.Severity == SeverityWarning {
			n++
		}
	}
	return n
}

func (f Finding) writeTo(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s: %s\n", f.title(), f.Summary)
	for _, e := range f.Explains {
		fmt.Fprintf(b, "  explains  %s: %s\n", e.Cause, e.Summary)
	}
	for _, e := range f.Evidence {
		fmt.Fprintf(b, "  seen      %s %s\n", e.Time.Format(time.TimeOnly), oneLine(e.Text))
	}
	fmt.Fprintf(b, "  to do     %s\n", f.Hint)
}

// title is the cause, and what it means for the verdict where that is not all.
func (f Finding) title() string {
	title := string(f.Cause)
	if f.Severity == SeverityWarning {
		title = "warning, " + title
	}
	if f.Preexisting {
		title += ", as before the deployment"
	}
	return title
}

func (d Document) writeChecks(b *strings.Builder) {
	if len(d.Checks) == 0 {
		return
	}
	fmt.Fprintln(b)
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, c := range d.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.outcomeWord(), oneLine(c.Check), oneLine(c.Target), c.account())
	}
	table.Flush()
}

func (c Check) outcomeWord() string {
	if c.Runs == 0 {
		return "not run"
	}
	return c.Outcome
}

func (c Check) account() string {
	words := fmt.Sprintf("%d of %d passed", c.Passes, c.Runs)
	if c.Got == "" && c.Wanted == "" {
		return words
	}
	if c.Reason != "" {
		words += "; " + c.Reason
	}
	return oneLine(fmt.Sprintf("%s; wanted %s, got %s", words, c.Wanted, c.Got))
}

func (d Document) writeUnits(b *strings.Builder) {
	if len(d.Units) == 0 {
		return
	}
	fmt.Fprintln(b)
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, u := range d.Units {
		fmt.Fprintf(table, "%s\t%s\t%s\n", u.State, oneLine(u.Unit), u.account())
	}
	table.Flush()
}

func (u Unit) account() string {
	if u.Why != "" {
		return oneLine(u.Why)
	}
	return count(u.Restarts, "automatic restart")
}

func (r Rollback) writeTo(b *strings.Builder) {
	if r.State == NoRollback || r.State == "" {
		return
	}
	line := "rollback: " + string(r.State)
	if r.Hook != "" {
		line += ", " + r.Hook
	}
	if !r.EndedAt.IsZero() {
		line += fmt.Sprintf(", after %v", r.EndedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
	}
	if r.Problem != "" {
		line += ": " + r.Problem
	}
	fmt.Fprintf(b, "\n%s\n", oneLine(line))
}
