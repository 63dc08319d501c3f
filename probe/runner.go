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
	putOff  bool      // a run waits until the minimal interval is over
	started time.Time // of the last probe; zero: there was none
}

// Succeed makes j the job that takes the place of another one under the same key: their common minimal interval counts from
// the other's last probe. Call it before j is run.
func (j *Job) Succeed(other *Job) {
	other.mu.Lock()
	defer other.mu.Unlock()
	j.started = other.started
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
	telling sync.RWMutex // held to read by each probe that folds its result, and to write by Drop
	wg      sync.WaitGroup
}

// NewRunner makes a Runner for at most capacity probes at once. It gives each Result to fold, which several goroutines
// may call at once, and tells skipped of each probe that was due and could not run.
func NewRunner(capacity int, fold func(Result), skipped func(Key, SkipReason)) *Runner {
	return &Runner{fold: fold, skipped: skipped, places: make(chan struct{}, capacity)}
}

// Run starts the job's probe and returns at once. It reports whether it did: not while the job's last probe is running,
// nor beyond the runner's capacity, nor before the job's minimal interval is over. Then the run is put off until it is:
// one run, however many came too soon.
//
// A probe that ctx ends is dropped without a word: its result would say something about us, not about the target.
func (r *Runner) Run(ctx context.Context, job *Job) bool {
	return r.run(ctx, job, r.skipped)
}

// RunBetween is Run for a run that is not due: where it is skipped, none is missing, and nobody is told.
func (r *Runner) RunBetween(ctx context.Context, job *Job) {
	r.run(ctx, job, func(Key, SkipReason) {})
}

func (r *Runner) run(ctx context.Context, job *Job, skipped func(Key, SkipReason)) bool {
	if ctx.Err() != nil {
		return false
	}
	wait, skip := r.begin(job)
	switch {
	case skip != "":
		skipped(job.Key, skip)
		return false
	case wait > 0:
		r.putOff(ctx, job, wait)
		return false
	}
	r.wg.Go(func() {
		defer r.end(job)
		makeRoom()
		r.tell(ctx, look(ctx, job))
	})
	return true
}

// tell folds a result, unless it is of a probe that ctx has ended.
func (r *Runner) tell(ctx context.Context, res Result) {
	r.telling.RLock()
	defer r.telling.RUnlock()
	if ctx.Err() == nil {
		r.fold(res)
	}
}

// Drop calls end, which ends the contexts of runs. Once Drop has returned no result of theirs is folded any more, also none
// that had just come.
func (r *Runner) Drop(end func()) {
	r.telling.Lock()
	defer r.telling.Unlock()
	end()
}

// begin takes a place for the job; or it says how long to wait for the minimal interval, or why the run is skipped.
func (r *Runner) begin(job *Job) (wait time.Duration, skip SkipReason) {
	job.mu.Lock()
	defer job.mu.Unlock()
	if !job.started.IsZero() && job.MinInterval > 0 {
		if wait := job.MinInterval - time.Since(job.started); wait > minIntervalSlack {
			return wait, ""
		}
	}
	if job.running {
		return 0, SkipOverlap
	}
	select {
	case r.places <- struct{}{}:
	default:
		return 0, SkipCapacity
	}
	job.running, job.started = true, time.Now()
	return 0, ""
}

func (r *Runner) putOff(ctx context.Context, job *Job, wait time.Duration) {
	job.mu.Lock()
	already := job.putOff
	job.putOff = true
	job.mu.Unlock()
	if already {
		return
	}
	r.wg.Go(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		job.mu.Lock()
		job.putOff = false
		job.mu.Unlock()
		r.Run(ctx, job)
	})
}

func (r *Runner) end(job *Job) {
	job.mu.Lock()
	job.running = false
	job.mu.Unlock()
	<-r.places
}

// Wait returns when no probe is running and none is put off. End the contexts of Run first, and let nobody call it any more.
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
