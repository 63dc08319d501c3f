package app

import (
	"slices"
	"sync"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

// restartedJustNow is how long before it is announced a deployment may have been started.
const restartedJustNow = time.Minute

// befores remember how each check was before it became as it is now, and when each unit was restarted by hand. A deploy
// script stops the service before it starts another release: what checks find in between says nothing about how the
// service was.
type befores struct {
	mu     sync.Mutex             // guards what follows; taken under the store's lock, so the store is never called under it
	checks map[probe.Key][]streak // the newest first
	runs   map[probe.Key]unitRun  // of units
}

// streak is a time in which a check found the same.
type streak struct {
	began time.Time // end of the first result
	last  probe.Result
}

// streaks is how many of a check are remembered: as it was, silent while another release is unpacked, and as it is now.
const streaks = 4

// unitRun is what is known of how a unit came to run.
type unitRun struct {
	active  time.Time // since when it is, or was
	down    time.Time // since when it is not; zero: it is
	started time.Time // by hand, the last time that was seen; zero: it never was
	stopped time.Time // when the run before that began to end; zero: not known
	alone   time.Time // since when the run before that writes no more to the log
}

func newBefores() *befores {
	return &befores{checks: map[probe.Key][]streak{}, runs: map[probe.Key]unitRun{}}
}

// fold takes up an event. The store calls it, one at a time.
func (b *befores) fold(event state.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := event.Result.Key
	if event.Unit != nil {
		b.runs[key] = b.runs[key].after(event)
		return
	}
	known, now := b.checks[key], event.Check.Last
	if len(known) > 0 && known[0].last.Outcome == now.Outcome && known[0].last.Reason == now.Reason {
		known[0].last = now
		return
	}
	if len(known) == streaks {
		known = known[:streaks-1]
	}
	b.checks[key] = slices.Insert(known, 0, streak{now.End(), now})
}

func (r unitRun) after(event state.Event) unitRun {
	if event.Started == state.Manual {
		r.started, r.stopped, r.alone = event.Result.End(), r.ended(event.Unit), event.Result.End()
		if exit := event.Unit.MainExit.At; exit.After(r.active) {
			r.alone = exit
		}
	}
	switch u := event.Unit.Last.Unit; {
	case u == nil, u.ActiveState == "reloading", u.ActiveState == "refreshing": // as it was
	case u.ActiveState == "active":
		r.active, r.down = u.ActiveEnter, time.Time{}
	case r.down.IsZero():
		r.down = event.Result.End()
	}
	return r
}

// ended is when the last run began to end: a process that is told to stop may refuse connections long before it is gone.
func (r unitRun) ended(unit *state.UnitState) time.Time {
	exit := unit.MainExit.At
	if exit.After(r.active) && (r.down.IsZero() || exit.Before(r.down)) { // else it is of a run long ago
		return exit
	}
	return r.down
}

// forget forgets what is no longer configured.
func (b *befores) forget(key probe.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.checks, key)
	delete(b.runs, key)
}

// since is when a deployment began to change how its service is: when the first of its units went down for it.
func (b *befores) since(units []*state.UnitState, deployed time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := deployed
	for _, unit := range units {
		last := b.runs[unit.Key]
		if u := unit.Last.Unit; u != nil && (u.ActiveState == "inactive" || u.ActiveState == "deactivating") { // it is yet to be started
			last = unitRun{started: deployed, stopped: last.ended(unit)}
		}
		if last.started.Before(deployed.Add(-restartedJustNow)) {
			continue
		}
		for _, at := range []time.Time{last.stopped, last.started} {
			if !at.IsZero() && at.Before(first) {
				first = at
			}
		}
	}
	return first
}

// logFrom is since when a unit's log is of the deployed release: its process may have failed before anybody announced it.
func (b *befores) logFrom(unit probe.Key, deployed, verified time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := b.runs[unit]
	if last.started.Before(deployed.Add(-restartedJustNow)) || !last.started.After(verified) || last.alone.After(deployed) {
		return deployed
	}
	return last.alone
}

// result is the last one of a check from before that, nil where none says anything about how the service was.
func (b *befores) result(j *job, since time.Time) *probe.Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	recent := since.Add(-2*j.check.Interval - j.Timeout)
	for _, s := range b.checks[j.Key] {
		if !s.began.After(since) && s.last.End().After(recent) {
			return &s.last
		}
	}
	return nil
}

// errorsBefore are the newest errors of a unit's log from before that.
func errorsBefore(log *state.LogState, since time.Time) []probe.Match {
	if log == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(log.Evidence), func(m probe.Match) bool {
		return m.Severity != probe.SeverityError || !m.Time.Before(since)
	})
}
