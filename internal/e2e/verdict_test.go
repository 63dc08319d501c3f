package e2e

import (
	"encoding/json"
	"slices"
	"time"
)

// verdict is what the test reads of the document that `verify --output json` prints.
type verdict struct {
	Service   string     `json:"service"`
	Source    string     `json:"source"`
	StartedAt time.Time  `json:"started_at"`
	DecidedAt time.Time  `json:"decided_at"`
	State     string     `json:"state"`
	Verdict   string     `json:"verdict"`
	Causes    []cause    `json:"causes"`
	Checks    []checkRow `json:"checks"`
	Units     []struct {
		Unit     string `json:"unit"`
		Restarts int    `json:"restarts"`
		State    string `json:"state"`
	} `json:"units"`
}

type cause struct {
	Cause    string  `json:"cause"`
	Summary  string  `json:"summary"`
	Explains []cause `json:"explains"`
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
