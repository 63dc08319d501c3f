package app

import (
	"sync"
	"time"

	"postflight/internal/latency"
	"postflight/internal/state"
	"postflight/probe"
)

// befores remember how each check was before it became as it is now. A deploy script stops the service before it starts
// another release: what checks find in between says nothing about how the service was.
type befores struct {
	mu     sync.Mutex // guards what follows; taken under the store's lock, so the store is never called under it
	now    map[probe.Key]*state.CheckState
	before map[probe.Key]*state.CheckState // the last one with another outcome or reason
}

func newBefores() *befores {
	return &befores{now: map[probe.Key]*state.CheckState{}, before: map[probe.Key]*state.CheckState{}}
}

// fold takes up how a check is now. The store calls it, one event at a time.
func (b *befores) fold(event state.Event) {
	if event.Check == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := event.Result.Key
	if was := b.now[key]; was != nil && (was.Last.Outcome != event.Result.Outcome || was.Last.Reason != event.Result.Reason) {
		b.before[key] = was
	}
	b.now[key] = event.Check
}

// forget forgets a check that is no longer configured.
func (b *befores) forget(key probe.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.now, key)
	delete(b.before, key)
}

// before is how a service's checks were before a deployment.
type before struct {
	checks   map[probe.Key]*state.CheckState
	earlier  map[probe.Key]*state.CheckState
	deployed time.Time
	stopped  time.Time // when the first of its units went down for it; zero: none did, as far as is known
}

// of is how a service was before it was deployed.
func (b *befores) of(service state.ServiceState, deployed time.Time) before {
	was := before{checks: map[probe.Key]*state.CheckState{}, earlier: map[probe.Key]*state.CheckState{}, deployed: deployed}
	for _, unit := range service.Units {
		if ended := unit.MainExit.At; !ended.IsZero() && isStopped(unit, deployed) && (was.stopped.IsZero() || ended.Before(was.stopped)) {
			was.stopped = ended
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, check := range service.Checks {
		was.checks[check.Check.Key] = check
		was.earlier[check.Check.Key] = b.before[check.Check.Key]
	}
	return was
}

// isStopped reports whether a unit is down for a deployment, or was until just now.
func isStopped(unit *state.UnitState, deployed time.Time) bool {
	u := unit.Last.Unit
	if u == nil {
		return false
	}
	return u.ActiveState == "inactive" || u.ActiveEnter.After(unit.MainExit.At) && !u.ActiveEnter.Before(deployed.Add(-restartedJustNow))
}

// restartedJustNow is how long before it is announced a deployment may have been started.
const restartedJustNow = time.Minute

// result is the last one of a check from before the deployment, nil where none says anything about how the service was.
func (b before) result(j *job) *probe.Result {
	limit := b.deployed
	if !b.stopped.IsZero() && b.stopped.Before(limit) {
		limit = b.stopped
	}
	recent := limit.Add(-2*j.check.Interval - j.Timeout)
	for _, check := range []*state.CheckState{b.checks[j.Key], b.earlier[j.Key]} {
		if check == nil || !check.HasRun() {
			continue
		}
		if at := check.Last.End(); !at.After(limit) && at.After(recent) {
			return &check.Last
		}
	}
	return nil
}

func (b before) baseline(key probe.Key) latency.Summary {
	if check := b.checks[key]; check != nil {
		return check.Baseline
	}
	return latency.Summary{}
}
