package state

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"postflight/internal/verdict"
	"postflight/probe"
)

// maxDeployments is how many of a service's verifications are remembered.
const maxDeployments = 50

// VerificationStates are the states in which a service's newest deployment may be. The first: there is none.
var VerificationStates = [...]verdict.State{
	"none", verdict.Settling, verdict.Observing, verdict.Passed, verdict.Failed, verdict.Inconclusive,
}

// RollbackStates are the states in which its rollback may be.
var RollbackStates = [...]verdict.RollbackState{
	verdict.NoRollback, verdict.RollbackRunning, verdict.RollbackSucceeded, verdict.RollbackFailed, verdict.RollbackInterrupted,
}

// Deployment is a verification as it is kept.
type Deployment struct {
	verdict.Document
	Resume *Resume `json:"resume,omitempty"` // what is needed to take it up again after postflight was stopped; nil once it is decided
}

// Resume is how a verification began.
type Resume struct {
	Policy       verdict.Policy           `json:"policy"`
	SkipHook     bool                     `json:"skip_hook,omitempty"` // who announced it rolls back by themselves
	Restarts     map[string]uint64        `json:"restarts,omitempty"`  // of each unit, automatic ones, when it began
	Logged       map[string][]probe.Match `json:"logged,omitempty"`    // the errors in each unit's log since
	Before       []probe.Result           `json:"before,omitempty"`    // of checks that failed before the deployment
	LogBefore    []probe.Match            `json:"log_before,omitempty"`
	ManualStarts map[string]uint64        `json:"manual_starts,omitempty"` // likewise
	Seen         time.Time                `json:"seen"`                    // until then postflight looked
}

// Deployments is what is known of a service's deployments and of how they went. It is never changed.
type Deployments struct {
	History   []Deployment              // the newest first, 50 at most, with the verifications of rollbacks
	Count     map[verdict.Source]uint64 // by who told of them
	Verdicts  map[verdict.State]uint64  // those decided, of rollbacks as well
	Rollbacks Rollbacks
	Duration  Histogram // of verifications
	Detection Histogram // of failed ones: from the deployment to the verdict
	Recovery  Histogram // from failing to healthy again
}

// Rollbacks counts how rollbacks ended.
type Rollbacks struct {
	Succeeded uint64 `json:"succeeded"`
	Failed    uint64 `json:"failed"`
}

// Newest is the newest deployment, which the verification of a rollback is not; nil: none is known.
func (d Deployments) Newest() *Deployment {
	return d.find(func(d Deployment) bool { return d.RollbackOf == "" })
}

// NewestVerdict is the newest deployment that is decided; nil: none is known.
func (d Deployments) NewestVerdict() *Deployment {
	return d.find(func(d Deployment) bool { return d.RollbackOf == "" && d.State.Decided() })
}

func (d Deployments) find(is func(Deployment) bool) *Deployment {
	if i := slices.IndexFunc(d.History, is); i >= 0 {
		return &d.History[i]
	}
	return nil
}

// FoldDeployment takes up how a verification stands. One whose id is not known yet is a new one. Of one that is decided
// nothing changes any more but its rollback. What d refers to is the Store's from then on.
func (s *Store) FoldDeployment(d Deployment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.service(d.Service); entry != nil {
		entry.record.fold(d)
		s.changed(true)
	}
}

// FoldPause takes up until when a service is paused; zero: it no longer is.
func (s *Store) FoldPause(service string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.service(service); entry != nil {
		s.changed(!until.Equal(entry.record.pausedUntil))
		entry.record.pausedUntil = until
	}
}

// record is what is kept of a service for as long as it is configured, also while postflight does not run. It belongs to
// the Store and is guarded by its lock; what deployments refers to is shared by snapshots.
type record struct {
	deployments Deployments
	written     [][]byte // the history as it is saved; nil: to be written anew
	verifying   bool     // one of the history is undecided
	pausedUntil time.Time
	outage      outage
	release     Release   // that was told last
	earlier     []Release // that ran when postflight was stopped, until each source of releases has been read again
}

func undecided(d Deployment) bool { return !d.State.Decided() }

func (r *record) fold(d Deployment) {
	known := &r.deployments
	known.History = slices.Clone(known.History)
	i := slices.IndexFunc(known.History, func(k Deployment) bool { return k.ID == d.ID })
	before := Deployment{}
	if i >= 0 {
		before = known.History[i]
	}
	if before.State.Decided() {
		rollback := d.Rollback
		d = before
		d.Rollback = rollback
	}
	if d.State.Decided() {
		d.Resume = nil
	}
	d.Rollback.State = cmp.Or(d.Rollback.State, verdict.NoRollback)
	if i < 0 {
		r.begin(d)
	} else {
		known.History[i], r.written[i] = fitted(d, i), nil
	}
	known.count(before, d)
	r.verifying = slices.ContainsFunc(known.History, undecided)
}

// begin puts a new one in front, before those that are older now.
func (r *record) begin(d Deployment) {
	known := &r.deployments
	known.History = slices.Insert(known.History, 0, fitted(d, 0))
	r.written = slices.Insert(r.written, 0, nil)
	for _, age := range []int{1, maxOutputs} {
		if age < len(known.History) {
			known.History[age], r.written[age] = fitted(known.History[age], age), nil
		}
	}
	if len(known.History) > maxDeployments {
		known.History, r.written = known.History[:maxDeployments:maxDeployments], r.written[:maxDeployments:maxDeployments]
	}
	if d.RollbackOf == "" {
		known.Count = more(known.Count, d.Source)
	}
}

// count takes up what has come of a verification and of its rollback.
func (d *Deployments) count(before, now Deployment) {
	if now.State.Decided() && !before.State.Decided() {
		d.Verdicts = more(d.Verdicts, now.State)
		took := now.DecidedAt.Sub(now.StartedAt)
		d.Duration.observe(took)
		if now.State == verdict.Failed && now.RollbackOf == "" {
			d.Detection.observe(took)
		}
	}
	if now.Rollback.State == before.Rollback.State {
		return
	}
	switch now.Rollback.State {
	case verdict.RollbackSucceeded:
		d.Rollbacks.Succeeded++
	case verdict.RollbackFailed:
		d.Rollbacks.Failed++
	}
}

// more counts one more in a map that snapshots may have.
func more[K comparable](counted map[K]uint64, of K) map[K]uint64 {
	next := maps.Clone(counted)
	if next == nil {
		next = map[K]uint64{}
	}
	next[of]++
	return next
}
