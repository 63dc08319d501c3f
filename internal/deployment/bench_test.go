package deployment_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// BenchmarkLook looks at a verification of many checks, as is done a few times a second while it runs.
func BenchmarkLook(b *testing.B) {
	const n = 10_000
	store := state.New()
	service := state.Service{Name: "proxy"}
	for i := range n {
		service.Checks = append(service.Checks, probe.Check{Key: probe.Key{Service: "proxy", Target: "http://127.0.0.1", Check: fmt.Sprint(i)}, Critical: true})
	}
	store.Apply([]state.Service{service})
	var v *deployment.Verification
	desk := deployment.New(deployment.Options{
		Store: store, Kept: func() {}, Tell: func(verdict.Document) {}, End: func(*deployment.Verification) {},
		Rules: func(string) (deployment.Rules, bool) { return deployment.Rules{Policy: policy}, true },
		Begin: func(p deployment.Plan) (_ *deployment.Verification, err error) {
			plan := p.Verdict()
			for _, check := range service.Checks {
				plan.Checks = append(plan.Checks, verdict.PlannedCheck{Check: check, Timeout: time.Second})
			}
			v, err = deployment.NewVerification(plan, nil)
			return v, err
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { desk.Run(ctx) })
	defer running.Wait()
	defer stop()
	doc, _, err := desk.Announce(deployment.Announcement{Service: "proxy"})
	if err != nil {
		b.Fatal(err)
	}
	for i := range service.Checks {
		v.Fold(state.Event{Result: probe.Result{Key: service.Checks[i].Key, Start: time.Now()}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := desk.Deployment(doc.ID); err != nil {
			b.Fatal(err)
		}
	}
}
