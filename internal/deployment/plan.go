package deployment

import (
	"fmt"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// Plan is what the desk knows of a verification; what there is to look at, the one who begins it knows.
type Plan struct {
	ID         string
	Service    string
	Release    string
	Source     verdict.Source
	Policy     verdict.Policy
	Start      time.Time
	RollbackOf string
	Resumed    *state.Deployment // it is taken up again, as after postflight was stopped; nil: it is new
}

// Verdict is the plan of the verdict, but for what there is to look at.
func (p Plan) Verdict() verdict.Plan {
	plan := verdict.Plan{
		ID: p.ID, Service: p.Service, Release: p.Release, Source: p.Source, Policy: p.Policy, Start: p.Start, RollbackOf: p.RollbackOf,
	}
	if p.Resumed != nil {
		plan.Began = p.Resumed.StartedAt
		plan.Notes = append(plan.Notes, p.Resumed.Notes...)
		if seen := p.Resumed.Resume.Seen; seen.Before(p.Start) {
			plan.Notes = append(plan.Notes, gapNote(seen, p.Start))
		}
	}
	return plan
}

func gapNote(from, to time.Time) string {
	return fmt.Sprintf("postflight did not look from %s to %s", inWords(from), inWords(to))
}

func inWords(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// began is when the deployment was made.
func (p Plan) began() time.Time {
	if p.Resumed != nil {
		return p.Resumed.StartedAt
	}
	return p.Start
}

// told is an id that no event told of it reaches: so many microseconds have passed, and none is told faster.
func (p Plan) told() uint64 { return uint64(max(0, p.Start.Sub(p.began()).Microseconds())) }
