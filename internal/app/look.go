package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/state"
	"postflight/probe"
)

const (
	// together is how many checks a single look runs at once.
	together = 256
	// unitPatience is how long a single look waits for the bus to tell of all units.
	unitPatience = 5 * time.Second
)

// LookOptions says what to look at.
type LookOptions struct {
	Config     *config.Config
	Build      Build
	Log        *zap.Logger
	BusAddress string
	Tell       func(probe.Result) // is told each result as it comes, one at a time
}

// Look runs every check once and reads every unit once, and returns what came. A check or unit without a result was
// not reached before ctx ended.
func Look(ctx context.Context, o LookOptions) *state.Snapshot {
	e := newEngine(ctx, state.New(), o.Config, engineOptions{
		version: o.Build.Version, busAddress: o.BusAddress, observer: nobody{}, log: o.Log,
	})
	defer e.close()
	e.store.Subscribe(changes(o.Log))
	e.store.Subscribe(func(event state.Event) { o.Tell(event.Result) })
	e.readLists(ctx)
	var units sync.WaitGroup
	units.Go(func() { e.lookAtUnits(ctx) })
	for batch := range slices.Chunk(jobsOf(e.services), together) {
		for _, j := range batch {
			e.runner.Run(j.ctx, j.Job)
		}
		e.runner.Wait()
	}
	units.Wait()
	return e.store.Snapshot(time.Now())
}

// lookAtUnits watches until each unit has been told of once.
func (e *engine) lookAtUnits(ctx context.Context) {
	watcher := e.units.watcher()
	if watcher == nil {
		return
	}
	ctx, enough := context.WithTimeout(ctx, unitPatience)
	defer enough()
	awaited := 0
	for _, service := range e.store.Snapshot(time.Now()).Services {
		awaited += len(service.Units)
	}
	e.store.Subscribe(func(event state.Event) {
		if event.Unit != nil && event.First {
			if awaited--; awaited == 0 {
				enough()
			}
		}
	})
	watcher.Watch(ctx, e.store.Fold) // an error has been folded as the units' result
}
