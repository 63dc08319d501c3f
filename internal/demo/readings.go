package demo

import (
	"context"
	"sync"
	"time"

	"postflight/probe"
)

// readings is the unit as systemd would show it. The supervisor changes it; watchers, each in its own goroutine, are
// told of every change.
type readings struct {
	key probe.Key

	mu       sync.Mutex
	unit     probe.Unit
	watchers map[*inbox]struct{}
}

// inbox holds the readings that a watcher has yet to tell.
type inbox struct {
	waiting []probe.Result // guarded by readings.mu
	wake    chan struct{}
}

func newReadings(key probe.Key) *readings {
	return &readings{
		key:      key,
		unit:     probe.Unit{LoadState: "loaded", ActiveState: "inactive", SubState: "dead", Result: "success"},
		watchers: map[*inbox]struct{}{},
	}
}

// change changes the unit and tells all watchers.
func (r *readings) change(change func(*probe.Unit)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.unit)
	for in := range r.watchers {
		r.post(in)
	}
}

// post puts the present reading into an inbox. The caller holds the lock.
func (r *readings) post(in *inbox) {
	unit := r.unit
	in.waiting = append(in.waiting, probe.Result{Key: r.key, Start: time.Now(), Outcome: probe.Pass, Unit: &unit})
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// watch tells the present reading and then each change, until ctx ends.
func (r *readings) watch(ctx context.Context, tell func(probe.Result)) {
	in := &inbox{wake: make(chan struct{}, 1)}
	r.mu.Lock()
	r.watchers[in] = struct{}{}
	r.post(in)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.watchers, in)
		r.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-in.wake:
		}
		r.mu.Lock()
		waiting := in.waiting
		in.waiting = nil
		r.mu.Unlock()
		for _, result := range waiting {
			tell(result)
		}
	}
}
