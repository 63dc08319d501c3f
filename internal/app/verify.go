package app

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/state"
	"postflight/internal/verdict"
)

// VerifyOptions says what a verification of its own looks at.
type VerifyOptions struct {
	Config     *config.Config
	Build      Build
	Log        *zap.Logger
	BusAddress string
}

// Verify verifies one deployment now, with an engine of its own, and returns the decided document. Where ctx ends first
// it is inconclusive. An error means that the deployment cannot be verified as it is described.
func Verify(ctx context.Context, o VerifyOptions, d Deployment) (verdict.Document, error) {
	e := newEngine(ctx, state.New(), o.Config, engineOptions{
		version: o.Build.Version, busAddress: o.BusAddress, logs: true, observer: nobody{}, log: o.Log,
	})
	defer e.stop()
	e.store.Subscribe(changes(o.Log))
	e.readLists(ctx)
	v, err := e.begin(d) // before anything runs: a probe that began earlier would not count
	if err != nil {
		return verdict.Document{}, err
	}
	var running sync.WaitGroup
	var broken error
	running.Go(func() { broken = e.run() })
	doc := v.follow(e.ctx, d.Progress)
	e.stop()
	running.Wait()
	return doc, broken
}
