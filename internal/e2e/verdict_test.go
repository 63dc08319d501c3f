package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// verdict is what the test reads of the document that `verify --output json` prints.
type verdict struct {
	ID        string     `json:"id"`
	Service   string     `json:"service"`
	Release   string     `json:"release"`
	Source    string     `json:"source"`
	StartedAt time.Time  `json:"started_at"`
	DecidedAt time.Time  `json:"decided_at"`
	State     string     `json:"state"`
	Verdict   string     `json:"verdict"`
	Reason    string     `json:"reason"`
	Notes     []string   `json:"notes"`
	Causes    []cause    `json:"causes"`
	Checks    []checkRow `json:"checks"`
	Units     []struct {
		Unit     string `json:"unit"`
		Restarts int    `json:"restarts"`
		State    string `json:"state"`
	} `json:"units"`
	Rollback struct {
		State        string `json:"state"`
		Hook         string `json:"hook"`
		Problem      string `json:"problem"`
		Output       string `json:"output"`
		Verification string `json:"verification"`
	} `json:"rollback"`
	RollbackOf string `json:"rollback_of"`
}

type cause struct {
	Cause       string     `json:"cause"`
	Summary     string     `json:"summary"`
	Hint        string     `json:"hint"`
	Severity    string     `json:"severity"`
	Preexisting bool       `json:"preexisting"`
	Evidence    []evidence `json:"evidence"`
	Explains    []cause    `json:"explains"`
}

type evidence struct {
	Source string `json:"source"`
	Text   string `json:"text"`
}

type checkRow struct {
	Check   string `json:"check"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Runs    int    `json:"runs"`
	Passes  int    `json:"passes"`
	Wanted  string `json:"wanted"`
	Got     string `json:"got"`
}

// has reports whether the verdict names the cause, also as something that another one explains.
func (v verdict) has(name string) bool { return names(v.Causes, name) }

func names(causes []cause, name string) bool {
	return slices.ContainsFunc(causes, func(c cause) bool { return c.Cause == name || names(c.Explains, name) })
}

// bySeverity are the causes that decide, and those that there is only to warn of.
func (v verdict) bySeverity() (errors, warnings []cause) {
	for _, c := range v.Causes {
		if c.Severity == "warning" {
			warnings = append(warnings, c)
		} else {
			errors = append(errors, c)
		}
	}
	return errors, warnings
}

// saw reports whether the evidence has a line of the source that holds a text.
func (c cause) saw(source, text string) bool {
	return slices.ContainsFunc(c.Evidence, func(e evidence) bool { return e.Source == source && strings.Contains(e.Text, text) })
}

// shows reports whether the evidence holds a text.
func (c cause) shows(text string) bool {
	return slices.ContainsFunc(c.Evidence, func(e evidence) bool { return strings.Contains(e.Text, text) })
}

// check is the row of the check of that name; the zero row where there is none.
func (v verdict) check(name string) checkRow {
	for _, row := range v.Checks {
		if row.Check == name {
			return row
		}
	}
	return checkRow{}
}

// verify runs `postflight verify` inside and holds its exit code and its document to one verdict.
func (m *machine) verify(want string, args ...string) verdict {
	m.t.Helper()
	out, code := m.postflight(append([]string{"verify", "--output", "json"}, args...)...)
	var v verdict
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		m.t.Fatalf("verify printed no document: %v\n%s", err, out)
	}
	m.t.Logf("decided after %v: %s", v.DecidedAt.Sub(v.StartedAt).Round(time.Millisecond), out)
	wantCode := map[string]int{"passed": 0, "failed": 1, "inconclusive": 3}[want]
	if code != wantCode || v.Verdict != want || v.State != want {
		m.t.Errorf("verify: exit code %d, verdict %q, state %q, want %d and %q\n%s", code, v.Verdict, v.State, wantCode, want, out)
	}
	return v
}

// namesJWT holds a verdict to the module that was taken out: it comes first, and explains all that came of it.
func (m *machine) namesJWT(v verdict) {
	m.t.Helper()
	m.t.Logf("from the start of the verification to the verdict: %v", v.DecidedAt.Sub(v.StartedAt))
	if len(v.Causes) == 0 {
		m.t.Fatal("failed without a cause")
	}
	first := v.Causes[0]
	if first.Cause != "missing_dependency" || !strings.Contains(first.Summary, "jwt") || !strings.Contains(first.Hint, "PyJWT") {
		m.t.Errorf("the first cause is %s: %s (%s), want missing_dependency, jwt and PyJWT", first.Cause, first.Summary, first.Hint)
	}
	// Before each automatic restart a unit is failed for a moment, in which the verdict may come.
	if !names(first.Explains, "crash_loop") && !names(first.Explains, "unit_failed") {
		m.t.Errorf("it explains %+v, want crash_loop or unit_failed among them", first.Explains)
	}
	if !first.saw("journal", "import jwt") || !first.saw("journal", "No module named 'jwt'") {
		m.t.Errorf("evidence %+v, want the traceback", first.Evidence)
	}
}
