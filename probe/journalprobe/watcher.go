// Package journalprobe reads what systemd units write to the journal, and what the service manager writes about them.
//
// It runs one journalctl for all units: first to read what is there already, then to follow. Of each entry it asks for a few
// fields only. Where it has been keeps a cursor of its own, so nothing is lost or told twice when journalctl dies or when
// postflight itself does.
package journalprobe

import (
	"context"
	"math/rand/v2"
	"time"

	"postflight/internal/logpattern"
	"postflight/probe"
)

const (
	shortestPause = 100 * time.Millisecond // between two attempts to read the journal …
	longestPause  = 5 * time.Second        // … doubled up to this
)

// Options says what to read and from where.
type Options struct {
	Units    []probe.Key                // a unit of several services is told to each; its name is the unit's own, no alias
	Patterns map[string]*logpattern.Set // what to look for in the units' lines, by service; nil: nothing

	Cursor string                  // where to go on; empty: from now
	Since  map[probe.Key]time.Time // what a unit wrote up to then has been told already
	Moved  func(cursor string)     // is told how far the journal has been read, after the Results up to there; nil: nobody is

	Journalctl string // the program; empty: journalctl, wherever PATH has it
}

// Watcher tells what is in the logs of units.
type Watcher struct{ options Options }

// New makes a Watcher.
func New(o Options) *Watcher {
	if o.Journalctl == "" {
		o.Journalctl = "journalctl"
	}
	if o.Moved == nil {
		o.Moved = func(string) {}
	}
	return &Watcher{options: o}
}

// Watch tells of each unit a Result with Outcome Pass and an empty Log once its journal can be read, and then what has been
// read, soon after it was written.
//
// While the journal cannot be read it tells for each unit a Result with Outcome Error, whose Got says why and what to do:
// once when reading ends and once at each attempt that fails, and goes on trying. It tells one, too, where entries may have
// been missed because the journal no longer held them; then reading has gone on with what there is.
//
// It returns nil when the context has ended.
func (w *Watcher) Watch(ctx context.Context, tell func(probe.Result)) error {
	if len(w.options.Units) == 0 { // of which journalctl would show everybody's
		<-ctx.Done()
		return nil
	}
	r := newReading(w.options, tell)
	pause := shortestPause
	for {
		start := time.Now()
		err := r.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(start) > longestPause {
			pause, start = shortestPause, time.Now()
		}
		r.units.blind(start, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, longestPause)
	}
}
