package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// patience is how long the script waits for postflight to see something. It has to see it within a second or so; the
// rest is for slow machines.
const patience = 10 * time.Second

// scene is one part of the script and what came of it.
type scene struct {
	title string
	took  time.Duration
	seen  string // what postflight said; empty: not what it should have
}

// playThrough breaks and mends the backend in every way, deploys good releases and a broken one, and checks that
// postflight saw each for what it is and that the broken one was taken back.
func (s *stage) playThrough(ctx context.Context) bool {
	scenes := []scene{s.awaitHealthy(ctx, "everything is well")}
	for _, fault := range Faults {
		scenes = append(scenes, s.breakIt(ctx, fault), s.mend(ctx))
	}
	scenes = append(scenes,
		s.release(ctx, "a good release", Mended, verdict.Passed, ""),
		s.release(ctx, "a good release while Redis is down", RedisDown, verdict.Passed, verdict.CacheDown),
		s.release(ctx, "a release that lacks a module", Crash, verdict.Failed, verdict.MissingDependency),
		s.awaitHealthy(ctx, "the release before is back"),
	)
	return s.sumUp(ctx, scenes)
}

func (s *stage) breakIt(ctx context.Context, fault Fault) scene {
	s.out.printf("-------- %s\n", fault.Title)
	before := unitIn(s.daemon.Store().Snapshot(time.Now())).Restarts
	if err := s.supervisor.Fault(ctx, fault.Name); err != nil {
		s.complain(err)
	}
	return s.await(ctx, fault.Title, func(known *state.Snapshot) string {
		return fault.Sign.in(known, before)
	})
}

func (s *stage) mend(ctx context.Context) scene {
	s.out.printf("-------- mended\n")
	s.complain(s.supervisor.Fault(ctx, Mended))
	return s.awaitHealthy(ctx, "mended")
}

func (s *stage) release(ctx context.Context, title, fault string, want verdict.State, cause verdict.Cause) scene {
	s.out.printf("-------- deploying %s\n", title)
	start := time.Now()
	doc, err := s.deploy(ctx, fault)
	if s.complain(err); err != nil {
		return scene{title: title}
	}
	played := scene{title: title, took: time.Since(start)}
	if doc.Verdict == want && (cause == "" || len(doc.Causes) > 0 && doc.Causes[0].Cause == cause) && s.takenBack(doc) == (want == verdict.Failed) {
		played.seen = strings.TrimSpace(string(want) + " " + string(cause))
	}
	if want == verdict.Failed && played.seen != "" {
		played.seen += ", rolled back, and verified again: passed"
	}
	return played
}

// takenBack reports whether a deployment was rolled back, and passed when it was verified again.
func (s *stage) takenBack(doc verdict.Document) bool {
	again, known := s.afterwards(doc)
	return doc.Rollback.State == verdict.RollbackSucceeded && known && again.RollbackOf == doc.ID && again.Verdict == verdict.Passed
}

func (s *stage) awaitHealthy(ctx context.Context, title string) scene {
	return s.await(ctx, title, func(known *state.Snapshot) string {
		service := known.Services[0]
		for _, check := range service.Checks {
			if !check.HasRun() || check.Last.Outcome != probe.Pass {
				return ""
			}
		}
		if unitIn(known).State() != "active" {
			return ""
		}
		return "every check passes"
	})
}

// await waits until postflight's state says what it should.
func (s *stage) await(ctx context.Context, title string, sign func(*state.Snapshot) string) scene {
	start := time.Now()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for time.Since(start) < patience {
		if said := sign(s.daemon.Store().Snapshot(time.Now())); said != "" {
			return scene{title: title, took: time.Since(start), seen: said}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return scene{title: title}
		}
	}
	return scene{title: title}
}

// in says what postflight says of the fault, or nothing if it does not see it.
func (s Sign) in(known *state.Snapshot, restartsBefore uint64) string {
	for _, check := range known.Services[0].Checks {
		if check.Check.Key.Check != s.Check || check.Last.Outcome != s.Outcome || check.Last.Reason != s.Reason {
			continue
		}
		said := strings.TrimSpace(fmt.Sprintf("%s: %s %s", s.Check, s.Outcome, s.Reason))
		if !s.Restarts {
			return said
		}
		if restarts := unitIn(known).Restarts - restartsBefore; restarts >= 2 {
			return fmt.Sprintf("%s, %d restarts", said, restarts)
		}
	}
	return ""
}

func unitIn(known *state.Snapshot) *state.UnitState { return known.Services[0].Units[0] }

// sumUp prints what was seen of each scene and reports whether it was all of it.
func (s *stage) sumUp(ctx context.Context, scenes []scene) bool {
	all := ctx.Err() == nil
	s.out.printf("\nSummary\n\n")
	for _, played := range scenes {
		if played.seen == "" {
			all = false
			s.out.printf("  NOT SEEN         %s\n", played.title)
			continue
		}
		s.out.printf("  seen in %5.1f s  %s\n                   → %s\n", played.took.Seconds(), played.title, played.seen)
	}
	return all
}
