package schedule

import (
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"postflight/probe"
)

// wheel turns once each time its schedule fires. The turn belongs to whoever holds the Scheduler's mu.
type wheel struct {
	turn
	schedule Schedule
	entryID  cron.EntryID
	ticks    ticks
}

// newWheel makes a wheel that takes part in the turn that is under way, if there is one: places depend on the time
// alone, not on when the program was started.
func newWheel(schedule Schedule, clock clock, now time.Time) *wheel {
	w := &wheel{turn: newTurn(), schedule: schedule, ticks: ticks{schedule: schedule, clock: clock, from: now}}
	w.beginning = now
	if underWay := schedule.Next(now.Add(-schedule.spread)); !underWay.After(now) {
		w.restart(underWay)
		w.passed = now.Sub(underWay) - 1
	}
	return w
}

// ticks is what robfig/cron sees of a schedule. It remembers for which time each tick was planned: when cron starts a
// job it does not say. cron asks for the next time once at the beginning and once after each tick, so the times and
// the ticks come in the same order.
//
// cron is answered with moments that bear a monotonic reading, so that it waits by that and not by the time of day.
//
// cron asks from its own goroutine while Set may be waiting for that goroutine: hence a lock of its own.
type ticks struct {
	schedule Schedule
	clock    clock
	mu       sync.Mutex
	from     time.Time // the first question is answered from here, so that no tick is lost before cron has begun
	planned  []time.Time
}

// Next is called by cron.
func (t *ticks) Next(moment time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.at(moment)
	if !t.from.IsZero() {
		now, t.from = t.from, time.Time{}
	}
	next := t.schedule.Next(now)
	if next.IsZero() {
		return next // never, as cron and robfig's schedules have it
	}
	t.planned = append(t.planned, next)
	return t.clock.moment(next)
}

// take gives the time of the earliest tick that has not been taken.
func (t *ticks) take() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	planned := t.planned[0]
	t.planned = append(t.planned[:0], t.planned[1:]...)
	return planned
}

// hash places a key: FNV-1a, the same in every process, so that a restart keeps the phase.
func hash(key probe.Key) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, part := range [...]string{key.Service, key.Target, key.Check, key.Unit} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * 0x100000001b3
		}
		h *= 0x100000001b3 // a zero byte, so that parts do not run into each other
	}
	return h
}

// offset gives the hash's point of the grid within spread.
func offset(hash uint64, spread time.Duration) time.Duration {
	return time.Duration(hash%uint64(spread/grid)) * grid
}
