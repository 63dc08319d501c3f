package probe

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// SkipReason says why a probe that was due did not run.
type SkipReason string

// The reasons to skip.
const (
	SkipOverlap  SkipReason = "overlap"  // the check's last probe is still running
	SkipCapacity SkipReason = "capacity" // too many probes are running
)

// Job is a check that can be run: who probes, and the limits of doing so.
type Job struct {
	Key         Key
	Prober      Prober
	Timeout     time.Duration // of the whole probe
	MinInterval time.Duration // never more often than this; 0: no limit

	mu      sync.Mutex
	running bool
	started time.Time // of the last probe; zero: there was none
}

// minIntervalSlack is how much sooner than its minimal interval a probe may start: a schedule of exactly that interval
// wavers by some milliseconds.
const minIntervalSlack = 20 * time.Millisecond

// Runner runs jobs: each at most once at a time, and so many at once and no more. It never waits and never queues: a
// slow target holds only its own place.
type Runner struct {
	fold    func(Result)
	skipped func(Key, SkipReason)
	places  chan struct{}
	wg      sync.WaitGroup
}

// NewRunner makes a Runner for at most capacity probes at once. It gives each Result to fold, which several goroutines
// may call at once, and tells skipped of each probe that was due and could not run.
func NewRunner(capacity int, fold func(Result), skipped func(Key, SkipReason)) *Runner {
	return &Runner{fold: fold, skipped: skipped, places: make(chan struct{}, capacity)}
}

// Run starts the job's probe and returns at once. It reports whether it did: not before the job's minimal interval is
// over (which is no skip: nobody expected a run), nor while the job's last probe is running, nor beyond the runner's
// capacity.
//
// A probe that ctx ends is dropped without a word: its result would say something about us, not about the target.
func (r *Runner) Run(ctx context.Context, job *Job) bool {
	if ctx.Err() != nil {
		return false
	}
	started, skip := r.begin(job)
	if skip != "" {
		r.skipped(job.Key, skip)
	}
	if !started {
		return false
	}
	r.wg.Go(func() {
		defer r.end(job)
		makeRoom()
		if res := look(ctx, job); ctx.Err() == nil {
			r.fold(res)
		}
	})
	return true
}

// begin takes a place for the job, or says why it is skipped if a run was expected.
func (r *Runner) begin(job *Job) (started bool, skip SkipReason) {
	job.mu.Lock()
	defer job.mu.Unlock()
	if !job.started.IsZero() && time.Since(job.started) < job.MinInterval-minIntervalSlack {
		return false, ""
	}
	if job.running {
		return false, SkipOverlap
	}
	select {
	case r.places <- struct{}{}:
	default:
		return false, SkipCapacity
	}
	job.running, job.started = true, time.Now()
	return true, ""
}

func (r *Runner) end(job *Job) {
	job.mu.Lock()
	job.running = false
	job.mu.Unlock()
	<-r.places
}

// Wait returns when no probe is running. End the contexts of Run first, and let nobody call it any more.
func (r *Runner) Wait() { r.wg.Wait() }

// makeRoom lets a new goroutine's stack grow at once to what an HTTP probe needs. By itself it would double three times,
// each time with more calls on it to be moved: that is 6 % of a probe's CPU with a fresh connection, and 12 % without.
//
//go:noinline
func makeRoom() {
	var room [8 << 10]byte
	runtime.KeepAlive(&room)
}

// look probes once within the job's timeout and makes a Result of whatever comes, a panic included.
func look(ctx context.Context, job *Job) (res Result) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			res = Result{Outcome: Error, Reason: ReasonInternal, Wanted: "a result", Got: fmt.Sprintf("panic: %v", p)}
		}
		res.Key = job.Key
		if res.Start.IsZero() {
			res.Start, res.Duration = start, time.Since(start)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, job.Timeout)
	defer cancel()
	res, err := job.Prober.Probe(ctx)
	if err != nil {
		res.Outcome = Error
		if res.Reason == ReasonNone {
			res.Reason = ReasonInternal
		}
		if res.Got == "" {
			res.Got = err.Error()
		}
	}
	return res
}
