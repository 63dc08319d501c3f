package verdict

import (
	"time"

	"postflight/probe"
)

// Verification watches one deployment until it is decided. What is folded into it counts at its own time, so the verdict
// is the same whether At is called often or never in between. It is for one goroutine.
//
// A unit that is started by hand meanwhile begins anew: the service settles again, and nothing seen before counts, neither
// passes nor that unit's restarts. The first such start is the deployment's own and gives the whole settle timeout again,
// but never beyond twice that after the plan's start. Who starts it when the time to settle is over begins something else.
//
// So it is decided at the latest two settle timeouts and a window after its start, and then when the last passes have come
// that are waited for: each of at most Policy.Consecutive within the check's patience.
type Verification struct {
	plan   Plan
	checks []*checkTally
	units  []*unitTally

	now      time.Time // all up to here has been taken into account
	state    State
	since    time.Time // the plan's start, or the last start by hand
	settleBy time.Time
	settled  time.Time // when Observing began
	decided  time.Time
	reason   Reason
	findings []Finding
}

// New begins a verification. It refuses a plan in which nothing decides: nothing executed is never passed. Where that is
// because no target is known it is decided at once.
func New(plan Plan) (*Verification, error) {
	if err := plan.validate(); err != nil {
		return nil, err
	}
	v := &Verification{
		plan: plan, state: Settling, now: plan.Start,
		since: plan.Start, settleBy: plan.Start.Add(plan.Policy.SettleTimeout),
	}
	for _, c := range plan.Checks {
		v.checks = append(v.checks, newCheckTally(c, plan.Policy))
	}
	for _, name := range plan.Units {
		t := &unitTally{name: name, maxRestarts: uint64(plan.Policy.MaxRestarts), log: logTally{followed: plan.Logs, from: plan.Start}}
		if from, known := plan.LogFrom[name]; known {
			t.log.from, t.begun = from, from.Before(plan.Start)
		}
		v.units = append(v.units, t)
	}
	if !plan.decidable() {
		v.decide(Inconclusive, Blind)
	}
	return v, nil
}

// FoldCheck takes one result of a check. It counts at its end, and not at all if the check began before the deployment.
func (v *Verification) FoldCheck(r probe.Result) {
	v.advance(r.End())
	if v.state.Decided() || r.Start.Before(v.since) {
		return
	}
	for _, t := range v.checks {
		if t.Key == r.Key {
			t.fold(r)
			v.step()
			return
		}
	}
}

// FoldUnit takes one reading of a unit. Restarts are counted from the first, so fold what is known of each unit at the
// start.
func (v *Verification) FoldUnit(seen UnitSeen) {
	v.advance(seen.Time)
	if v.state.Decided() || seen.Time.Before(v.plan.Start) {
		return
	}
	for _, t := range v.units {
		if t.name == seen.Unit {
			if t.fold(seen) {
				v.beginAnew(seen.Time)
			}
			v.step()
			return
		}
	}
}

// FoldLog takes what was read of a unit's log. What was written before the deployment, or before the unit was started by
// hand, says nothing about it.
func (v *Verification) FoldLog(seen LogSeen) {
	v.advance(seen.Time)
	if v.state.Decided() {
		return
	}
	for _, t := range v.units {
		if t.name == seen.Unit {
			t.log.fold(seen)
			v.step()
			return
		}
	}
}

// Abandon ends an undecided verification: Interrupted, Superseded or Paused.
func (v *Verification) Abandon(reason Reason, now time.Time) {
	v.advance(now)
	if !v.state.Decided() {
		v.decide(Inconclusive, reason)
	}
}

// At is all there is to tell at a time.
func (v *Verification) At(now time.Time) Document {
	v.advance(now)
	return v.document()
}

// Deadline is the next time at which the passing of time alone changes something; zero once it is decided. Call At then.
func (v *Verification) Deadline() time.Time {
	if v.state.Decided() {
		return time.Time{}
	}
	next := v.until()
	for _, t := range v.units {
		for _, by := range []time.Time{t.lostAt(), t.givenUpAt()} {
			if !by.IsZero() && by.Before(next) {
				next = by
			}
		}
	}
	return next
}

// until is when the state of an undecided verification ends by itself.
func (v *Verification) until() time.Time {
	if v.state == Settling {
		return v.settleBy
	}
	if end := v.windowEnd(); v.now.Before(end) {
		return end
	}
	return v.awaitedUntil()
}

// advance lets time pass, one deadline after the other.
func (v *Verification) advance(to time.Time) {
	for next := v.Deadline(); !next.IsZero() && !next.After(to); next = v.Deadline() {
		v.now = later(v.now, next)
		v.step()
	}
	v.now = later(v.now, to)
}

// step draws the conclusions from what is known now.
func (v *Verification) step() {
	if v.state.Decided() {
		return
	}
	if v.hopeless() {
		v.decide(Failed, "")
		return
	}
	if v.state == Settling {
		switch standing := v.standing(time.Time{}); {
		case standing <= short:
			v.state, v.settled = Observing, v.now
		case !v.now.Before(v.settleBy):
			v.conclude(max(standing, v.logged()))
		}
	}
	if end := v.windowEnd(); v.state == Observing && !v.now.Before(end) {
		v.conclude(max(v.standing(end), v.logged()))
	}
}

// conclude decides where nothing more is to come. What is still short is waited for. Targets that are not known could fail
// a deployment, but not make it pass.
func (v *Verification) conclude(standing standing) {
	if standing == fine && v.plan.Unseen != "" {
		standing = unseen
	}
	switch standing {
	case fine:
		v.decide(Passed, "")
	case unseen:
		v.decide(Inconclusive, Blind)
	case broken:
		v.decide(Failed, "")
	}
}

func (v *Verification) decide(verdict State, reason Reason) {
	v.state, v.reason, v.decided = verdict, reason, v.now
	if verdict == Passed || verdict == Failed {
		v.findings = v.diagnose()
	}
	if verdict == Failed && onlyPreexisting(v.findings) {
		v.state, v.reason = Inconclusive, Preexisting
	}
}

// beginAnew forgets what was seen of the checks: it was another run of the service.
func (v *Verification) beginAnew(at time.Time) {
	if first := v.since.Equal(v.plan.Start); first {
		settle := v.plan.Policy.SettleTimeout
		v.settleBy = earlier(at.Add(settle), v.plan.Start.Add(2*settle))
	}
	if !v.now.Before(v.settleBy) {
		v.decide(Inconclusive, Superseded)
		return
	}
	v.state, v.since, v.settled = Settling, at, time.Time{}
	for _, t := range v.checks {
		t.forget()
	}
}

// standing is the worst of all that decides. end is that of the window, zero as long as it is not over.
func (v *Verification) standing(end time.Time) standing {
	worst := fine
	for _, t := range v.checks {
		if t.Critical {
			worst = max(worst, t.standing(v.now, end))
		}
	}
	for _, t := range v.units {
		worst = max(worst, t.standing(v.now, end))
	}
	return worst
}

// hopeless reports whether waiting cannot help.
func (v *Verification) hopeless() bool {
	for _, t := range v.checks {
		if t.Critical && t.failing() && t.last.Reason == probe.ReasonAuthBypassed && !hasCause(t.before(), AuthBypassed) {
			return true
		}
	}
	for _, t := range v.units {
		if t.hopeless(v.now) || v.lacks(t) {
			return true
		}
	}
	return false
}

func (v *Verification) windowEnd() time.Time { return v.settled.Add(v.plan.Policy.Window) }

// awaitedUntil is when, after the window's end, the first of what is waited for will have been waited for long enough.
func (v *Verification) awaitedUntil() time.Time {
	var first time.Time
	await := func(until time.Time) {
		if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	end := v.windowEnd()
	for _, t := range v.checks {
		if t.Critical {
			await(t.awaitedUntil(end))
		}
	}
	for _, t := range v.units {
		if !t.observable {
			await(end.Add(reconnect))
		}
	}
	return first
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
