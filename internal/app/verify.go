package app

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/deployment"
	"postflight/internal/hook"
	"postflight/internal/state"
	"postflight/internal/verdict"
)

// Deployment is what is to be verified.
type Deployment struct {
	Service   string
	Release   string // empty: not known
	Policy    verdict.Policy
	OnFailure *hook.Hook             // is run after a failed verdict; nil: nothing is
	Progress  func(verdict.Document) // is told each time that the state changes; nil: nobody is
	Events    func(deployment.Event) // is told all that is new; nil: nobody is
}

// VerifyOptions says what a verification of its own looks at.
type VerifyOptions struct {
	Config     *config.Config
	Build      Build
	Log        *zap.Logger
	BusAddress string
}

// Verify verifies one deployment now, with an engine of its own, and returns the document once it is decided and a
// rollback is over. Where ctx ends first it is inconclusive. An error means that the deployment cannot be verified as it is
// described.
func Verify(ctx context.Context, o VerifyOptions, d Deployment) (verdict.Document, error) {
	e := newEngine(ctx, state.New(), o.Config, engineOptions{
		version: o.Build.Version, busAddress: o.BusAddress, logs: true, observer: nobody{}, log: o.Log,
	})
	defer e.stop()
	e.store.Subscribe(changes(o.Log))
	e.readLists(ctx)
	desk := e.desk(func(string) (deployment.Rules, bool) {
		return deployment.Rules{Policy: d.Policy, Detect: deployment.DetectOff, OnFailure: d.OnFailure}, true
	}, func() {})
	var deciding, running sync.WaitGroup
	life, over := context.WithCancel(context.WithoutCancel(ctx))
	deciding.Go(func() { desk.Run(life) })
	defer deciding.Wait()
	defer over()
	announced, _, err := desk.Announce(d.announcement()) // before anything runs: a probe that began earlier would not count
	if err != nil {
		return verdict.Document{}, err
	}
	var broken error
	running.Go(func() { broken = e.run() })
	_, err = follow(e.ctx, desk, announced.ID, d)
	e.stop()
	running.Wait()
	over()
	deciding.Wait()
	if err := cmp.Or(broken, err); err != nil {
		return verdict.Document{}, err
	}
	return desk.Deployment(announced.ID) // a hook that still ran has been ended
}

func (d Deployment) announcement() deployment.Announcement {
	return deployment.Announcement{Service: d.Service, Release: d.Release, Source: verdict.CLI, Policy: &d.Policy}
}

// follow tells of a deployment until it is decided and a rollback is over. When ctx ends the verification is interrupted.
func follow(ctx context.Context, desk *deployment.Desk, id string, d Deployment) (verdict.Document, error) {
	stop := context.AfterFunc(ctx, func() { desk.Interrupt(id) })
	defer stop()
	err := desk.Follow(context.WithoutCancel(ctx), id, 0, func(event deployment.Event) error {
		if d.Events != nil {
			d.Events(event)
		}
		return d.tellState(event)
	})
	if err != nil {
		return verdict.Document{}, err
	}
	return desk.Await(ctx, id)
}

func (d Deployment) tellState(event deployment.Event) error {
	if d.Progress == nil || event.Type != "state" {
		return nil
	}
	var doc verdict.Document
	if err := json.Unmarshal(event.Data, &doc); err != nil {
		return err
	}
	d.Progress(doc)
	return nil
}
