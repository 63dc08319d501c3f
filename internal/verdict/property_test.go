package verdict_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/verdict"
	"postflight/probe"
)

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
		news, olds := 0, 0
		for _, c := range d.Causes {
			switch {
			case c.Severity == verdict.SeverityWarning:
			case c.Preexisting:
				olds++
			default:
				news++
			}
		}
		if (d.State == verdict.Failed) != (news > 0) || (d.Reason == verdict.Preexisting) != (news == 0 && olds > 0) {
			t.Fatalf("%s %s with causes %v", d.State, d.Reason, d.Causes)
		}
		if (d.State == verdict.Inconclusive) != (d.Reason != "") {
			t.Fatalf("%s with reason %q", d.State, d.Reason)
		}
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

// What was before the deployment can save it from having failed, and changes nothing else.
func TestWhatWasBeforeOnlySaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		blank := h.plan
		blank.LogBefore, blank.Checks = nil, slices.Clone(h.plan.Checks)
		for i := range blank.Checks {
			blank.Checks[i].Before = nil
		}
		knowing, unknowing := begin(t, h.plan), begin(t, blank)
		for _, e := range h.events {
			e.fold(knowing)
			e.fold(unknowing)
		}
		got, without := knowing.At(start.Add(time.Hour)), unknowing.At(start.Add(time.Hour))
		if got.State == verdict.Failed && without.State != verdict.Failed {
			t.Fatalf("%s without what was before, and with it %s", brief(without), brief(got))
		}
		if without.State != verdict.Failed && (got.State != without.State || got.Reason != without.Reason || !got.DecidedAt.Equal(without.DecidedAt)) {
			t.Fatalf("%s without what was before, and with it %s", brief(without), brief(got))
		}
		for _, c := range without.Causes {
			if c.Preexisting {
				t.Fatalf("%s is preexisting, and nothing is known from before", c.Cause)
			}
		}
	})
}

// Where only what was there before fails, each critical check that fails did so before, or is explained by what was.
func TestPreexistingHidesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		v := begin(t, h.plan)
		for _, e := range h.events {
			e.fold(v)
		}
		d := v.At(start.Add(time.Hour))
		explaining := func(f verdict.Finding) bool { return f.Cause == verdict.DatabaseUnreachable || len(f.Explains) > 0 }
		if d.Reason != verdict.Preexisting || slices.ContainsFunc(d.Causes, explaining) {
			return
		}
		for i, c := range d.Checks {
			before := h.plan.Checks[i].Before
			if c.Critical && c.Outcome == "fail" && (before == nil || before.Outcome != probe.Fail) {
				t.Fatalf("%s fails, did not before, and it is %s", c.Check, brief(d))
			}
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
// no more often than it may, and that its log said nothing bad since it was last started.
func TestPassedMeansWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		v := begin(t, h.plan)
		row, last := map[probe.Key]int{}, map[probe.Key]time.Time{}
		var settled time.Time
		errors, from, byHand := []time.Time{}, start, uint64(0)
		var sighted bool
		for _, e := range h.events {
			before := v.At(e.at).State
			if before.Decided() {
				break
			}
			e.fold(v)
			if before == verdict.Settling && v.At(e.at).State != before {
				settled = e.at
			}
			if e.unit != nil && e.unit.Reading != nil {
				if sighted && e.unit.ManualStarts > byHand {
					from = e.at
				}
				sighted, byHand = true, e.unit.ManualStarts
			}
			if e.log != nil {
				for _, m := range e.log.Matches {
					if m.Severity == probe.SeverityError {
						errors = append(errors, m.Time)
					}
				}
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
		for _, at := range errors {
			if !at.Before(from) {
				t.Fatalf("passed with an error in the log of %v, running since %v", at, from)
			}
		}
		for _, u := range d.Units {
			if u.State != "active" || u.Restarts > uint64(h.plan.Policy.MaxRestarts) {
				t.Fatalf("passed with %+v", u)
			}
		}
	})
}
