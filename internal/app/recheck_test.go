package app

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// A check runs at the start, and then not for months. It begins to fail at once. How often it runs in the minutes that
// follow.
func TestAFailingCheckRunsMoreOften(t *testing.T) {
	for _, row := range []struct {
		name  string
		check string
		heals time.Duration // after the first failure; 0: never
		want  []int
	}{
		{"that recovers", "", 20500 * time.Millisecond, []int{22, 0, 0}},
		{"for five minutes", "", 0, []int{60, 60, 60, 60, 60, 1, 0}},
		{"not more often than it may", ", min_interval: 10s", 30500 * time.Millisecond, []int{5, 0, 0}},
		{"that is not critical", ", critical: false", 20500 * time.Millisecond, []int{1, 0, 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var b changing
			target := backend(t, b.ServeHTTP) // outside of the bubble: its goroutines wait for the network
			c := parse(t, `services: [{name: proxy, targets: [%q], checks: [{name: front, path: /health, schedule: "0 0 1 6 *"`+row.check+`}]}]`, target)
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t.Context(), state.New(), c, engineOptions{watcher: make(units), recheck: true, observer: nobody{}, log: zap.NewNop()})
				var mu sync.Mutex
				runs := 0
				e.store.Subscribe(func(state.Event) {
					mu.Lock()
					defer mu.Unlock()
					runs++
				})
				b.status.Store(http.StatusInternalServerError)
				var running sync.WaitGroup
				running.Go(func() { e.run() })
				first := func() time.Time { return e.store.Snapshot(time.Now()).Services[0].Checks[0].Last.Start }
				for first().IsZero() {
					time.Sleep(10 * time.Millisecond)
				}
				began := first()
				got := []int{}
				for minute := range row.want {
					end := began.Add(time.Duration(minute+1)*time.Minute - 500*time.Millisecond)
					if row.heals > 0 && minute == 0 {
						time.Sleep(time.Until(began.Add(row.heals)))
						b.status.Store(0)
					}
					time.Sleep(time.Until(end))
					mu.Lock()
					got = append(got, runs)
					runs = 0
					mu.Unlock()
				}
				if diff := cmp.Diff(row.want, got); diff != "" {
					t.Errorf("runs in each minute (-want +got):\n%s", diff)
				}
				e.stop()
				running.Wait()
			})
		})
	}
}

// Where everything fails, most of it is left to its schedule: the places are for all.
func TestOnlySoManyRunMoreOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		ran := map[probe.Key]int{}
		r := newRechecks(func(key probe.Key) {
			mu.Lock()
			defer mu.Unlock()
			ran[key]++
		})
		r.set([]*service{{config: config.Service{Name: "proxy", Verification: verdict.DefaultPolicy}}})
		for i := range 10_000 {
			key := probe.Key{Service: "proxy", Check: fmt.Sprint(i)}
			r.fold(state.Event{
				Result:  probe.Result{Key: key, Start: time.Now(), Outcome: probe.Fail},
				Check:   &state.CheckState{Check: probe.Check{Key: key, Critical: true, Interval: time.Minute}},
				Changed: true,
			})
		}
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if len(ran) != recheckAtOnce {
			t.Errorf("%d checks ran more often, want %d", len(ran), recheckAtOnce)
		}
		for key, n := range ran {
			if n != 1 {
				t.Errorf("%s ran %d times after one failure", key.Check, n)
			}
		}
		r.close()
	})
}
