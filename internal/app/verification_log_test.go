package app

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// What a unit's log says reaches a verification, be it told before it began or after, and is neither taken for a reading
// of the unit nor for a check.
func TestAVerificationKnowsTheLog(t *testing.T) {
	unit := probe.Key{Service: "proxy", Unit: "proxy.service"}
	reading := func(activeState, sub string) probe.Result {
		return probe.Result{Key: unit, Start: time.Now(), Unit: &probe.Unit{LoadState: "loaded", ActiveState: activeState, SubState: sub}}
	}
	line := func(written time.Time) probe.Result {
		return probe.Result{Key: unit, Start: time.Now(), Log: &probe.Log{Lines: 1, Until: written, Matches: []probe.Match{{
			Pattern: "missing-module", Severity: probe.SeverityError, Time: written, Module: "jwt", Text: "No module named 'jwt'",
		}}}}
	}
	unreadable := func() probe.Result {
		return probe.Result{Key: unit, Start: time.Now(), Outcome: probe.Error, Got: "no journalctl", Log: &probe.Log{}}
	}
	for _, row := range []struct {
		name   string
		before []probe.Result // the verification begins
		then   func(fold func(probe.Result))
		after  time.Duration
		want   verdict.Cause
	}{
		{"a missing module is named as soon as its process ends",
			nil,
			func(fold func(probe.Result)) {
				fold(line(time.Now()))
				time.Sleep(time.Second)
				fold(reading("activating", "auto-restart"))
			},
			time.Second, verdict.MissingDependency},
		{"what was written before the deployment is another release's, and the log is waited for",
			nil,
			func(fold func(probe.Result)) {
				fold(line(time.Now().Add(-time.Millisecond)))
				fold(restartedOnce(reading("active", "running")))
			},
			3 * time.Second, verdict.CrashLoop},
		{"a log that is known to be out of reach is not waited for",
			[]probe.Result{unreadable()},
			func(fold func(probe.Result)) { fold(restartedOnce(reading("active", "running"))) },
			0, verdict.CrashLoop},
		{"nor one that comes out of reach",
			nil,
			func(fold func(probe.Result)) {
				fold(restartedOnce(reading("active", "running")))
				time.Sleep(time.Second)
				fold(unreadable())
			},
			time.Second, verdict.CrashLoop},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t.Context(), state.New(), parse(t, "services: [{name: proxy, units: [proxy]}]"), engineOptions{
					watcher: make(units), logs: true, observer: nobody{}, log: zap.NewNop(),
				})
				defer e.close()
				e.store.Fold(reading("active", "running"))
				for _, r := range row.before {
					r.Start = time.Now()
					e.store.Fold(r)
				}
				desk := e.desk(e.rules, func() {})
				ctx, stop := context.WithCancel(t.Context())
				var deciding sync.WaitGroup
				deciding.Go(func() { desk.Run(ctx) })
				defer deciding.Wait()
				defer stop()
				announced, _, err := desk.Announce(deployment.Announcement{Service: "proxy", Source: verdict.CLI})
				if err != nil {
					t.Fatal(err)
				}
				row.then(e.store.Fold)
				doc, err := desk.Await(t.Context(), announced.ID)
				if err != nil {
					t.Fatal(err)
				}
				if doc.Verdict != verdict.Failed || doc.Causes[0].Cause != row.want {
					t.Fatalf("%s with %+v, want failed, %s", doc.Verdict, doc.Causes, row.want)
				}
				if diff := cmp.Diff(row.after, doc.DecidedAt.Sub(doc.StartedAt)); diff != "" {
					t.Errorf("decided after (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func restartedOnce(r probe.Result) probe.Result {
	r.Unit.NRestarts = 1
	return r
}
