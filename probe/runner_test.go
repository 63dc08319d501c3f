package probe_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
)

// proberFunc is a prober made of a function.
type proberFunc func(context.Context) (probe.Result, error)

func (f proberFunc) Probe(ctx context.Context) (probe.Result, error) { return f(ctx) }

// lasting probes for that long, or until its deadline, and passes or times out.
func lasting(d time.Duration) probe.Prober {
	return proberFunc(func(ctx context.Context) (probe.Result, error) {
		select {
		case <-time.After(d):
			return probe.Result{}, nil
		case <-ctx.Done():
			return probe.Result{Outcome: probe.Fail, Reason: probe.ReasonTimeout}, nil
		}
	})
}

func key(check string) probe.Key { return probe.Key{Service: "shop", Check: check} }

func job(check string, prober probe.Prober) *probe.Job {
	return &probe.Job{Key: key(check), Prober: prober, Timeout: time.Minute}
}

// notes keeps what a runner tells. Probes tell from goroutines of their own.
type notes struct {
	mu      sync.Mutex
	results []probe.Result
	skips   []string
}

func (n *notes) fold(r probe.Result) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.results = append(n.results, r)
}

func (n *notes) skipped(k probe.Key, reason probe.SkipReason) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.skips = append(n.skips, k.Check+" "+string(reason))
}

// take gives what was told since it was last asked, once all that can happen now has happened.
func (n *notes) take() (results []probe.Result, skips []string) {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	results, skips = n.results, n.skips
	n.results, n.skips = nil, nil
	return results, skips
}

// inBubble tests a runner, which must have come to rest afterwards.
func inBubble(t *testing.T, capacity int, test func(*testing.T, *probe.Runner, *notes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		r := probe.NewRunner(capacity, n.fold, n.skipped)
		test(t, r, n)
		r.Wait()
	})
}

func TestAResultIsToldWholeAndOnce(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		start := time.Now()
		if !r.Run(t.Context(), job("health", lasting(40*time.Millisecond))) {
			t.Fatal("not started")
		}
		if results, _ := n.take(); results != nil {
			t.Errorf("told before the probe was over: %v", results)
		}
		time.Sleep(time.Hour)
		results, skips := n.take()
		if diff := cmp.Diff([]probe.Result{{Key: key("health"), Start: start, Duration: 40 * time.Millisecond}}, results); diff != "" {
			t.Error(diff)
		}
		if skips != nil {
			t.Errorf("skips: %v", skips)
		}
	})
}

func TestTheProbersOwnTimesStand(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		want := probe.Result{Key: key("health"), Start: time.Now().Add(-time.Second), Duration: time.Millisecond, Status: 200}
		r.Run(t.Context(), job("health", proberFunc(func(context.Context) (probe.Result, error) { return want, nil })))
		results, _ := n.take()
		if diff := cmp.Diff([]probe.Result{want}, results); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAJobThatIsRunningIsSkipped(t *testing.T) {
	inBubble(t, 10, func(t *testing.T, r *probe.Runner, n *notes) {
		slow := job("slow", lasting(2500*time.Millisecond))
		var started []bool
		for range 5 {
			started = append(started, r.Run(t.Context(), slow))
			time.Sleep(time.Second)
		}
		if diff := cmp.Diff([]bool{true, false, false, true, false}, started); diff != "" {
			t.Errorf("started: %s", diff)
		}
		time.Sleep(time.Minute)
		results, skips := n.take()
		if diff := cmp.Diff([]string{"slow overlap", "slow overlap", "slow overlap"}, skips); diff != "" {
			t.Errorf("skips: %s", diff)
		}
		if len(results) != 2 {
			t.Errorf("%d results of 2 runs", len(results))
		}
	})
}

func TestARunThatIsNotDueIsSkippedUntold(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		slow := job("slow", lasting(2500*time.Millisecond))
		for range 4 { // at 0, and at 3 seconds
			r.RunBetween(t.Context(), slow)
			r.RunBetween(t.Context(), job("other", lasting(time.Second))) // there is no place for it
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		if results, skips := n.take(); len(results) != 2 || skips != nil {
			t.Errorf("%d results of 2 runs; skips told: %v", len(results), skips)
		}
	})
}

func TestSoManyAtOnceAndNoMore(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, r *probe.Runner, n *notes) {
		jobs := make([]*probe.Job, 5)
		for i := range jobs {
			jobs[i] = job(fmt.Sprint(i), lasting(time.Second))
			if got, want := r.Run(t.Context(), jobs[i]), i < 3; got != want {
				t.Errorf("job %d started: %v", i, got)
			}
		}
		time.Sleep(time.Second)
		results, skips := n.take()
		if diff := cmp.Diff([]string{"3 capacity", "4 capacity"}, skips); diff != "" {
			t.Errorf("skips: %s", diff)
		}
		if len(results) != 3 {
			t.Errorf("%d results of 3 runs", len(results))
		}
		if !r.Run(t.Context(), jobs[4]) {
			t.Error("a job that was skipped is not started when there is room again")
		}
	})
}

func TestASlowJobDelaysNoOther(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, r *probe.Runner, n *notes) {
		r.Run(t.Context(), job("dead", lasting(time.Hour)))
		quick := job("quick", lasting(10*time.Millisecond))
		for range 30 {
			began := time.Now()
			if !r.Run(t.Context(), quick) || time.Since(began) != 0 {
				t.Fatal("the quick job was held up")
			}
			time.Sleep(time.Second)
		}
		results, skips := n.take()
		for _, res := range results {
			if res.Key.Check == "quick" && res.Duration != 10*time.Millisecond {
				t.Errorf("the quick job took %v", res.Duration)
			}
		}
		if len(results) != 30 || skips != nil {
			t.Errorf("%d results of 30 runs; skips %v", len(results), skips)
		}
	})
}

func TestNotBeforeTheMinimalInterval(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after time.Duration
		lasts time.Duration
		again bool
		skips []string
	}{
		{"soon", time.Second, 0, false, nil},
		{"a moment too soon", 10*time.Second - 21*time.Millisecond, 0, false, nil},
		{"as soon as a wavering schedule is", 10*time.Second - 20*time.Millisecond, 0, true, nil},
		{"then", 10 * time.Second, 0, true, nil},
		{"soon, and still running: nobody expected a run", time.Second, 2 * time.Second, false, nil},
		{"then, and still running", 10 * time.Second, 20 * time.Second, false, []string{"auth overlap"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
				auth := job("auth", lasting(tc.lasts))
				auth.MinInterval = 10 * time.Second
				r.Run(t.Context(), auth)
				time.Sleep(tc.after)
				synctest.Wait()
				if got := r.Run(t.Context(), auth); got != tc.again {
					t.Errorf("started again: %v", got)
				}
				if _, skips := n.take(); !cmp.Equal(tc.skips, skips) {
					t.Errorf("skips: %v", skips)
				}
			})
		})
	}
}

func TestARunThatComesTooSoonIsPutOff(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		auth := job("auth", lasting(0))
		auth.MinInterval = 10 * time.Second
		began := time.Now()
		r.Run(t.Context(), auth)
		for range 3 { // three are one
			time.Sleep(time.Second)
			r.Run(t.Context(), auth)
		}
		time.Sleep(time.Minute)
		results, skips := n.take()
		if len(results) != 2 || len(skips) != 0 {
			t.Fatalf("%d results and skips %v, want two results", len(results), skips)
		}
		if after := results[1].Start.Sub(began); after != 10*time.Second {
			t.Errorf("run again after %v, want 10s", after)
		}
	})
}

func TestTheMinimalIntervalCountsAcrossAChangeOfTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n notes
		r := probe.NewRunner(1, n.fold, n.skipped)
		before := job("orders", lasting(time.Second))
		before.MinInterval = 10 * time.Second
		r.Run(t.Context(), before)
		time.Sleep(5 * time.Second)
		n.take()
		after := job("orders", lasting(time.Second))
		after.MinInterval = 8 * time.Second
		after.Succeed(before)
		if r.Run(t.Context(), after) {
			t.Error("5 s after its last probe the check ran again, though never more often than every 8 s")
		}
		r.Wait()
		if results, _ := n.take(); len(results) != 1 {
			t.Errorf("%d results of the run that was put off, want 1", len(results))
		}
	})
}

func TestARunThatWasPutOffEndsWithItsContext(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		ctx, cancel := context.WithCancel(t.Context())
		auth := job("auth", lasting(0))
		auth.MinInterval = time.Hour
		r.Run(ctx, auth)
		r.Run(ctx, auth)
		synctest.Wait()
		cancel()
		began := time.Now()
		r.Wait()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v for a run that cannot be", waited)
		}
		if results, _ := n.take(); len(results) != 1 {
			t.Errorf("%d results, want one", len(results))
		}
	})
}

func TestASkippedRunDoesNotCountForTheMinimalInterval(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		r.Run(t.Context(), job("other", lasting(time.Second)))
		auth := job("auth", lasting(0))
		auth.MinInterval = time.Minute
		if r.Run(t.Context(), auth) {
			t.Fatal("started beyond capacity")
		}
		time.Sleep(2 * time.Second)
		if !r.Run(t.Context(), auth) {
			t.Error("not started, though it never ran")
		}
	})
}

func TestTheDeadlineIsTheJobs(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		slow := job("slow", lasting(time.Hour))
		slow.Timeout = 5 * time.Second
		start := time.Now()
		r.Run(t.Context(), slow)
		time.Sleep(time.Minute)
		results, _ := n.take()
		want := []probe.Result{{Key: key("slow"), Start: start, Duration: 5 * time.Second, Outcome: probe.Fail, Reason: probe.ReasonTimeout}}
		if diff := cmp.Diff(want, results); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnErrorIsNotAFailure(t *testing.T) {
	for _, tc := range []struct {
		name   string
		result probe.Result
		want   probe.Result
	}{
		{"nothing known", probe.Result{},
			probe.Result{Outcome: probe.Error, Reason: probe.ReasonInternal, Got: "no token"}},
		{"the reason is known", probe.Result{Reason: probe.ReasonCredentials, Got: "token file: gone", Wanted: "a token"},
			probe.Result{Outcome: probe.Error, Reason: probe.ReasonCredentials, Got: "token file: gone", Wanted: "a token"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
				r.Run(t.Context(), job("auth", proberFunc(func(context.Context) (probe.Result, error) { return tc.result, errors.New("no token") })))
				results, _ := n.take()
				tc.want.Key, tc.want.Start = key("auth"), time.Now()
				if diff := cmp.Diff([]probe.Result{tc.want}, results); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestAPanicIsOurOwnFaultAndLeavesTheJobFit(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *probe.Runner, n *notes) {
		runs := 0
		fragile := job("fragile", proberFunc(func(context.Context) (probe.Result, error) {
			if runs++; runs == 1 {
				time.Sleep(time.Second)
				panic("index out of range")
			}
			return probe.Result{}, nil
		}))
		start := time.Now()
		r.Run(t.Context(), fragile)
		time.Sleep(2 * time.Second)
		results, _ := n.take()
		want := []probe.Result{{
			Key: key("fragile"), Start: start, Duration: time.Second,
			Outcome: probe.Error, Reason: probe.ReasonInternal, Wanted: "a result", Got: "panic: index out of range",
		}}
		if diff := cmp.Diff(want, results); diff != "" {
			t.Error(diff)
		}
		if !r.Run(t.Context(), fragile) {
			t.Error("not started after a panic")
		}
		if results, _ = n.take(); len(results) != 1 || results[0].Outcome != probe.Pass {
			t.Errorf("after a panic: %v", results)
		}
	})
}

func TestCancelledProbesAreDropped(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, r *probe.Runner, n *notes) {
		ctx, cancel := context.WithCancel(t.Context())
		done, stopped := job("done", lasting(time.Second)), job("stopped", lasting(time.Hour))
		r.Run(ctx, done)
		r.Run(ctx, stopped)
		time.Sleep(2 * time.Second)
		cancel()
		r.Wait()
		results, skips := n.take()
		if len(results) != 1 || results[0].Key != done.Key || skips != nil {
			t.Errorf("results %v, skips %v", results, skips)
		}
		if r.Run(ctx, done) {
			t.Error("started though its context had ended")
		}
		if !r.Run(t.Context(), stopped) {
			t.Error("the job that was stopped does not start again")
		}
		time.Sleep(2 * time.Hour)
	})
}

// A result that has just come is folded whole before Drop returns, or never.
func TestNothingIsToldOfWhatHasBeenDropped(t *testing.T) {
	folding, folded := make(chan struct{}), false
	r := probe.NewRunner(1, func(probe.Result) {
		close(folding)
		for range 1000 {
			runtime.Gosched()
		}
		folded = true
	}, func(probe.Key, probe.SkipReason) {})
	ctx, cancel := context.WithCancel(t.Context())
	r.Run(ctx, job("gone", lasting(0)))
	<-folding
	r.Drop(cancel)
	if !folded {
		t.Error("the result was still being folded")
	}
	r.Wait()
}

func TestWaitWaitsForWhatIsRunning(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, r *probe.Runner, n *notes) {
		r.Wait() // nothing is running
		start := time.Now()
		r.Run(t.Context(), job("a", lasting(time.Second)))
		r.Run(t.Context(), job("b", lasting(3*time.Second)))
		r.Wait()
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %v", waited)
		}
		if results, _ := n.take(); len(results) != 2 {
			t.Errorf("%d results of 2 runs", len(results))
		}
	})
}

// Whoever asks at the same time, a job runs once at a time, and no run is lost: it is a result or a skip.
func TestManyAskAtOnce(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, r *probe.Runner, n *notes) {
		var mu sync.Mutex
		running := map[int]bool{}
		var jobs []*probe.Job
		for i := range 8 {
			jobs = append(jobs, job(fmt.Sprint(i), proberFunc(func(context.Context) (probe.Result, error) {
				mu.Lock()
				if running[i] {
					t.Errorf("job %d runs twice at once", i)
				}
				running[i] = true
				if len(running) > 4 {
					t.Errorf("%d jobs run at once", len(running))
				}
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				delete(running, i)
				mu.Unlock()
				return probe.Result{}, nil
			})))
		}
		var asking sync.WaitGroup
		for range 10 {
			asking.Go(func() {
				for i := range 80 {
					r.Run(t.Context(), jobs[i%len(jobs)])
					time.Sleep(100 * time.Microsecond)
				}
			})
		}
		asking.Wait()
		r.Wait()
		if results, skips := n.take(); len(results)+len(skips) != 800 || len(results) == 0 {
			t.Errorf("%d results and %d skips of 800 runs", len(results), len(skips))
		}
	})
}
