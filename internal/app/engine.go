// Package app wires the rooms together: one engine for the daemon, the gate and the single look.
package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/deployment"
	"postflight/internal/schedule"
	"postflight/internal/state"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// capacity is how many probes run at once, over all services. Each costs a goroutine, a connection and some 30 KiB; a
// dead target holds its places until its timeout and no longer.
const capacity = 4096

// Build says which postflight this is.
type Build struct{ Version, Revision, GoVersion string }

// engine is what serve, verify and check share: the services as they are looked at now, and the store that everything is
// folded into.
//
// What is looked at changes as a whole: a change makes new services beside the old ones, taking over what is the same,
// and nothing has been touched until commit puts them in their place.
type engine struct {
	ctx       context.Context // the engine's life: its end ends all that runs
	stop      context.CancelFunc
	options   engineOptions
	store     *state.Store
	runner    *probe.Runner
	scheduler *schedule.Scheduler
	units     *follower         // of units, over the bus
	logs      *follower         // of their logs
	client    *httpprobe.Client // of the services that have no TLS of their own
	before    *befores          // how checks were
	rechecks  *rechecks         // of what fails
	lists     sync.WaitGroup    // the goroutines that watch target lists

	// One change at a time, of what is looked at or of how often. It is taken before the locks of all that is changed, and
	// never by what they call.
	changing sync.Mutex
	services []*service // in the configuration's order; never changed, but replaced
	watching bool       // the target lists

	mu        sync.Mutex // guards what follows; taken under the store's lock, so the store is never called under it
	verifying []*deployment.Verification
}

// engineOptions is what an engine is made of.
type engineOptions struct {
	version    string
	busAddress string        // of the system bus; empty: its usual place
	watcher    probe.Watcher // of units and their logs in place of systemd's and its journal's, for the demo; nil: theirs
	logs       bool          // follow the logs of the units
	recheck    bool          // run checks that fail more often for a while
	observer   observer
	log        *zap.Logger
}

// observer is told how the engine itself is doing: how late each probe began, and which did not.
type observer interface {
	ObserveLag(time.Duration)
	CountSkip(probe.Key, probe.SkipReason)
}

// nobody observes an engine that lives for one command only.
type nobody struct{}

func (nobody) ObserveLag(time.Duration)              {}
func (nobody) CountSkip(probe.Key, probe.SkipReason) {}

func newEngine(ctx context.Context, store *state.Store, c *config.Config, o engineOptions) *engine {
	e := &engine{
		options:   o,
		store:     store,
		scheduler: schedule.New(o.observer.ObserveLag),
		units:     newFollower(),
		logs:      newFollower(),
		client:    httpprobe.NewClient(o.version),
		before:    newBefores(),
	}
	e.ctx, e.stop = context.WithCancel(ctx)
	e.runner = probe.NewRunner(capacity, e.store.Fold, o.observer.CountSkip)
	e.store.Subscribe(e.tellVerifications)
	e.store.Subscribe(e.before.fold)
	e.store.SubscribeGone(e.before.forget)
	e.rechecks = newRechecks(e.recheck)
	if o.recheck {
		e.store.Subscribe(e.rechecks.fold)
		e.store.SubscribeGone(e.rechecks.forget)
	}
	e.apply(c)
	return e
}

// service is the one of this name, nil where there is none. Whoever calls it holds changing.
func (e *engine) service(name string) *service {
	for _, s := range e.services {
		if s.config.Name == name {
			return s
		}
	}
	return nil
}

// jobsOf are those of all these services.
func jobsOf(services []*service) []*job {
	var jobs []*job
	for _, s := range services {
		jobs = append(jobs, s.jobs...)
	}
	return jobs
}

// arrange gives the scheduler every job: on its own schedule, or as often as a verification of its service wants. Whoever
// calls it holds changing.
func (e *engine) arrange() {
	var entries []schedule.Entry
	for _, s := range e.services {
		verifications := e.verificationsOf(s.config.Name)
		for _, j := range s.jobs {
			due := j.schedule
			for _, v := range verifications {
				if every := schedule.Every(max(v.Interval(), j.MinInterval)); every.Shortest() < due.Shortest() {
					due = every
				}
			}
			entries = append(entries, schedule.Entry{Key: j.Key, Schedule: due, Edition: j, Run: func() { e.runner.Run(j.ctx, j.Job) }})
		}
	}
	e.scheduler.Set(entries)
}

// run probes on schedule, watches the units, and keeps target lists and release files up to date, until the engine is
// stopped or the watcher of the units gives up for good. It returns when nothing of the engine runs any more.
func (e *engine) run() error {
	var watching sync.WaitGroup
	var lost error
	watching.Go(func() {
		defer e.stop()
		lost = e.units.run(e.ctx, e.store.Fold)
	})
	watching.Go(func() { e.logs.run(e.ctx, e.store.Fold) }) // what goes wrong has been folded as the logs' result
	watching.Go(func() { e.followReleaseFiles(e.ctx) })
	e.watchLists()
	err := e.scheduler.Run(e.ctx)
	e.close()
	watching.Wait()
	return errors.Join(err, lost)
}

// close ends all that runs, waits for the probes and the target lists, and closes what connections are kept. A change that
// comes later starts nothing.
func (e *engine) close() {
	e.stop()
	e.changing.Lock()
	e.watching = false
	e.rechecks.close()
	services := e.services
	e.changing.Unlock()
	e.lists.Wait()
	e.runner.Wait()
	e.client.Close()
	for _, s := range services {
		s.client.Close()
	}
}
