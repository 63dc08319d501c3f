package unitprobe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/probe"
	"postflight/probe/unitprobe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. Nothing is said by how long it took.
const patience = 30 * time.Second

// watched is a Watcher at work and all that it has told so far.
type watched struct {
	t    testing.TB
	told chan probe.Result
	seen []probe.Result
}

// watch starts a Watcher of units that ends with the test.
func watch(t testing.TB, address string, units []string, opts ...unitprobe.Option) *watched {
	var keys []probe.Key
	for _, u := range units {
		keys = append(keys, probe.Key{Service: "proxy", Unit: u})
	}
	return watchKeys(t, address, keys, opts...)
}

func watchKeys(t testing.TB, address string, keys []probe.Key, opts ...unitprobe.Option) *watched {
	w := &watched{t: t, told: make(chan probe.Result, 100_000)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- unitprobe.New(address, keys, opts...).Watch(ctx, func(r probe.Result) { w.told <- r })
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Watch returned %v after its context had ended", err)
			}
		case <-time.After(patience):
			t.Error("Watch did not return after its context had ended")
		}
	})
	return w
}

// until returns the first result, of those not yet looked at, for which the condition holds.
func (w *watched) until(what string, holds func(probe.Result) bool) probe.Result {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case r := <-w.told:
			w.seen = append(w.seen, r)
			if holds(r) {
				return r
			}
		case <-deadline:
			w.t.Fatalf("it was not told: %s\n%s", what, w.history())
		}
	}
}

// reading returns the next reading of the unit for which the condition holds.
func (w *watched) reading(unit, what string, holds func(probe.Unit) bool) probe.Unit {
	w.t.Helper()
	return *w.until(unit+" "+what, func(r probe.Result) bool {
		return r.Key.Unit == unit && r.Unit != nil && holds(*r.Unit)
	}).Unit
}

// state returns the next reading of the unit in that ActiveState.
func (w *watched) state(unit, active string) probe.Unit {
	w.t.Helper()
	return w.reading(unit, active, func(u probe.Unit) bool { return u.ActiveState == active })
}

// blind returns the next result that tells that the unit cannot be observed.
func (w *watched) blind(unit string) probe.Result {
	w.t.Helper()
	return w.until(unit+" cannot be observed", func(r probe.Result) bool {
		return r.Key.Unit == unit && r.Outcome == probe.Error
	})
}

func (w *watched) history() string {
	var b strings.Builder
	for _, r := range w.seen[max(0, len(w.seen)-40):] {
		fmt.Fprintf(&b, "%s %s %s", r.Key.Unit, r.Outcome, r.Got)
		if r.Unit != nil {
			fmt.Fprintf(&b, " %+v", *r.Unit)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
