package state

import (
	"time"

	"postflight/internal/verdict"
)

// Deployment is a verification as it is kept.
type Deployment struct {
	verdict.Document
	Resume *Resume // what is needed to take it up again after postflight was stopped; nil once it is decided
}

// Resume is how a verification began.
type Resume struct {
	Policy       verdict.Policy    `json:"policy"`
	SkipHook     bool              `json:"skip_hook,omitempty"`     // who announced it rolls back by themselves
	Restarts     map[string]uint64 `json:"restarts,omitempty"`      // of each unit, automatic ones, when it began
	ManualStarts map[string]uint64 `json:"manual_starts,omitempty"` // likewise
	Seen         time.Time         `json:"seen"`                    // until then postflight looked
}

// Deployments is what is known of a service's deployments and of how they went.
type Deployments struct {
	History   []Deployment              // the newest first, 50 at most
	Count     map[verdict.Source]uint64 // by who told of them
	Verdicts  map[verdict.State]uint64  // those decided
	Rollbacks struct{ Succeeded, Failed uint64 }
	Duration  Histogram // of verifications
	Detection Histogram // of failed ones: from the deployment to the verdict
	Recovery  Histogram // from failing to healthy again
}

// Histogram counts durations by DurationBounds.
type Histogram struct {
	Counts [len(DurationBounds) + 1]uint64 `json:"counts"` // not cumulated; the last: beyond all bounds
	Sum    float64                         `json:"sum"`    // in seconds
}

// DurationBounds are the upper bounds of a Histogram, in seconds: from one to one hour.
var DurationBounds = [...]float64{1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600}

// FoldDeployment takes up how a verification stands. One whose id is not known yet is a new one.
func (s *Store) FoldDeployment(d Deployment) {}

// FoldPause takes up until when a service is paused; zero: it no longer is.
func (s *Store) FoldPause(service string, until time.Time) {}

// SubscribeRelease calls f when another release of a service than before has been seen. What holds for f of Subscribe holds
// here.
func (s *Store) SubscribeRelease(f func(service string, now, before Release)) {}
