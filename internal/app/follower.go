package app

import (
	"context"
	"reflect"
	"sync"
	"time"

	"postflight/internal/logpattern"
	"postflight/internal/state"
	"postflight/probe"
	"postflight/probe/journalprobe"
	"postflight/probe/unitprobe"
)

// follower runs one watcher at a time: that of what is to be watched now. Where that becomes something else it begins anew
// with another watcher; what happens meanwhile is told by what systemd counts, and by the journal.
type follower struct {
	changed chan struct{} // something else is to be watched than before

	mu   sync.Mutex
	what any                  // to be watched
	make func() probe.Watcher // nil: nothing is to be watched
}

func newFollower() *follower {
	return &follower{changed: make(chan struct{}, 1)}
}

// set says what is to be watched, and who watches it.
func (f *follower) set(what any, make func() probe.Watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if reflect.DeepEqual(what, f.what) {
		return
	}
	f.what, f.make = what, make
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// watcher gives the watcher of what is to be watched now, nil where that is nothing.
func (f *follower) watcher() probe.Watcher {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.changed:
	default:
	}
	if f.make == nil {
		return nil
	}
	return f.make()
}

// run watches until ctx ends, or a watcher gives up for good.
func (f *follower) run(ctx context.Context, tell func(probe.Result)) error {
	for ctx.Err() == nil {
		watcher := f.watcher()
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
		case <-f.changed:
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

// watchUnits says which units are to be watched over the bus.
func (e *engine) watchUnits(units []probe.Key) {
	switch {
	case e.options.watcher != nil:
		e.units.set(e.options.watcher, func() probe.Watcher { return e.options.watcher })
	case len(units) == 0:
		e.units.set(nil, nil)
	default:
		e.units.set(units, func() probe.Watcher { return unitprobe.New(e.options.busAddress, units) })
	}
}

// watched is what the followers of logs compare.
type watched struct {
	units    []probe.Key
	patterns map[string][]logpattern.Pattern
}

// watchLogs says which units' logs are to be followed, and what is looked for in them.
func (e *engine) watchLogs(services []*service, units []probe.Key) {
	if !e.options.logs || e.options.watcher != nil || len(units) == 0 {
		e.logs.set(nil, nil)
		return
	}
	what := watched{units, map[string][]logpattern.Pattern{}}
	patterns := map[string]*logpattern.Set{}
	for _, s := range services {
		what.patterns[s.config.Name] = s.config.Patterns
		patterns[s.config.Name] = s.config.Logs
	}
	e.logs.set(what, func() probe.Watcher {
		return journalprobe.New(journalprobe.Options{
			Units:    units,
			Patterns: patterns,
			Cursor:   e.store.Cursor(),
			Since:    logsRead(e.store.Snapshot(time.Now())),
			Moved:    e.store.FoldCursor,
		})
	})
}

// logsRead tells up to when the log of each unit has been read. One that never was is read from now on: what it held before
// anybody asked for it is not news.
func logsRead(snapshot *state.Snapshot) map[probe.Key]time.Time {
	read := map[probe.Key]time.Time{}
	for _, service := range snapshot.Services {
		for _, unit := range service.Units {
			read[unit.Key] = snapshot.Time
			if unit.Log != nil && !unit.Log.Until.IsZero() {
				read[unit.Key] = unit.Log.Until
			}
		}
	}
	return read
}
