package verdict_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/verdict"
	"postflight/probe"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The documents that people and programs read, whole, as JSON, as text and for CI systems.
func TestDocuments(t *testing.T) {
	tests := []struct {
		name string
		doc  func(*testing.T) verdict.Document
	}{
		{"settling", settlingDocument},
		{"passed", passedDocument},
		{"failed", failedDocument},
		{"blind", blindDocument},
		{"unseen", unseenDocument},
		{"rolled-back", rolledBackDocument},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := test.doc(t)
			asJSON, err := json.MarshalIndent(d, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, test.name+".json", string(asJSON)+"\n")
			golden(t, test.name+".txt", d.Text())
			asXML, err := d.JUnit()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, test.name+".xml", string(asXML))

			var back verdict.Document
			if err := json.Unmarshal(asJSON, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(d, back); diff != "" {
				t.Errorf("what is read back differs:\n%s", diff)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func proxySystem(t *testing.T) *verdict.Verification {
	t.Helper()
	v, err := verdict.New(verdict.Plan{
		ID: "01", Service: "proxy-system", Release: "1.4.2", Source: "cli", Policy: verdict.DefaultPolicy,
		Checks: []verdict.PlannedCheck{
			{Check: probe.Check{Key: checkKey("health"), Critical: true}, Timeout: 5 * time.Second},
			{Check: probe.Check{Key: checkKey("auth"), Critical: true}, MinInterval: 10 * time.Second, Timeout: 5 * time.Second},
		},
		Units: []string{"proxy-system.service"},
		// Documents tell UTC wherever the machine is.
		Start: start.In(time.FixedZone("CST", 8*3600)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func seconds(n float64) time.Time { return start.Add(time.Duration(n * float64(time.Second))) }

func running(at time.Time) verdict.UnitSeen {
	return verdict.UnitSeen{Unit: "proxy-system.service", Time: at, Reading: &probe.Unit{
		LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success",
	}}
}

func at(when time.Time, r probe.Result) probe.Result {
	r.Start = when
	return r
}

func passing(check string) probe.Result { return probe.Result{Key: checkKey(check)} }

func settlingDocument(t *testing.T) verdict.Document {
	v := proxySystem(t)
	v.FoldUnit(running(seconds(0)))
	v.FoldCheck(at(seconds(0.1), passing("health")))
	return v.At(seconds(0.2))
}

func passedDocument(t *testing.T) verdict.Document {
	v := proxySystem(t)
	v.FoldUnit(running(seconds(0)))
	for s := range 31 {
		if s%10 == 0 {
			v.FoldCheck(at(seconds(float64(s)+0.1), passing("auth")))
		}
		degraded := passing("health")
		degraded.Outcome, degraded.Wanted, degraded.Got = probe.Warn, "`status` healthy", "degraded; cache unhealthy"
		v.FoldCheck(at(seconds(float64(s)+0.2), component("cache", "unhealthy", degraded)))
	}
	return v.At(seconds(60))
}

func failedDocument(t *testing.T) verdict.Document {
	v := proxySystem(t)
	v.FoldUnit(running(seconds(0)))
	v.FoldCheck(at(seconds(0.1), failing("health", probe.ReasonConnect, "a connection", "127.0.0.1:8000: connection refused")))
	crash := running(seconds(0.31))
	crash.Reading.ActiveState, crash.Reading.SubState, crash.Reading.Result = "activating", "auto-restart", "exit-code"
	crash.Reading.ExecMainCode, crash.Reading.ExecMainStatus, crash.Reading.ExecMainExit = 1, 1, seconds(0.3)
	v.FoldUnit(crash)
	v.FoldCheck(at(seconds(0.4), erring("auth", probe.ReasonCredentials, "status 200", "status 401\x1b[31m for\nour own token")))
	again := running(seconds(0.61))
	again.Reading.NRestarts, again.Restarts = 1, 1
	v.FoldUnit(again)
	return v.At(seconds(1))
}

func blindDocument(t *testing.T) verdict.Document {
	v := proxySystem(t)
	v.FoldUnit(verdict.UnitSeen{Unit: "proxy-system.service", Time: seconds(0), Why: "the system bus cannot be reached: no such file or directory"})
	for s := range 61 {
		v.FoldCheck(at(seconds(float64(s)), passing("health")))
	}
	return v.At(seconds(61))
}

// All is well where postflight could look, and nobody knows where else it should have.
func unseenDocument(t *testing.T) verdict.Document {
	return verify(t, verdict.PlannedCheck{Check: probe.Check{Key: checkKey("health"), Critical: true}, Timeout: time.Second})
}

// verify verifies a deployment whose targets are not all known. The check health passes, and page fails.
func verify(t *testing.T, checks ...verdict.PlannedCheck) verdict.Document {
	t.Helper()
	v, err := verdict.New(verdict.Plan{
		ID: "01", Service: "proxy-system", Source: "cli", Policy: verdict.DefaultPolicy, Checks: checks,
		Unseen: "reading the target list targets.json:\nno such file or directory", Start: start,
	})
	if err != nil {
		t.Fatal(err)
	}
	for s := range 60 {
		v.FoldCheck(at(seconds(float64(s)), passing("health")))
		v.FoldCheck(at(seconds(float64(s)), failing("page", probe.ReasonStatus, "status 200", "status 500")))
	}
	return v.At(seconds(60))
}

func TestTargetsThatAreNotKnown(t *testing.T) {
	health := verdict.PlannedCheck{Check: probe.Check{Key: checkKey("health"), Critical: true}, Timeout: time.Second}
	page := verdict.PlannedCheck{Check: probe.Check{Key: checkKey("page"), Critical: true}, Timeout: time.Second}
	minor := health
	minor.Critical = false
	for _, row := range []struct {
		name   string
		checks []verdict.PlannedCheck
		want   verdict.State
		after  time.Duration
	}{
		{"no other is known either", nil, verdict.Inconclusive, 0},
		{"nothing that is known decides", []verdict.PlannedCheck{minor}, verdict.Inconclusive, 0},
		{"those that are known pass", []verdict.PlannedCheck{health}, verdict.Inconclusive, 30 * time.Second},
		{"one that is known fails", []verdict.PlannedCheck{health, page}, verdict.Failed, 60 * time.Second},
	} {
		d := verify(t, row.checks...)
		if d.Verdict != row.want || d.DecidedAt.Sub(d.StartedAt) != row.after || d.Unseen == "" {
			t.Errorf("%s: %s %s after %v", row.name, d.Verdict, d.Reason, d.DecidedAt.Sub(d.StartedAt))
		}
	}
}

// The deployment that takes another one back, with what only those who drive a verification know.
func rolledBackDocument(t *testing.T) verdict.Document {
	v, err := verdict.New(verdict.Plan{
		ID: "02", Service: "proxy-system", Source: verdict.API, Policy: verdict.DefaultPolicy, RollbackOf: "01",
		Units: []string{"proxy-system.service"}, Start: seconds(0), Began: seconds(-90),
		Notes: []string{"postflight was stopped for 1m30s while this verification ran"},
	})
	if err != nil {
		t.Fatal(err)
	}
	v.FoldUnit(running(seconds(0)))
	crash := running(seconds(0.41))
	crash.Reading.ActiveState, crash.Reading.SubState, crash.Reading.Result = "failed", "failed", "exit-code"
	v.FoldUnit(crash)
	d := v.At(seconds(3))
	d.Rollback = verdict.Rollback{
		State: verdict.RollbackFailed, Hook: "unit app-rollback.service", StartedAt: seconds(3), EndedAt: seconds(4.2),
		Problem: "app-rollback.service: failed, Result=exit-code", Output: "no release to go back to\n",
	}
	return d
}
