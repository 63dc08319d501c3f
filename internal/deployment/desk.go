// Package deployment sees to it that each deployment is verified, and once: those that are announced, and those that it
// finds out about by itself. After a failed verdict it has the deployment taken back.
package deployment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"postflight/internal/hook"
	"postflight/internal/state"
	"postflight/internal/verdict"
)

// Rules are what is configured of a service's deployments.
type Rules struct {
	Policy    verdict.Policy
	Detect    Detect
	OnFailure *hook.Hook // nil: nothing is run
}

// Detect says what is taken for a deployment that nobody announced.
type Detect string

// What there is to detect.
const (
	DetectRestart Detect = "restart" // the unit is started by hand
	DetectRelease Detect = "release" // another release is seen
	DetectOff     Detect = "off"
)

// Options is what a Desk works with.
type Options struct {
	Store *state.Store
	// Rules are a service's; false: there is no such service. They may change at any time.
	Rules func(service string) (Rules, bool)
	// Begin begins to look at a service for a verification: more often than else, and all that is seen is folded into it
	// until End. An error says why the plan cannot be verified.
	Begin func(Plan) (*Verification, error)
	End   func(*Verification)
	// Kept has what was folded written to the disk before it returns, where it is kept at all.
	Kept func()
	// Tell is told each time that a verification or its rollback comes into another state. It must be quick.
	Tell       func(verdict.Document)
	BusAddress string
}

// Announcement is the news of a deployment.
type Announcement struct {
	Service  string
	Release  string // empty: the one that is known of, if one is
	Source   verdict.Source
	Policy   *verdict.Policy // nil: as configured
	SkipHook bool            // who announces it takes it back by themselves where it fails
}

// Errors of Announce, Pause and the rollback's reports.
var (
	ErrUnknownService    = errors.New("there is no such service")
	ErrUnknownDeployment = errors.New("there is no such deployment")
	ErrConflict          = errors.New("conflict") // wrapped, with the reason: it is decided already, not failed, …

	errStopping = errors.New("postflight is being stopped")
)

// Event is something new of a verification.
type Event struct {
	ID   uint64 // counts from 1 within the verification
	Type string // state, check, unit or verdict
	// Data is a verdict.Document of state and verdict, without the causes' evidence in the first; else a verdict.Check or
	// verdict.Unit.
	Data json.RawMessage
}

// Desk is where all deployments of all services come together. Its methods are safe for use by several goroutines.
type Desk struct {
	o     Options
	life  context.Context // ends with Run
	stop  context.CancelFunc
	work  sync.WaitGroup // one goroutine a course, one a hook
	begun sync.Once      // what the store has restored is taken up
	news  *inbox

	// The store may be called while it is held, and so may Begin and End: what they call never calls the desk.
	mu        sync.Mutex // guards what follows
	stopped   bool
	running   map[string]*course            // undecided, by service
	courses   map[string]*course            // by id, until all has been told
	failed    map[string]Plan               // of the newest of each service that failed
	hooks     map[string]string             // id of the deployment whose hook runs, by service
	announced map[string]time.Time          // when a deployment of the service was announced last
	reporting map[string]context.CancelFunc // rollbacks whose end others tell: ends waiting for them
	turned    chan struct{}                 // closed when a decided deployment is another than before
}

// New makes a Desk. It takes up what the store has restored once it is run.
func New(o Options) *Desk {
	d := &Desk{
		o: o, news: newInbox(), turned: make(chan struct{}),
		running: map[string]*course{}, courses: map[string]*course{},
		failed: map[string]Plan{}, hooks: map[string]string{}, announced: map[string]time.Time{}, reporting: map[string]context.CancelFunc{},
	}
	d.life, d.stop = context.WithCancel(context.Background())
	o.Store.Subscribe(d.news.event)
	o.Store.SubscribeRelease(d.news.release)
	return d
}

// Run sees to all that takes time, until ctx ends. Verifications that are still running then stay undecided, and are taken
// up by the next Run over the same state.
func (d *Desk) Run(ctx context.Context) error {
	d.begun.Do(d.takeUp)
	for ctx.Err() == nil {
		select {
		case <-d.news.came:
			for _, n := range d.news.take() {
				d.detect(n)
			}
		case <-ctx.Done():
		}
	}
	d.close()
	d.work.Wait()
	return nil
}

// close has everything end. What is undecided stays so.
func (d *Desk) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, c := range d.running {
		d.keep(c, now)
	}
	d.stopped = true
	d.stop()
}

// Announce takes up a deployment and returns its verification. known: it was the one that runs already.
func (d *Desk) Announce(a Announcement) (doc verdict.Document, known bool, err error) {
	d.begun.Do(d.takeUp)
	doc, known, err = d.announce(a)
	if err == nil && !known {
		d.o.Kept() // whoever has been given its id finds it, also after we were killed
	}
	return doc, known, err
}

func (d *Desk) announce(a Announcement) (doc verdict.Document, known bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rules, service, err := d.lookUp(a.Service)
	if err != nil {
		return verdict.Document{}, false, err
	}
	if id := d.hooks[a.Service]; id != "" { // what it starts is not what is announced
		return verdict.Document{}, false, fmt.Errorf("%w: the rollback of deployment %s is still running; announce this one again when that has ended", ErrConflict, id)
	}
	now := time.Now()
	before := d.running[a.Service]
	if before != nil {
		d.look(before, now)
	}
	if before != nil && !before.over && before.is(a, now) {
		d.announced[a.Service] = now
		err := d.join(before, a, now)
		return before.doc, true, err
	}
	plan := Plan{Service: a.Service, Release: a.Release, Source: a.Source, Policy: rules.Policy, Start: now}
	if a.Policy != nil {
		plan.Policy = *a.Policy
	}
	c := newCourse(plan, rules, a.SkipHook)
	if c.named = a.Release != ""; !c.named {
		c.release = service.Release.Name
	}
	if err := d.begin(c, now); err != nil {
		return verdict.Document{}, false, err
	}
	d.announced[a.Service] = now
	if service.PausedUntil.After(now) {
		d.abandon(c, verdict.Paused, now)
	}
	return c.doc, false, nil
}

// lookUp is what is configured and what is known of a service.
func (d *Desk) lookUp(name string) (Rules, state.ServiceState, error) {
	if d.stopped {
		return Rules{}, state.ServiceState{}, errStopping
	}
	rules, configured := d.o.Rules(name)
	service, known := d.service(name)
	if !configured || !known {
		return Rules{}, state.ServiceState{}, fmt.Errorf("%w: %q", ErrUnknownService, name)
	}
	return rules, service, nil
}

// service is what the store knows of one.
func (d *Desk) service(name string) (state.ServiceState, bool) {
	for _, s := range d.o.Store.Snapshot(time.Now()).Services {
		if s.Name == name {
			return s, true
		}
	}
	return state.ServiceState{}, false
}

// Interrupt ends a verification that is not decided.
func (d *Desk) Interrupt(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.courses[id]; c != nil {
		d.abandon(c, verdict.Interrupted, time.Now())
	}
}
