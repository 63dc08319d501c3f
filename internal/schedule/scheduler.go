package schedule

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"postflight/probe"
)

// startSpread is the longest time over which new checks are spread for their first run.
const startSpread = 5 * time.Second

// Entry is one check that is to be released on a schedule.
type Entry struct {
	Key      probe.Key
	Schedule Schedule
	Edition  any    // another one than before under the same key makes it new
	Run      func() // returns at once, and does not call the Scheduler
}

// Scheduler releases entries. robfig/cron knows one job per distinct schedule, since it sorts all that it has each time
// it wakes; its tick begins a turn of a wheel, which releases its entries one after another over the schedule's
// spread, each at the place that its key's hash gives it. Places are absolute times on the grid, so lateness does not
// add up.
//
// Two sorts of goroutines touch it: cron's, which begin turns, and the one in Run, which releases. Both, and Set, hold
// mu while they do; so nothing that a Set has left out runs once that Set has returned.
type Scheduler struct {
	late      func(due time.Time)
	timeOfDay func(moment time.Time) time.Time // a test may set it
	cron      *cron.Cron
	wake      chan struct{} // tells Run that something may be due sooner

	mu      sync.Mutex
	running bool
	clock   clock
	entries []Entry
	wheels  map[string]*wheel // by the schedule's identity
	starts  turn              // first runs of new entries
	due     turns
}

// New makes a Scheduler. late is told, for each release, how much later than planned it came.
func New(late func(time.Duration)) *Scheduler {
	s := &Scheduler{
		timeOfDay: timeOfDay,
		cron:      cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger), cron.WithChain()),
		wake:      make(chan struct{}, 1),
		wheels:    map[string]*wheel{},
		starts:    newTurn(),
	}
	s.late = func(due time.Time) { late(s.clock.now().Sub(due)) }
	return s
}

// Set replaces the entries; the slice is the scheduler's from then on. An entry whose key was there keeps its place in the
// turns, also in the one that is under way, and its first run where that is still to come. A new one runs once soon: within
// 5 s, or within its interval if that is shorter.
func (s *Scheduler) Set(entries []Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.entries
	s.entries = entries
	if !s.running {
		return
	}
	known := make(map[probe.Key]any, len(before))
	for _, e := range before {
		known[e.Key] = e.Edition
	}
	s.arrange(known, s.pendingStarts(), 0)
	s.poke()
}

// Run releases entries until ctx ends, and returns when no goroutine of its own is left. It can be run once.
func (s *Scheduler) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.running {
		s.mu.Unlock()
		return errors.New("the scheduler has been run already")
	}
	s.running = true
	s.setClock(time.Now())
	s.arrange(nil, nil, 0)
	s.mu.Unlock()
	s.cron.Start()
	defer func() { <-s.cron.Stop().Done() }()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-timer.C:
		}
		timer.Reset(s.release(ctx))
	}
}

// release runs everything that is due and tells how long nothing will be, or when to look at the wall clock again.
func (s *Scheduler) release(ctx context.Context) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepTime()
	idle := time.Hour
	if len(s.entries) > 0 {
		idle = drift
	}
	for len(s.due) > 0 {
		t := s.due[0]
		if wait := t.due().Sub(s.clock.now()); wait > 0 {
			return min(wait, idle)
		}
		if ctx.Err() != nil {
			return idle
		}
		t.releaseNext(s.late)
		s.due.update(t)
	}
	return idle
}

// begin starts a turn of the wheel. What the last turn has left is overdue by now, and released first.
func (s *Scheduler) begin(w *wheel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	planned := w.ticks.take()
	if s.wheels[w.schedule.identity] != w {
		return // a Set has dropped it meanwhile
	}
	for !w.over() {
		w.releaseNext(s.late)
	}
	w.restart(planned)
	s.due.update(&w.turn)
	s.poke()
}

func (s *Scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
