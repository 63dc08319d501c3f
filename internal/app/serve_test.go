package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/probe"
)

// units is a watcher that tells what the test says.
type units chan probe.Result

func (u units) Watch(ctx context.Context, tell func(probe.Result)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-u:
			tell(r)
		}
	}
}

// start runs a daemon for the test and returns its base URL and what ends it.
func start(t *testing.T, c *config.Config, w probe.Watcher) (d *Daemon, url string, stop func() error) {
	t.Helper()
	load := func() (*config.Config, error) { return c, nil }
	return startWith(t, ServeOptions{Config: c, Load: load, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"}, Watcher: w})
}

func startWith(t testing.TB, o ServeOptions) (d *Daemon, url string, stop func() error) {
	t.Helper()
	d, err := NewDaemon(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { stop() })
	return d, "http://" + d.Addresses()[0].String(), stop
}

// await reads a page until it holds a text.
func await(t *testing.T, url, text string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-again.C {
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if last = string(body); err == nil && strings.Contains(last, text) {
			return
		}
	}
	t.Fatalf("%s never said %q, but at last:\n%s", url, text, last)
}

func TestTheDaemonTellsWhatItProbesAndWatches(t *testing.T) {
	t.Parallel()
	w := make(units)
	c := parse(t, `
services:
  - name: proxy
    targets: [%q]
    units: [proxy]
    checks: [{use: health}]
`, backend(t, healthy))
	_, url, stop := start(t, c, w)
	w <- probe.Result{
		Key:   probe.Key{Service: "proxy", Unit: "proxy.service"},
		Start: time.Now(),
		Unit:  &probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", InvocationID: "a"},
	}
	await(t, url+"/metrics", `postflight_probe_success{check="health",service="proxy",`)
	await(t, url+"/metrics", `postflight_unit_state{service="proxy",state="active",unit="proxy.service"} 1`)
	await(t, url+"/-/ready", "ready")
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// A target that never answers holds its own place and nobody else's.
func TestADeadTargetDelaysNobody(t *testing.T) {
	t.Parallel()
	dead := backend(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	var asked sync.WaitGroup
	asked.Add(20)
	remaining := make(chan struct{}, 20)
	for range 20 {
		remaining <- struct{}{}
	}
	live := backend(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-remaining:
			asked.Done()
		default:
		}
		healthy(w, r)
	})
	c := parse(t, `
defaults: {schedule: "@every 100ms", timeout: 5m}
services:
  - name: proxy
    targets: [%q, %q]
    checks: [{use: health}]
`, dead, live)
	_, url, _ := start(t, c, nil)
	asked.Wait() // for ever, if the live one has to wait for the dead one
	await(t, url+"/metrics", `postflight_probes_skipped_total{reason="overlap",service="proxy"}`)
}

func TestStoppingDoesNotWaitForAProbe(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	c := parse(t, `
services: [{name: proxy, targets: [%q], checks: [{use: health, timeout: 5m}]}]
`, backend(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	d, _, stop := start(t, c, nil)
	<-asked
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	for _, check := range d.Store().Snapshot(time.Now()).Services[0].Checks {
		if check.HasRun() {
			t.Errorf("a probe that we ended ourselves counts as %s", check.Last.Outcome)
		}
	}
}

func TestATakenAddressIsSaidInWords(t *testing.T) {
	t.Parallel()
	c := parse(t, `services: [{name: a, units: [a]}]`)
	d, _, _ := start(t, c, make(units))
	taken := d.Addresses()[0].String()
	_, err := NewDaemon(ServeOptions{Config: c, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0", taken}})
	want := fmt.Sprintf("listening on %s: the address is in use", taken)
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q …", err, want)
	}
}

type broken struct{ error }

func (b broken) Watch(context.Context, func(probe.Result)) error { return b.error }

func TestAWatcherThatGivesUpEndsTheDaemon(t *testing.T) {
	t.Parallel()
	why := errors.New("no address at all")
	d, err := NewDaemon(ServeOptions{
		Config: parse(t, `services: [{name: a, units: [a]}]`), Log: zap.NewNop(),
		ListenAddresses: []string{"127.0.0.1:0"}, Watcher: broken{why},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context()); !errors.Is(err, why) {
		t.Errorf("Run: %v, want %v", err, why)
	}
}
