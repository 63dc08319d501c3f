package app

import (
	"cmp"
	"slices"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/latency"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// begin begins to look at a service for a verification. Until it ends the service's checks run at the policy's interval.
func (e *engine) begin(p deployment.Plan) (*deployment.Verification, error) {
	e.changing.Lock()
	defer e.changing.Unlock()
	var jobs []*job
	if s := e.service(p.Service); s != nil {
		jobs = s.jobs
	}
	known := e.stateOf(p.Service)
	v, err := deployment.NewVerification(e.planned(p, jobs, known), p.Resumed)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.verifying = append(e.verifying, v)
	e.mu.Unlock()
	v.Remember(e.stateOf(p.Service).Units) // from here on whatever is newer is told
	e.arrange()
	e.runRare(jobs, p.Policy.Interval)
	return v, nil
}

// planned is a plan with what there is to look at, and with what was known of that before.
func (e *engine) planned(p deployment.Plan, jobs []*job, known state.ServiceState) verdict.Plan {
	plan := p.Verdict()
	plan.Logs, plan.LogFrom = e.options.logs, map[string]time.Time{}
	deployed := firstOf(plan.Began, plan.Start)
	since := e.before.since(known.Units, deployed)
	baselines := make(map[probe.Key]latency.Summary, len(known.Checks))
	for _, check := range known.Checks {
		baselines[check.Check.Key] = check.Baseline
	}
	for _, j := range jobs {
		plan.Checks = append(plan.Checks, verdict.PlannedCheck{Check: j.check, MinInterval: j.MinInterval, Timeout: j.Timeout, Baseline: baselines[j.Key]})
	}
	for _, unit := range known.Units {
		plan.Units = append(plan.Units, unit.Key.Unit)
		plan.LogFrom[unit.Key.Unit] = e.before.logFrom(unit.Key, deployed, verifiedUntil(known.Deployments, p.ID))
	}
	if p.RollbackOf == "" { // what was wrong before that is what it is to mend
		e.tellBefore(&plan, jobs, known.Units, since)
	}
	if lists := known.Discovery; lists != nil && lists.LastSuccess.IsZero() {
		plan.Unseen = cmp.Or(lists.Problem, "the target lists have not been read yet")
	}
	return plan
}

// tellBefore adds what was wrong before the deployment. Where no unit tells that the service was stopped for it, silence
// says nothing about how it was.
func (e *engine) tellBefore(plan *verdict.Plan, jobs []*job, units []*state.UnitState, since time.Time) {
	for i, j := range jobs {
		if before := e.before.result(j, since); before != nil && (len(units) > 0 || !silent(before)) {
			plan.Checks[i].Before = before
		}
	}
	for _, unit := range units {
		plan.LogBefore = append(plan.LogBefore, errorsBefore(unit.Log, since)...)
	}
}

// silent reports whether an answer may have been nobody's, or that of a proxy whose backend is not there.
func silent(r *probe.Result) bool {
	switch r.Reason {
	case probe.ReasonConnect, probe.ReasonTimeout, probe.ReasonProtocol:
		return true
	default:
		return r.Status >= 502 && r.Status <= 504
	}
}

// verifiedUntil is until when other deployments of a service were verified: what was started by then is theirs.
func verifiedUntil(all state.Deployments, id string) (until time.Time) {
	for _, other := range all.History {
		switch {
		case other.ID == id:
		case !other.State.Decided():
			return time.Now()
		case other.DecidedAt.After(until):
			until = other.DecidedAt
		}
	}
	return until
}

// firstOf is the first time that is one.
func firstOf(times ...time.Time) time.Time {
	return times[slices.IndexFunc(times, func(t time.Time) bool { return !t.IsZero() })]
}

// runRare runs the checks whose minimal interval would make the verification wait for them: at once, or as soon as they
// may run again.
func (e *engine) runRare(jobs []*job, interval time.Duration) {
	for _, j := range jobs {
		if j.MinInterval > interval {
			e.runner.Run(j.ctx, j.Job)
		}
	}
}

func (e *engine) end(v *deployment.Verification) {
	e.mu.Lock()
	e.verifying = slices.DeleteFunc(e.verifying, func(other *deployment.Verification) bool { return other == v })
	e.mu.Unlock()
	e.changing.Lock()
	defer e.changing.Unlock()
	e.arrange()
}

func (e *engine) verificationsOf(service string) []*deployment.Verification {
	e.mu.Lock()
	defer e.mu.Unlock()
	var of []*deployment.Verification
	for _, v := range e.verifying {
		if v.Service() == service {
			of = append(of, v)
		}
	}
	return of
}

// stateOf is what is known of a service.
func (e *engine) stateOf(service string) state.ServiceState {
	for _, known := range e.store.Snapshot(time.Now()).Services {
		if known.Name == service {
			return known
		}
	}
	return state.ServiceState{}
}

// tellVerifications folds an event into the verifications of its service. The store calls it, one event at a time.
func (e *engine) tellVerifications(event state.Event) {
	for _, v := range e.verificationsOf(event.Result.Key.Service) {
		v.Fold(event)
	}
}
