package app

import (
	"context"
	"slices"
	"sync"

	"postflight/probe"
	"postflight/probe/unitprobe"
)

// unitWatch watches the units of all services over one connection. Where other units are to be watched it begins anew:
// whatever happens meanwhile, systemd's own count tells.
type unitWatch struct {
	fixed      probe.Watcher // of the demo; nil: systemd's
	busAddress string
	changed    chan struct{} // there are other units than before

	mu    sync.Mutex
	units []probe.Key
}

func newUnitWatch(fixed probe.Watcher, busAddress string) *unitWatch {
	return &unitWatch{fixed: fixed, busAddress: busAddress, changed: make(chan struct{}, 1)}
}

// set says which units are to be watched.
func (w *unitWatch) set(units []probe.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Equal(units, w.units) {
		return
	}
	w.units = units
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// watcher gives the watcher of what is to be watched now, nil where that is nothing.
func (w *unitWatch) watcher() probe.Watcher {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.changed:
	default:
	}
	switch {
	case w.fixed != nil:
		return w.fixed
	case len(w.units) == 0:
		return nil
	default:
		return unitprobe.New(w.busAddress, w.units)
	}
}

// run watches until ctx ends, or a watcher gives up for good.
func (w *unitWatch) run(ctx context.Context, tell func(probe.Result)) error {
	for ctx.Err() == nil {
		watcher := w.watcher()
		watching, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() {
			if watcher == nil {
				<-watching.Done()
				done <- nil
				return
			}
			done <- watcher.Watch(watching, tell)
		}()
		select {
		case <-w.changed:
			stop()
			<-done
		case err := <-done:
			stop()
			if ctx.Err() == nil {
				return err
			}
		}
	}
	return nil
}
