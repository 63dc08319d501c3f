package verdict_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/verdict"
	"postflight/probe"
)

// history is a plan and what happened, in the order of time.
type history struct {
	plan   verdict.Plan
	events []event
}

// event is a result, a reading, or else an interruption.
type event struct {
	at     time.Time
	result *probe.Result
	unit   *verdict.UnitSeen
}

func (e event) fold(v *verdict.Verification) {
	switch {
	case e.result != nil:
		v.FoldCheck(*e.result)
	case e.unit != nil:
		v.FoldUnit(*e.unit)
	default:
		v.Interrupt(e.at)
	}
}

func histories() *rapid.Generator[history] {
	return rapid.Custom(func(t *rapid.T) history {
		h := history{plan: drawPlan(t)}
		at := start
		unit := verdict.UnitSeen{Unit: "app.service"}
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "gap")) * time.Millisecond)
			switch kind := rapid.IntRange(0, 99).Draw(t, "kind"); {
			case kind == 0:
				h.events = append(h.events, event{at: at})
			case kind < 25 && len(h.plan.Units) > 0:
				unit = drawReading(t, unit, at)
				seen := unit
				h.events = append(h.events, event{at: at, unit: &seen})
			case len(h.plan.Checks) > 0:
				h.events = append(h.events, event{at: at, result: drawResult(t, h.plan, at)})
			}
		}
		return h
	})
}

func drawPlan(t *rapid.T) verdict.Plan {
	plan := verdict.Plan{Service: "app", Start: start, Policy: verdict.Policy{
		SettleTimeout: time.Duration(rapid.IntRange(1, 20).Draw(t, "settle")) * time.Second,
		Window:        time.Duration(rapid.IntRange(0, 10).Draw(t, "window")) * time.Second,
		Interval:      time.Second,
		Consecutive:   rapid.IntRange(1, 4).Draw(t, "consecutive"),
		MaxRestarts:   rapid.IntRange(0, 2).Draw(t, "max restarts"),
	}}
	if rapid.Bool().Draw(t, "with unit") {
		plan.Units = []string{"app.service"}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "checks") {
		plan.Checks = append(plan.Checks, verdict.PlannedCheck{
			Check:       probe.Check{Key: checkKey(fmt.Sprint("check-", i)), Critical: rapid.IntRange(0, 3).Draw(t, "critical") > 0},
			MinInterval: rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Second}).Draw(t, "min interval"),
			Timeout:     time.Duration(rapid.IntRange(1, 5).Draw(t, "timeout")) * time.Second,
		})
	}
	return plan
}

func drawResult(t *rapid.T, plan verdict.Plan, at time.Time) *probe.Result {
	r := probe.Result{Key: rapid.SampledFrom(plan.Checks).Draw(t, "check").Key, Start: at}
	r.Outcome = rapid.SampledFrom([]probe.Outcome{probe.Pass, probe.Pass, probe.Pass, probe.Pass, probe.Warn, probe.Error, probe.Fail}).Draw(t, "outcome")
	if !r.Outcome.Up() {
		r.Reason = rapid.SampledFrom([]probe.Reason{probe.ReasonConnect, probe.ReasonBody, probe.ReasonAuthBypassed, probe.ReasonCredentials}).Draw(t, "reason")
	}
	return &r
}

// drawReading lets the unit do one of the things that units do.
func drawReading(t *rapid.T, last verdict.UnitSeen, at time.Time) verdict.UnitSeen {
	next := verdict.UnitSeen{Unit: last.Unit, Time: at, Restarts: last.Restarts, ManualStarts: last.ManualStarts}
	u := probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success"}
	if last.Reading != nil {
		u.NRestarts = last.Reading.NRestarts
	}
	switch rapid.IntRange(0, 9).Draw(t, "unit does") {
	case 0:
		return next // out of sight
	case 1:
		u.ActiveState, u.SubState, u.Result, u.ExecMainCode = "activating", "auto-restart", "exit-code", 1
	case 2:
		next.Restarts++
		u.NRestarts++
	case 3:
		next.ManualStarts++
	case 4:
		u.LoadState, u.ActiveState, u.SubState = "not-found", "inactive", "dead"
	case 5:
		u.ActiveState, u.SubState, u.Result = "failed", "failed", "exit-code"
	}
	next.Reading = &u
	return next
}

// begin makes the verification of a plan, or ends the run where the plan is rightly refused.
func begin(t *rapid.T, plan verdict.Plan) *verdict.Verification {
	decides := len(plan.Units) > 0
	for _, c := range plan.Checks {
		decides = decides || c.Critical
	}
	v, err := verdict.New(plan)
	if (err == nil) != decides {
		t.Fatalf("something decides: %v, but New says: %v", decides, err)
	}
	if err != nil {
		t.Skip("nothing decides")
	}
	return v
}

func TestADecidedVerdictNeverChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		v := begin(t, h.plan)
		var decided *verdict.Document
		for _, e := range h.events {
			e.fold(v)
			d := v.At(e.at)
			if decided != nil {
				if diff := cmp.Diff(*decided, d); diff != "" {
					t.Fatalf("changed after it was decided:\n%s", diff)
				}
			} else if d.State.Decided() {
				decided = &d
			}
		}
	})
}

func TestItIsDecidedInTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		v := begin(t, h.plan)
		for _, e := range h.events {
			e.fold(v)
		}
		d := v.At(start.Add(time.Hour))
		if !d.State.Decided() || d.Verdict != d.State || d.DecidedAt.IsZero() || !v.Deadline().IsZero() {
			t.Fatalf("after an hour: %+v, next at %v", d, v.Deadline())
		}
		if (d.State == verdict.Failed) != (len(d.Causes) > 0) {
			t.Fatalf("%s with causes %v", d.State, d.Causes)
		}
		if (d.State == verdict.Inconclusive) != (d.Reason != "") {
			t.Fatalf("%s with reason %q", d.State, d.Reason)
		}
	})
}

// lingering are histories without a failure: all that could put a verdict off.
func lingering() *rapid.Generator[history] {
	return rapid.Custom(func(t *rapid.T) history {
		h := history{plan: drawPlan(t)}
		at := start
		unit := verdict.UnitSeen{Unit: "app.service", Reading: &probe.Unit{LoadState: "loaded", ActiveState: "active"}}
		often := rapid.SampledFrom([]int{5, 50, 95}) // of a hundred
		byHand, erring := often.Draw(t, "by hand"), often.Draw(t, "erring")
		happens := func(often int, what string) bool { return rapid.IntRange(0, 99).Draw(t, what) < often }
		for at.Before(latest(h.plan)) {
			at = at.Add(time.Duration(rapid.IntRange(1, 4000).Draw(t, "gap")) * time.Millisecond)
			seen := unit
			seen.Time = at
			switch {
			case happens(byHand, "unit started"):
				unit.ManualStarts++
				seen.ManualStarts++
			case happens(erring, "unit lost"):
				seen.Reading = nil
			}
			if len(h.plan.Units) > 0 {
				h.events = append(h.events, event{at: at, unit: &seen})
			}
			for _, c := range h.plan.Checks {
				r := &probe.Result{Key: c.Key, Start: at}
				if happens(erring, "check errs") {
					r.Outcome = probe.Error
				}
				h.events = append(h.events, event{at: at, result: r})
			}
		}
		return h
	})
}

// Whatever happens, starts by hand included, it is decided in time.
func TestItIsDecidedInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.OneOf(histories(), lingering()).Draw(t, "history")
		v := begin(t, h.plan)
		end := latest(h.plan)
		for _, e := range h.events {
			if !e.at.After(end) {
				e.fold(v)
			}
		}
		if d := v.At(end); !d.State.Decided() {
			t.Fatalf("still %s at %v", d.State, end.Sub(start))
		}
	})
}

// latest is when a verification is decided at the latest: two settle timeouts, a window, and the passes that are waited
// for.
func latest(plan verdict.Plan) time.Time {
	p := plan.Policy
	patience := 10 * time.Second // a unit's
	for _, c := range plan.Checks {
		patience = max(patience, 2*(max(p.Interval, c.MinInterval)+c.Timeout))
	}
	return plan.Start.Add(2*p.SettleTimeout + p.Window + time.Duration(p.Consecutive)*patience)
}

// Whether nobody looks, or somebody does at every event and deadline, the verdict and its time are the same.
func TestLookingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		unwatched, watched := begin(t, h.plan), begin(t, h.plan)
		for _, e := range h.events {
			e.fold(unwatched)
			for next := watched.Deadline(); !next.IsZero() && !next.After(e.at); next = watched.Deadline() {
				watched.At(next)
			}
			e.fold(watched)
			watched.At(e.at)
		}
		end := start.Add(time.Hour)
		if diff := cmp.Diff(unwatched.At(end), watched.At(end)); diff != "" {
			t.Fatalf("unwatched against watched:\n%s", diff)
		}
	})
}

// Passed means that at that time each critical check had last run often enough in a row without failing, and last so near
// the window's end that the next run was not due by then, that each unit was seen to be active, and that it had restarted
// no more often than it may.
func TestPassedMeansWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		v := begin(t, h.plan)
		row, last := map[probe.Key]int{}, map[probe.Key]time.Time{}
		var settled time.Time
		for _, e := range h.events {
			before := v.At(e.at).State
			if before.Decided() {
				break
			}
			e.fold(v)
			if before == verdict.Settling && v.At(e.at).State != before {
				settled = e.at
			}
			if e.result != nil {
				last[e.result.Key] = e.at
			}
			if e.result != nil && e.result.Outcome.Up() {
				row[e.result.Key]++
			} else if e.result != nil {
				row[e.result.Key] = 0
			}
		}
		d := v.At(start.Add(time.Hour))
		if d.State != verdict.Passed {
			return
		}
		for _, c := range h.plan.Checks {
			need := h.plan.Policy.Consecutive
			if c.MinInterval > 5*time.Second {
				need = 1
			}
			if got := row[c.Key]; c.Critical && got < need {
				t.Fatalf("%s passed %d times in a row, needs %d", c.Key.Check, got, need)
			}
			due := h.plan.Policy.Interval
			if c.MinInterval > due {
				due += c.MinInterval
			}
			if ago := settled.Add(h.plan.Policy.Window).Sub(last[c.Key]); c.Critical && ago >= due {
				t.Fatalf("%s passed %v before the window's end, and is due after %v", c.Key.Check, ago, due)
			}
		}
		for _, u := range d.Units {
			if u.State != "active" || u.Restarts > uint64(h.plan.Policy.MaxRestarts) {
				t.Fatalf("passed with %+v", u)
			}
		}
	})
}
