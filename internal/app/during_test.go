package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"postflight/internal/verdict"
	"postflight/probe"
)

// A verification is of what it began with. What a reload takes away from it, or makes another, can no longer be seen to be
// well.
func TestAReloadWhileAVerificationRuns(t *testing.T) {
	t.Parallel()
	const (
		before = `units: [proxy], checks: [{use: health}, {name: page, path: /health}]`
		target = "targets: [%[1]q, %[2]q], "
	)
	for _, row := range []struct {
		name    string
		after   string
		verdict verdict.State
		unseen  string // the check or unit that says why
	}{
		{"that leaves all as it was", target + before, verdict.Passed, ""},
		{"that adds a check and a unit", target + `units: [proxy, other], checks: [{use: health}, {name: page, path: /health}, {name: broken, path: /broken}]`, verdict.Passed, ""},
		{"that changes the order", target + `units: [proxy], checks: [{name: page, path: /health}, {use: health}]`, verdict.Passed, ""},
		{"that removes a check", target + `units: [proxy], checks: [{use: health}]`, verdict.Inconclusive, "page"},
		{"that changes a check, which passes", target + `units: [proxy], checks: [{use: health}, {name: page, path: /health, expect: {status: [200]}, timeout: 700ms}]`, verdict.Inconclusive, "page"},
		{"that changes a check, which fails", target + `units: [proxy], checks: [{use: health}, {name: page, path: /broken}]`, verdict.Inconclusive, "page"},
		{"that removes a target", "targets: [%[1]q], " + before, verdict.Inconclusive, "health"},
		{"that removes a unit", target + `checks: [{use: health}, {name: page, path: /health}]`, verdict.Inconclusive, "proxy.service"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			first, second := backend(t, healthy), backend(t, healthy)
			f := newFile(t)
			write := func(what string) {
				f.write(t, "defaults: {schedule: '@every 100ms', timeout: 800ms}\nservices: [{name: proxy, "+what+"}]", first, second)
			}
			write(target + before)
			w := make(units)
			d, _, _ := startOn(t, f, w, nil)
			w <- probe.Result{
				Key:   probe.Key{Service: "proxy", Unit: "proxy.service"},
				Start: time.Now(),
				Unit:  &probe.Unit{LoadState: "loaded", ActiveState: "active", InvocationID: "a"},
			}
			policy := quick
			policy.Window = 2 * time.Second
			doc, err := d.Verify(t.Context(), Deployment{Service: "proxy", Policy: policy, Progress: func(doc verdict.Document) {
				if doc.State != verdict.Observing {
					return
				}
				write(row.after)
				if err := d.Reload(); err != nil {
					t.Error(err)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if doc.Verdict != row.verdict || doc.Verdict == verdict.Inconclusive && doc.Reason != verdict.Blind {
				t.Errorf("%s %s, want %s:\n%s", doc.Verdict, doc.Reason, row.verdict, doc.Text())
			}
			const why = "no longer looked at as it was"
			for _, check := range doc.Checks {
				if gone := strings.Contains(check.Got, why); gone && check.Check != row.unseen && check.Target != second {
					t.Errorf("%s of %s is out of sight: %s", check.Check, check.Target, check.Got)
				}
			}
			if row.unseen != "" && !strings.Contains(doc.Text(), why) {
				t.Errorf("it does not say that %s is out of sight:\n%s", row.unseen, doc.Text())
			}
		})
	}
}

// Who was told that the daemon is ready is not told otherwise because a reload adds something that has not been looked at.
func TestAReadyDaemonStaysReady(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, `services: [{name: proxy, targets: [%q], checks: [{use: health}]}]`, backend(t, healthy))
	d, page, _ := startOn(t, f, nil, nil)
	await(t, page+"/-/ready", "is ready")
	f.write(t, `services: [{name: proxy, targets: [%q], checks: [{use: health, timeout: 5m}]}]`, backend(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}))
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(page + "/-/ready")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d after a reload", response.StatusCode)
	}
}

// A check that is another one now runs soon, however seldom it is due: what is known of it was found by what it was.
func TestAChangedCheckRunsSoon(t *testing.T) {
	t.Parallel()
	target := backend(t, healthy)
	f := newFile(t)
	const configuration = `services: [{name: proxy, targets: [%q], checks: [{name: page, path: /health, schedule: "@every 24h", expect: {status: [%d]}}]}]`
	f.write(t, configuration, target, 201)
	d, page, _ := startOn(t, f, nil, nil)
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="page",service="proxy",target=%q} 0`, target))
	f.write(t, configuration, target, 200)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="page",service="proxy",target=%q} 1`, target))
}

// Reloads come from several sides while lists change and checks run, and the daemon is stopped in the midst of it. What is
// in effect at the end is one configuration, whole; and nothing is left running.
func TestReloadsAtOnceAndTheEnd(t *testing.T) {
	t.Parallel()
	target, l := backend(t, healthy), httpList(t)
	l.write(naming(target))
	f := newFile(t)
	configure := func(round int) {
		f.write(t, `
defaults: {schedule: "@every 100ms"}
services:
  - {name: steady, units: [a], %s, checks: [{use: health}, {name: page, path: /page-%d}]}
  - {name: passing-%[2]d, units: [b-%[2]d], targets: [%[3]q], credentials:%[4]s, checks: [{name: page, path: /, credentials: login}]}
`, l.key, round, target, " {login: {login: {path: /login, format: json, username_field: u, password_field: p, username: ops, password: x, token: body.t}}}")
	}
	configure(0)
	d, _, stop := startOn(t, f, nil, nil)
	ended := make(chan struct{})
	var reloading sync.WaitGroup
	for range 3 {
		reloading.Go(func() {
			for after := 0; after < 10; {
				if err := d.Reload(); err != nil {
					t.Error(err)
				}
				select {
				case <-ended:
					after++ // a daemon that has been stopped may still be asked
				default:
				}
			}
		})
	}
	for round := 1; round <= 50; round++ {
		configure(round)
		if err := d.Reload(); err != nil {
			t.Error(err)
		}
		services := d.Store().Snapshot(time.Now()).Services
		if len(services) != 2 || services[1].Name != fmt.Sprint("passing-", round) || len(services[1].Units) != 1 {
			t.Fatalf("round %d: %+v", round, services)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	close(ended)
	reloading.Wait()
}

// The units that a reload brings are watched, and those that it takes away are not. Here the bus is out of reach, which is
// told of each.
func TestUnitsComeAndGoWithAReload(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, `services: [{name: proxy, targets: [%q]}]`, backend(t, healthy))
	c, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	d, page, _ := startWith(t, ServeOptions{
		Config: c, Load: f.load, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"},
		BusAddress: "unix:path=" + filepath.Join(t.TempDir(), "no-bus"),
	})
	for _, row := range []struct{ is, was string }{{"a", "none"}, {"b", "a"}, {"c", "b"}} {
		f.write(t, `services: [{name: proxy, units: [%s, kept]}]`, row.is)
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		if metrics := scrape(t, page); strings.Contains(metrics, fmt.Sprintf("unit=%q", row.was+".service")) {
			t.Errorf("series of unit %s, which is gone:\n%s", row.was, metrics)
		}
		for _, unit := range []string{row.is, "kept"} {
			await(t, page+"/metrics", fmt.Sprintf(`postflight_unit_observable{service="proxy",unit="%s.service"} 0`, unit))
		}
	}
}

// brokenAfter gives up once something has happened.
type brokenAfter struct {
	event <-chan struct{}
	error
}

func (b brokenAfter) Watch(context.Context, func(probe.Result)) error {
	<-b.event
	return b.error
}

// When the watcher of the units gives up for good, a probe that hangs does not hold up the end.
func TestAHangingProbeDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	c := parse(t, `
services:
  - name: proxy
    targets: [%q]
    units: [proxy]
    checks: [{use: health, timeout: 5m}]
`, backend(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	why := errors.New("no address at all")
	d, err := NewDaemon(ServeOptions{
		Config: c, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"}, Watcher: brokenAfter{asked, why},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context()); !errors.Is(err, why) {
		t.Errorf("Run: %v, want %v", err, why)
	}
}
