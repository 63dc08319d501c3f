package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
	"postflight/probe"
)

var quick = verdict.Policy{
	SettleTimeout: 20 * time.Second,
	Window:        300 * time.Millisecond,
	Interval:      100 * time.Millisecond,
	Consecutive:   3,
}

// ofProxy verifies proxy and notes the states that it comes through.
func ofProxy(states *[]verdict.State) Deployment {
	return Deployment{
		Service:  "proxy",
		Release:  "1.4.2",
		Policy:   quick,
		Progress: func(d verdict.Document) { *states = append(*states, d.State) },
	}
}

func TestVerifyBySelf(t *testing.T) {
	t.Parallel()
	c := parse(t, `services: [{name: proxy, targets: [%q]}]`, backend(t, healthy))
	var states []verdict.State
	doc, err := Verify(t.Context(), VerifyOptions{Config: c, Log: zap.NewNop()}, ofProxy(&states))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Verdict != verdict.Passed || doc.Release != "1.4.2" || doc.ID == "" {
		t.Errorf("not passed: %+v", doc)
	}
	if diff := cmp.Diff([]verdict.State{verdict.Settling, verdict.Observing, verdict.Passed}, states); diff != "" {
		t.Error(diff)
	}
	for _, check := range doc.Checks {
		if check.Runs == 0 {
			t.Errorf("%s never ran, though a minimal interval must not make a verification wait for its first run", check.Check)
		}
	}
}

func TestAVerificationThatIsEndedIsInconclusive(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := parse(t, `services: [{name: proxy, targets: [%q]}]`, backend(t, func(http.ResponseWriter, *http.Request) { cancel() }))
	var states []verdict.State
	doc, err := Verify(ctx, VerifyOptions{Config: c, Log: zap.NewNop()}, ofProxy(&states))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Verdict != verdict.Inconclusive || doc.Reason != verdict.Interrupted {
		t.Errorf("got %s %s, want inconclusive, interrupted", doc.Verdict, doc.Reason)
	}
}

// What is well at the targets that are known says nothing of those that only a list names.
func TestAVerificationWithoutItsTargetListIsInconclusive(t *testing.T) {
	t.Parallel()
	c := parse(t, `services: [{name: proxy, targets: [%q], file_sd_configs: [{files: [no-such-list.json]}]}]`, backend(t, healthy))
	var states []verdict.State
	doc, err := Verify(t.Context(), VerifyOptions{Config: c, Log: zap.NewNop()}, ofProxy(&states))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Verdict != verdict.Inconclusive || doc.Reason != verdict.Blind || !strings.Contains(doc.Unseen, "no-such-list.json") {
		t.Errorf("got %s %s, unseen: %s", doc.Verdict, doc.Reason, doc.Unseen)
	}
}

func TestNothingDecidesIsWrongUse(t *testing.T) {
	t.Parallel()
	c := parse(t, `services: [{name: proxy, targets: [%q], checks: [{use: health, critical: false}]}]`, backend(t, healthy))
	var states []verdict.State
	if doc, err := Verify(t.Context(), VerifyOptions{Config: c, Log: zap.NewNop()}, ofProxy(&states)); err == nil {
		t.Errorf("got %s, want an error", doc.Verdict)
	}
}

// The deploy script starts the unit and then asks for the verdict: that the unit is up may be told after the
// verification has begun, though it was read before.
func TestAReadingThatComesLateCounts(t *testing.T) {
	t.Parallel()
	w := make(units)
	d, _, _ := start(t, parse(t, `services: [{name: proxy, units: [proxy]}]`), w)
	began := time.Now()
	unit := func(state, invocation string) probe.Result {
		return probe.Result{
			Key:   probe.Key{Service: "proxy", Unit: "proxy.service"},
			Start: began,
			Unit:  &probe.Unit{LoadState: "loaded", ActiveState: state, InvocationID: invocation},
		}
	}
	w <- unit("inactive", "")
	late := func(doc verdict.Document) {
		if doc.State == verdict.Settling {
			w <- unit("active", "a")
		}
	}
	doc, err := d.Verify(t.Context(), Deployment{Service: "proxy", Policy: quick, Progress: late})
	if err != nil {
		t.Fatal(err)
	}
	if doc.Verdict != verdict.Passed {
		t.Errorf("not passed: %+v", doc)
	}
}

// Who announces the same deployment twice is told of one verification.
func TestTwoVerificationsOfOneService(t *testing.T) {
	t.Parallel()
	d, _, _ := start(t, parse(t, `
services: [{name: proxy, targets: [%q], checks: [{use: health}, {use: auth, min_interval: 1s}]}]
`, backend(t, healthy)), nil)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			var states []verdict.State
			doc, err := d.Verify(t.Context(), ofProxy(&states))
			if err != nil || doc.Verdict != verdict.Passed {
				t.Errorf("%v, %+v", err, doc)
			}
		})
	}
	all.Wait()
}

// The daemon has just run a rare check when a deployment is announced: it runs again as soon as it may.
func TestARareCheckThatJustRanIsWaitedFor(t *testing.T) {
	t.Parallel()
	d, url, _ := start(t, parse(t, `
services:
  - name: proxy
    targets: [%q]
    checks: [{use: auth, min_interval: 3s, schedule: "@every 1h"}]
`, backend(t, healthy)), nil)
	await(t, url+"/metrics", `postflight_probe_success{check="auth"`)
	var states []verdict.State
	doc, err := d.Verify(t.Context(), ofProxy(&states))
	if err != nil || doc.Verdict != verdict.Passed {
		t.Errorf("%v, %+v", err, doc)
	}
}

// Whatever the store is told while a verification begins reaches it: as what was known, or as news.
func TestNoReadingIsLostWhileAVerificationBegins(t *testing.T) {
	t.Parallel()
	w := make(units)
	d, _, _ := start(t, parse(t, `services: [{name: proxy, units: [proxy]}]`), w)
	for i := range 100 {
		unit := func(state, invocation string) probe.Result {
			return probe.Result{
				Key:   probe.Key{Service: "proxy", Unit: "proxy.service"},
				Start: time.Now(),
				Unit:  &probe.Unit{LoadState: "loaded", ActiveState: state, InvocationID: invocation},
			}
		}
		w <- unit("inactive", "")
		var telling sync.WaitGroup
		telling.Go(func() { w <- unit("active", fmt.Sprint(i)) })
		announced, _, err := d.desk.Announce(deployment.Announcement{Service: "proxy", Release: fmt.Sprint(i), Policy: &quick})
		if err != nil {
			t.Fatal(err)
		}
		telling.Wait()
		w <- probe.Result{} // of nothing; once it is taken the one before has been folded
		doc, err := d.desk.Deployment(announced.ID)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Units[0].State != "active" {
			t.Fatalf("begun %d times, and then the unit's last reading was lost: %s", i, doc.Units[0].State)
		}
	}
}
