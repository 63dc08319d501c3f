package web_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/hook"
	"postflight/internal/verdict"
)

// quoted is what a backend, a log and a hook said. Only those who may know get to see it.
const quoted = "SECRET-OF-THE-BACKEND"

// desk stands in for the one with an engine behind it: it keeps what it is told and answers from two deployments of shop.
type desk struct {
	mu        sync.Mutex
	announced []deployment.Announcement
	paused    []time.Duration
	told      []string // of rollbacks

	next   string                                                                        // id
	docs   []verdict.Document                                                            // the newest first
	follow func(ctx context.Context, after uint64, f func(deployment.Event) error) error // nil: there are no events
}

var at = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func newDesk() *desk {
	return &desk{next: "d/3", docs: []verdict.Document{
		{
			ID: "d2", Service: "shop", Release: "1.4.3", Source: verdict.API, StartedAt: at.Add(time.Hour), State: verdict.Observing,
			Causes: []verdict.Finding{}, Units: []verdict.Unit{}, Rollback: verdict.Rollback{State: verdict.NoRollback},
			Checks: []verdict.Check{{Check: "health", Target: "http://10.0.0.1:8000", Outcome: "warn", Runs: 1, Passes: 1, Wanted: "status healthy", Got: quoted}},
		},
		failed(),
	}}
}

// failed is a deployment that failed and was taken back.
func failed() verdict.Document {
	return verdict.Document{
		ID: "d1", Service: "shop", Release: "1.4.2", Source: verdict.CLI, StartedAt: at, DecidedAt: at.Add(4 * time.Second),
		State: verdict.Failed, Verdict: verdict.Failed,
		Causes: []verdict.Finding{
			{
				Cause: verdict.MissingDependency, Summary: "shop.service: the module jwt is missing", Hint: "add PyJWT to the requirements",
				Evidence: []verdict.Evidence{{Source: "journal", Time: at.Add(time.Second), Text: "ModuleNotFoundError: " + quoted}},
				Explains: []verdict.Explained{{Cause: verdict.WrongStatus, Summary: "front-end at http://10.0.0.1:8000: status 502: " + quoted + ", wanted 200"}},
			},
			{
				Cause: verdict.Assertion, Summary: "health at http://10.0.0.1:8000: false, with " + quoted + ", wanted status healthy", Hint: "look at what changed",
				Evidence: []verdict.Evidence{
					{Source: "http", Time: at.Add(2 * time.Second), Text: "health at http://10.0.0.1:8000: wanted status healthy, got false, with " + quoted},
					{Source: "http", Time: at.Add(2 * time.Second), Text: "front-end at http://10.0.0.1:8000: wanted 200, got status 502: " + quoted},
				},
			},
		},
		Checks: []verdict.Check{{Check: "health", Target: "http://10.0.0.1:8000", Outcome: "fail", Reason: "assertion", Runs: 3, Wanted: "status healthy", Got: "false, with " + quoted}},
		Units:  []verdict.Unit{{Unit: "shop.service", Restarts: 3, State: "activating"}},
		Rollback: verdict.Rollback{
			State: verdict.RollbackFailed, Hook: "unit shop-rollback.service", StartedAt: at.Add(4 * time.Second), EndedAt: at.Add(9 * time.Second),
			Problem: "the service was verified afterwards: failed, health at http://10.0.0.1:8000: " + quoted, Output: "restoring, " + quoted,
		},
	}
}

func (d *desk) Announce(a deployment.Announcement) (verdict.Document, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case a.Service == "idle":
		return verdict.Document{}, false, fmt.Errorf("%w: nothing to verify: no target to check, and no unit", deployment.ErrConflict)
	case a.Service != "shop":
		return verdict.Document{}, false, deployment.ErrUnknownService
	}
	d.announced = append(d.announced, a)
	if a.Release == d.docs[0].Release {
		return d.docs[0], true, nil
	}
	doc := verdict.Document{
		ID: d.next, Service: a.Service, Release: a.Release, Source: a.Source, StartedAt: time.Now().UTC(), State: verdict.Settling,
		Until:  time.Now().UTC().Add(verdict.DefaultPolicy.SettleTimeout),
		Causes: []verdict.Finding{}, Rollback: verdict.Rollback{State: verdict.NoRollback},
		Checks: []verdict.Check{{Check: "health", Target: "http://10.0.0.1:8000", Critical: true}},
		Units:  []verdict.Unit{{Unit: "shop.service", State: "active"}},
	}
	d.docs = slices.Insert(d.docs, 0, doc)
	return doc, false, nil
}

func (d *desk) Deployment(id string) (verdict.Document, error) {
	i := slices.IndexFunc(d.docs, func(doc verdict.Document) bool { return doc.ID == id })
	if i < 0 {
		return verdict.Document{}, deployment.ErrUnknownDeployment
	}
	return d.docs[i], nil
}

func (d *desk) Deployments(service string) ([]verdict.Document, error) {
	switch service {
	case "", "shop":
		return d.docs, nil
	case "idle":
		return nil, nil
	default:
		return nil, deployment.ErrUnknownService
	}
}

func (d *desk) Follow(ctx context.Context, id string, after uint64, f func(deployment.Event) error) error {
	return d.follow(ctx, after, f)
}

func (d *desk) Pause(service string, length time.Duration) (time.Time, error) {
	if service != "shop" {
		return time.Time{}, deployment.ErrUnknownService
	}
	d.paused = append(d.paused, length)
	if length == 0 {
		return time.Time{}, nil
	}
	return at.Add(length), nil
}

func (d *desk) RollbackBegun(id, what string) (verdict.Document, error) {
	doc, err := d.rollback(id, "begun "+what)
	doc.Rollback = verdict.Rollback{State: verdict.RollbackRunning, Hook: what, StartedAt: time.Now().UTC()}
	return doc, err
}

func (d *desk) RollbackEnded(id string, o hook.Outcome) (verdict.Document, error) {
	doc, err := d.rollback(id, fmt.Sprintf("ended %q %q", o.Problem, o.Output))
	doc.Rollback = verdict.Rollback{State: verdict.RollbackRunning, Output: o.Output, Verification: d.next}
	return doc, err
}

func (d *desk) rollback(id, told string) (verdict.Document, error) {
	doc, err := d.Deployment(id)
	if err == nil && doc.State != verdict.Failed {
		err = fmt.Errorf("%w: only a failed deployment is rolled back, and this one is %s", deployment.ErrConflict, doc.State)
	}
	if err != nil {
		return verdict.Document{}, err
	}
	d.told = append(d.told, told)
	return doc, nil
}

// rules are those of shop.
func rules(service string) (deployment.Rules, bool) {
	policy := verdict.DefaultPolicy
	policy.Window, policy.Consecutive = 2*time.Minute, 7
	return deployment.Rules{Policy: policy}, service == "shop"
}
