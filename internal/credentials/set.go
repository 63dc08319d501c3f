package credentials

import (
	"sync"
	"time"

	"postflight/probe"
	"postflight/probe/httpprobe"
)

// Client makes the probers of logins. *httpprobe.Client is one.
type Client interface {
	Prober(httpprobe.Check) probe.Prober
}

// Set is the credentials of one name, for all targets of a service. It is safe for use by several goroutines.
//
// Where a login yields them, each target is logged in at, and each is asked with the token that another one issued: that is
// how it shows whether they accept each other's. All targets are taken to share one account, so there is at most one login
// at a time, and unsuccessful ones are limited over all targets.
type Set struct {
	name    string
	options Options
	client  Client

	mu      sync.Mutex // guards what follows
	ring    []*issuer  // in the order of the targets
	issuers map[string]*issuer
	account account
	flight  *flight // the login that is under way; nil: none
}

// issuer is a target that issues tokens. Its Set's lock guards it.
type issuer struct {
	target string
	place  int // in the ring
	token  *token
	failed failure // of the last login there; zero: it did not fail
}

// New makes the Set of what a service has under this name.
func New(name string, o Options, client Client) *Set {
	return &Set{name: name, options: o, client: client}
}

// SetTargets says which targets there are to log in at, in order. Tokens of others are forgotten.
func (s *Set) SetTargets(targets []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.issuers
	s.ring, s.issuers = make([]*issuer, 0, len(targets)), make(map[string]*issuer, len(targets))
	for _, target := range targets {
		if s.issuers[target] != nil {
			continue
		}
		i := known[target]
		if i == nil {
			i = &issuer{target: target}
		}
		i.place = len(s.ring)
		s.ring = append(s.ring, i)
		s.issuers[target] = i
	}
}

// For gives the credentials that a target is asked with.
func (s *Set) For(target string) httpprobe.Credentials {
	switch o := s.options; {
	case o.Login != nil:
		return loggedIn{set: s, target: target}
	case o.Basic != nil:
		return basic(*o.Basic)
	case o.TokenFile != "":
		return httpprobe.TokenFile(o.TokenFile)
	default:
		return bearer(o.Token)
	}
}

// after is the target after another one; that one itself where there is no other.
func (s *Set) after(target string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.issuers[target]
	if i == nil {
		return target
	}
	return s.ring[(i.place+1)%len(s.ring)].target
}

// other is the first one after i that has a valid token; nil: there is none. The lock is held.
func (s *Set) other(i *issuer, now time.Time) *issuer {
	for step := 1; step < len(s.ring); step++ {
		if other := s.ring[(i.place+step)%len(s.ring)]; other.token.valid(now) {
			return other
		}
	}
	return nil
}

// best gives what a target is asked with: the token of the next target that has one, at last its own.
func (s *Set) best(target string) (httpprobe.Grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	issuer := s.issuers[target]
	if issuer == nil {
		return httpprobe.Grant{}, false
	}
	if other := s.other(issuer, now); other != nil {
		issuer = other
	}
	return issuer.grant(target, now)
}

// from gives the token of an issuer, for a target.
func (s *Set) from(issuer, target string) (httpprobe.Grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.issuers[issuer]
	if i == nil {
		return httpprobe.Grant{}, false
	}
	return i.grant(target, time.Now())
}

func (i *issuer) grant(target string, now time.Time) (httpprobe.Grant, bool) {
	if !i.token.valid(now) {
		return httpprobe.Grant{}, false
	}
	g := httpprobe.Grant{Authorization: "Bearer " + i.token.value, Secret: i.token.value, Old: !i.token.fresh(now)}
	if i.target != target {
		g.Issuer = i.target
	}
	return g, true
}

// drop forgets a token that its own issuer has refused, unless it is another one by now.
func (s *Set) drop(target, refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.issuers[target]; i != nil && i.token != nil && i.token.value == refused && !i.token.fresh(time.Now()) {
		i.token = nil
	}
}
