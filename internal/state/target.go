package state

import (
	"slices"

	"postflight/probe"
)

// Target is one running copy of a service, and what the list that named it says of it.
type Target struct {
	URL    string
	Labels []Label
}

// Label is a name and a value.
type Label struct{ Name, Value string }

// targetEntry is what is known of a target beside what its checks are. It belongs to the Store and is guarded by its lock.
type targetEntry struct {
	tokens  probe.TokenConsistency // the last decision; a probe that cannot tell changes nothing
	release Release                // as one of its checks told it last
}

// target puts a target in its place, if it has none yet, with what was known of it.
func (s *serviceEntry) target(t Target, before *serviceEntry) {
	if s.byURL[t.URL] != nil {
		return
	}
	entry := before.byURL[t.URL]
	if entry == nil {
		entry = &targetEntry{}
	}
	s.byURL[t.URL] = entry
	s.targets = append(s.targets, t)
	s.entries = append(s.entries, entry)
}

// foldTarget takes up what the probe of a check tells of its target and of the service.
func (s *serviceEntry) foldTarget(t *targetEntry, r probe.Result) {
	if r.Tokens != probe.TokensUndecided {
		t.tokens = r.Tokens
	}
	s.foldRelease(&t.release, r.Release, r.End())
	for _, login := range r.Logins {
		s.foldLogin(login)
	}
}

// tokens is the worst of the targets' decisions.
func (s *serviceEntry) tokens() probe.TokenConsistency {
	worst := probe.TokensUndecided
	for _, t := range s.entries {
		worst = max(worst, t.tokens)
	}
	return worst
}

// forgetTokens takes back every decision. A target that has gone may be the one whose tokens were refused, and those that
// stay may have none left to compare themselves with.
func (s *serviceEntry) forgetTokens() {
	for _, t := range s.entries {
		t.tokens = probe.TokensUndecided
	}
}

// knows reports whether a login is one with credentials, and at a target, that are configured.
func (s *serviceEntry) knows(login probe.Login) bool {
	return s.byURL[login.Target] != nil && slices.Contains(s.credentials, login.Credentials)
}

func (s *serviceEntry) foldLogin(login probe.Login) {
	i := slices.IndexFunc(s.logins, func(l probe.Login) bool {
		return l.Credentials == login.Credentials && l.Target == login.Target
	})
	switch {
	case i >= 0 && s.logins[i] != login:
		s.logins = slices.Clone(s.logins) // snapshots hold the old ones
		s.logins[i] = login
	case i < 0 && s.knows(login):
		s.logins = append(s.logins, login)
	}
}
