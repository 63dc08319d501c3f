package app

import (
	"sync"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

const (
	// recheckFor is for how long a check runs more often once it has begun to fail: that it is well again is to be known at
	// once, and what has failed for longer may take its time.
	recheckFor = 5 * time.Minute
	// recheckAtOnce is how many checks do so at a time. Each may hold a place until its timeout, and where more than that fail
	// the others are not to be held up.
	recheckAtOnce = 256
)

// rechecks are the critical checks that fail, and that run as often as a verification would have them until they recover.
type rechecks struct {
	run func(probe.Key) // runs a check between the times at which it is due

	mu      sync.Mutex // guards what follows; taken under the store's lock, so the store is never called under it
	every   map[string]time.Duration
	failing map[probe.Key]*recheck
}

// recheck is one of them.
type recheck struct {
	since time.Time
	next  *time.Timer // nil: it is running, or it is left to its schedule
}

func newRechecks(run func(probe.Key)) *rechecks {
	return &rechecks{run: run, failing: map[probe.Key]*recheck{}}
}

// set says how often the checks of each service are to run.
func (r *rechecks) set(services []*service) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.every = make(map[string]time.Duration, len(services))
	for _, s := range services {
		r.every[s.config.Name] = s.config.Verification.Interval
	}
}

// fold takes up what came of a check. The store calls it, one event at a time.
func (r *rechecks) fold(event state.Event) {
	if event.Check == nil || !event.Check.Check.Critical {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key, now := event.Result.Key, event.Result.End()
	known := r.failing[key]
	switch {
	case known == nil && (event.Result.Outcome != probe.Fail || !event.Changed || len(r.failing) >= recheckAtOnce):
		return
	case known == nil:
		known = &recheck{since: now}
		r.failing[key] = known
	}
	every, due := r.every[key.Service], event.Check.Check.Interval
	if event.Result.Outcome.Up() || now.Sub(known.since) >= recheckFor || every == 0 || every >= due {
		r.drop(key)
		return
	}
	if known.next == nil {
		known.next = time.AfterFunc(every, func() { r.again(key, known) })
	}
}

// again runs a check that failed. Its result has it run again, or end.
func (r *rechecks) again(key probe.Key, known *recheck) {
	r.mu.Lock()
	wanted := r.failing[key] == known
	known.next = nil
	r.mu.Unlock()
	if wanted {
		r.run(key)
	}
}

// drop leaves a check to its schedule.
func (r *rechecks) drop(key probe.Key) {
	if known := r.failing[key]; known != nil && known.next != nil {
		known.next.Stop()
	}
	delete(r.failing, key)
}

// forget forgets a check that is no longer configured.
func (r *rechecks) forget(key probe.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(key)
}

// close has none run any more.
func (r *rechecks) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.failing {
		r.drop(key)
	}
	r.every = nil
}

// recheck runs a check between the times at which it is due, unless a verification has it run often already.
func (e *engine) recheck(key probe.Key) {
	e.changing.Lock()
	defer e.changing.Unlock()
	s := e.service(key.Service)
	if s == nil || len(e.verificationsOf(key.Service)) > 0 {
		return
	}
	for _, j := range s.jobs {
		if j.Key == key {
			e.runner.RunBetween(j.ctx, j.Job)
			return
		}
	}
}
