package credentials

import (
	"context"
	"fmt"
	"time"

	"postflight/probe"
)

// urgency is how much a login is wanted.
type urgency uint8

const (
	unwanted urgency = iota
	optional         // there is something else to ask with meanwhile
	needed
)

// wish says how much a login at an issuer is wanted as things stand. It is asked under the Set's lock.
type wish func(*issuer, time.Time) urgency

// logIn logs in at a target if that is wanted, or waits for the login there that is under way. It gives the logins that
// came of it. What is only optional may not come about, without an error.
func (s *Set) logIn(ctx context.Context, target string, renewal bool, wanted wish) ([]probe.Login, error) {
	for {
		b := s.board(ctx, target, renewal, wanted)
		if b.flight == nil {
			return nil, b.err
		}
		ctx, cancel := ctx, context.CancelFunc(func() {})
		if b.urgency == optional {
			ctx, cancel = halfOf(ctx)
		}
		err := s.await(ctx, b.flight, b.ours)
		cancel()
		switch {
		case err != nil:
			return nil, fmt.Errorf("logging in at %s: %w", target, err)
		case b.ours:
			return b.flight.logins, b.flight.err
		}
	}
}

// boarding is what there is to wait for.
type boarding struct {
	flight  *flight // nil: nothing
	ours    bool    // it is for the target that is wanted
	urgency urgency
	err     error // why there is nothing
}

func (s *Set) board(ctx context.Context, target string, renewal bool, wanted wish) boarding {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.issuers[target]
	if i == nil {
		return boarding{err: fmt.Errorf("logging in at %s: it is none of the targets any more", target)}
	}
	now := time.Now()
	urgency := wanted(i, now)
	if urgency == unwanted || urgency == optional && !s.mayTry(i, now) {
		return boarding{}
	}
	if ctx.Err() != nil { // whoever is too late starts nothing
		return boarding{err: fmt.Errorf("logging in at %s: %w", target, errNoAnswer)}
	}
	if s.flight == nil {
		s.start(ctx, target, renewal)
	}
	b := boarding{flight: s.flight, ours: s.flight.isFor(target), urgency: urgency}
	if b.ours {
		b.flight.waiting++
	}
	return b
}

// mayTry reports whether a login may be tried that is not needed: one that takes no try from those that are, and waits for
// no other.
func (s *Set) mayTry(i *issuer, now time.Time) bool {
	if s.flight != nil {
		return s.flight.isFor(i.target)
	}
	return s.account.clean() && now.Sub(i.failed.at) >= accountPause
}

// isFor reports whether it is a login at the target, to whose outcome one can still look forward.
func (f *flight) isFor(target string) bool { return f.target == target && !f.ending }

// halfOf ends when half of the time is over that ctx leaves.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}
