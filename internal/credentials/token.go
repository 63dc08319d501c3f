package credentials

import (
	"time"

	"postflight/probe/httpprobe"
)

// token is one that was issued to us. It is never changed.
type token struct {
	value   string
	issued  time.Time
	due     time.Time // when it is to be renewed; zero: it does not say when it expires
	expires time.Time // zero: likewise
	renewed bool      // it came in place of one that was refused
}

// How long before it expires a token is renewed: a tenth of its lifetime within these. The shorter one is beyond what
// whole seconds leave out, and what a request takes.
const (
	leastMargin = 2 * time.Second
	mostMargin  = 30 * time.Second
)

// newToken makes a token of what was issued now. How long it lives is told by the issuer's clock, not by ours: the two may
// differ by more than that. Where it seems to have expired already the issuer does not mean what it says, and we wait for
// a refusal.
func newToken(value string, issuersClock time.Time, renewed bool) *token {
	t := &token{value: value, issued: time.Now(), renewed: renewed}
	expires, known := httpprobe.TokenExpiry(value)
	if lifetime := expires.Sub(issuersClock); known && lifetime > 0 {
		margin := min(max(lifetime/10, leastMargin), mostMargin, lifetime/2)
		t.expires = t.issued.Add(lifetime)
		t.due = t.expires.Add(-margin)
	}
	return t
}

// valid reports whether t is a token that has not expired.
func (t *token) valid(now time.Time) bool {
	return t != nil && (t.expires.IsZero() || now.Before(t.expires))
}

// lasting reports whether t is valid, and not yet to be renewed.
func (t *token) lasting(now time.Time) bool {
	return t.valid(now) && (t.due.IsZero() || now.Before(t.due))
}

// How long a token is so new that its refusal is not for its age, and another one would fare no better.
const (
	freshAtFirst = 2 * time.Second
	freshRenewed = time.Minute // in place of one that was refused
)

func (t *token) fresh(now time.Time) bool {
	age := now.Sub(t.issued)
	return age < freshAtFirst || t.renewed && age < freshRenewed
}
