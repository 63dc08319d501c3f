package verdict_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"postflight/internal/latency"
	"postflight/internal/verdict"
	"postflight/probe"
)

// history is a plan and what happened, in the order of time.
type history struct {
	plan   verdict.Plan
	events []event
}

// event is a result, a reading of a unit or of its log, or else an interruption.
type event struct {
	at     time.Time
	result *probe.Result
	unit   *verdict.UnitSeen
	log    *verdict.LogSeen
}

func (e event) fold(v *verdict.Verification) {
	switch {
	case e.result != nil:
		v.FoldCheck(*e.result)
	case e.unit != nil:
		v.FoldUnit(*e.unit)
	case e.log != nil:
		v.FoldLog(*e.log)
	default:
		v.Abandon(verdict.Interrupted, e.at)
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
			case kind < 5 && len(h.plan.Units) > 0:
				h.events = append(h.events, event{at: at, log: drawLog(t, at)})
			case kind < 25 && len(h.plan.Units) > 0:
				first := unit.Reading == nil
				unit = drawReading(t, unit, at)
				seen := unit
				seen.Known = first && rapid.Bool().Draw(t, "known before")
				h.events = append(h.events, event{at: at, unit: &seen})
			case len(h.plan.Checks) > 0:
				h.events = append(h.events, event{at: at, result: drawResult(t, rapid.SampledFrom(h.plan.Checks).Draw(t, "check").Key, at)})
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
		MaxSlowdown:   rapid.SampledFrom([]float64{0, 2}).Draw(t, "max slowdown"),
	}}
	if rapid.Bool().Draw(t, "with unit") {
		plan.Units = []string{"app.service"}
		plan.Logs = rapid.Bool().Draw(t, "with logs")
	}
	for range rapid.IntRange(0, 2).Draw(t, "errors logged before") {
		m := drawMatch(t, start)
		m.Time = start.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes ago")) * time.Minute)
		plan.LogBefore = append(plan.LogBefore, m)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "checks") {
		c := verdict.PlannedCheck{
			Check:       probe.Check{Key: checkKey(fmt.Sprint("check-", i)), Critical: rapid.IntRange(0, 3).Draw(t, "critical") > 0},
			MinInterval: rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Second}).Draw(t, "min interval"),
			Timeout:     time.Duration(rapid.IntRange(1, 5).Draw(t, "timeout")) * time.Second,
			Baseline:    latency.Summary{Count: 100, P95: 10 * time.Millisecond},
		}
		if rapid.Bool().Draw(t, "known before") {
			c.Before = drawResult(t, c.Key, start.Add(-time.Minute))
		}
		plan.Checks = append(plan.Checks, c)
	}
	return plan
}

func drawResult(t *rapid.T, key probe.Key, at time.Time) *probe.Result {
	r := &probe.Result{Key: key, Start: at, Latencies: []time.Duration{time.Second}}
	r.Outcome = rapid.SampledFrom([]probe.Outcome{probe.Pass, probe.Pass, probe.Pass, probe.Pass, probe.Warn, probe.Error, probe.Fail}).Draw(t, "outcome")
	if !r.Outcome.Up() {
		r.Reason = rapid.SampledFrom([]probe.Reason{
			probe.ReasonConnect, probe.ReasonBody, probe.ReasonAuthBypassed, probe.ReasonAuthBroken, probe.ReasonCredentials,
		}).Draw(t, "reason")
	}
	if r.Outcome == probe.Warn || r.Reason == probe.ReasonBody {
		label := rapid.SampledFrom([]string{"cache", "database", "storage"}).Draw(t, "component")
		state := rapid.SampledFrom([]string{"healthy", "unhealthy"}).Draw(t, "its state")
		r.Values = []probe.Value{{Metric: "health_component_status", Label: label, State: state}}
	}
	return r
}

// drawLog lets the log say something that may have been written up to two seconds ago, or be out of reach.
func drawLog(t *rapid.T, at time.Time) *verdict.LogSeen {
	seen := &verdict.LogSeen{Unit: "app.service", Time: at, Observable: rapid.IntRange(0, 3).Draw(t, "readable") > 0}
	if !seen.Observable {
		return seen
	}
	for range rapid.IntRange(0, 2).Draw(t, "lines") {
		seen.Matches = append(seen.Matches, drawMatch(t, at))
	}
	return seen
}

func drawMatch(t *rapid.T, at time.Time) probe.Match {
	return probe.Match{
		Pattern:  rapid.SampledFrom([]string{"missing-module", "address-in-use", "db-session-error"}).Draw(t, "pattern"),
		Severity: rapid.SampledFrom([]probe.Severity{probe.SeverityError, probe.SeverityWarning}).Draw(t, "severity"),
		Time:     at.Add(-time.Duration(rapid.IntRange(0, 2000).Draw(t, "late")) * time.Millisecond),
		Text:     rapid.SampledFrom([]string{"", "what was written", "Can't connect"}).Draw(t, "text"),
	}
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
		u.ActiveState, u.SubState = "failed", "failed"
		u.Result = rapid.SampledFrom([]string{"exit-code", "start-limit-hit", "oom-kill"}).Draw(t, "its result")
	}
	next.Reading = &u
	return next
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
