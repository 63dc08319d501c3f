package demo

import (
	"context"
	"sync"
	"time"

	"postflight/probe"
)

// readings is the unit as systemd would show it. The supervisor changes it; watchers, each in its own goroutine, are
// told of every change, and of what the unit logs.
type readings struct {
	key probe.Key

	mu       sync.Mutex
	unit     probe.Unit
	watchers map[*inbox]struct{}
}

// inbox holds what a watcher has yet to tell.
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
		in.post(r.present())
	}
}

// tell tells all watchers of something else than how the unit is.
func (r *readings) tell(result probe.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for in := range r.watchers {
		in.post(result)
	}
}

// present is the unit as it is now. The caller holds the lock.
func (r *readings) present() probe.Result {
	unit := r.unit
	return probe.Result{Key: r.key, Start: time.Now(), Outcome: probe.Pass, Unit: &unit}
}

// post puts a result into the inbox. The caller holds the lock.
func (in *inbox) post(result probe.Result) {
	in.waiting = append(in.waiting, result)
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// watch tells the present reading, that the log can be read, and then each change and all that is logged, until ctx ends.
func (r *readings) watch(ctx context.Context, tell func(probe.Result)) {
	in := &inbox{wake: make(chan struct{}, 1)}
	r.mu.Lock()
	r.watchers[in] = struct{}{}
	in.post(r.present())
	in.post(probe.Result{Key: r.key, Start: time.Now(), Outcome: probe.Pass, Log: &probe.Log{}})
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
