// Package app wires the rooms together: one engine for the daemon, the gate and the single look.
package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"postflight/internal/builtin"
	"postflight/internal/config"
	"postflight/internal/schedule"
	"postflight/internal/state"
	"postflight/probe"
	"postflight/probe/httpprobe"
	"postflight/probe/unitprobe"
)

// capacity is how many probes run at once, over all services. Each costs a goroutine, a connection and some 30 KiB; a
// dead target holds its places until its timeout and no longer.
const capacity = 4096

// Build says which postflight this is.
type Build struct{ Version, Revision, GoVersion string }

// engine is what serve, verify and check share: the configured checks as jobs, the watcher of their units, and the
// store that everything is folded into.
type engine struct {
	ctx       context.Context // the engine's life: its end ends every probe
	store     *state.Store
	client    *httpprobe.Client
	runner    *probe.Runner
	scheduler *schedule.Scheduler
	watcher   probe.Watcher // nil: no units
	jobs      []job

	arranging sync.Mutex // one at a time gives the scheduler its entries

	mu        sync.Mutex // guards what follows; taken under the store's lock, so the store is never called under it
	verifying []*verification
}

// job is a probe.Job and when it is due.
type job struct {
	*probe.Job
	check    probe.Check
	schedule schedule.Schedule
}

// engineOptions is what an engine is made of.
type engineOptions struct {
	config     *config.Config
	version    string
	busAddress string        // of the system bus; empty: its usual place
	watcher    probe.Watcher // in place of systemd's, for the demo; nil: systemd's
	observer   observer
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

func newEngine(ctx context.Context, store *state.Store, o engineOptions) *engine {
	e := &engine{
		ctx:       ctx,
		store:     store,
		client:    httpprobe.NewClient(o.version),
		scheduler: schedule.New(o.observer.ObserveLag),
		watcher:   o.watcher,
	}
	e.runner = probe.NewRunner(capacity, e.store.Fold, o.observer.CountSkip)
	var services []state.Service
	var units []probe.Key
	for _, service := range o.config.Services {
		configured := state.Service{Name: service.Name, Units: service.Units}
		for _, j := range e.jobsOf(service) {
			e.jobs = append(e.jobs, j)
			configured.Checks = append(configured.Checks, j.check)
		}
		services = append(services, configured)
		for _, unit := range service.Units {
			units = append(units, probe.Key{Service: service.Name, Unit: unit})
		}
	}
	if e.watcher == nil && len(units) > 0 {
		e.watcher = unitprobe.New(o.busAddress, units)
	}
	e.store.Apply(services)
	e.store.Subscribe(e.tellVerifications)
	e.arrange()
	return e
}

// jobsOf makes the jobs of one service: each of its checks for each of its targets.
func (e *engine) jobsOf(service config.Service) []job {
	var jobs []job
	for _, target := range service.Targets {
		for _, check := range service.Checks {
			key := probe.Key{Service: service.Name, Target: target, Check: check.Name}
			jobs = append(jobs, job{
				check:    probe.Check{Key: key, Critical: check.Critical, Interval: check.Schedule.Interval(time.Now())},
				schedule: check.Schedule,
				Job: &probe.Job{
					Key:         key,
					Prober:      e.prober(key, check, service),
					Timeout:     check.Timeout,
					MinInterval: check.MinInterval,
				},
			})
		}
	}
	return jobs
}

// prober makes the prober of a check.
func (e *engine) prober(key probe.Key, check config.Check, service config.Service) probe.Prober {
	c := requestsOf(check, service)
	c.Key, c.Reuse, c.Timeout = key, check.ReuseConnections, check.Timeout
	return e.client.Prober(c)
}

// requestsOf is what a check asks: what its own words say, or what the built-in one does that it names.
func requestsOf(check config.Check, service config.Service) httpprobe.Check {
	if own := check.Request; own != nil {
		return httpprobe.Check{Requests: []httpprobe.Request{{
			Name:        check.Name,
			Method:      own.Method,
			Path:        own.Path,
			Header:      own.Header,
			Body:        own.Body,
			Credentials: credentials(service, own.Credentials),
			Expect:      own.Expect,
		}}}
	}
	builtIn, _ := builtin.Lookup(check.Use) // config has found it
	return builtIn.Build(credentials(service, "admin"))
}

// credentials are those of a name, nil where the service has none.
func credentials(service config.Service, name string) httpprobe.Credentials {
	if c, configured := service.Credentials[name]; configured {
		return httpprobe.TokenFile(c.TokenFile)
	}
	return nil
}

// arrange gives the scheduler every job: on its own schedule, or as often as a verification of its service wants.
func (e *engine) arrange() {
	e.arranging.Lock()
	defer e.arranging.Unlock()
	entries := make([]schedule.Entry, len(e.jobs))
	for i, j := range e.jobs {
		due := j.schedule
		for _, v := range e.verificationsOf(j.Key.Service) {
			if every := schedule.Every(max(v.interval, j.MinInterval)); every.Shortest() < due.Shortest() {
				due = every
			}
		}
		entries[i] = schedule.Entry{Key: j.Key, Schedule: due, Run: func() { e.runner.Run(e.ctx, j.Job) }}
	}
	e.scheduler.Set(entries)
}

// run probes on schedule and watches the units until the engine's context ends, or the watcher gives up for good. It
// returns when nothing of the engine runs any more.
func (e *engine) run() error {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var watching sync.WaitGroup
	var lost error
	if e.watcher != nil {
		watching.Go(func() {
			defer cancel()
			lost = e.watcher.Watch(ctx, e.store.Fold)
		})
	}
	err := e.scheduler.Run(ctx)
	cancel()
	watching.Wait()
	e.runner.Wait()
	e.client.Close()
	return errors.Join(err, lost)
}
