package state

import (
	"slices"
	"time"

	"postflight/probe"
)

// Service is what the configuration says of a service. Its name, and the keys of its checks, are its own.
type Service struct {
	Name        string
	Targets     []Target // those of checks that are not here count as well
	Checks      []probe.Check
	Units       []string
	Patterns    []probe.Pattern // that are looked for in the units' logs; none: the logs are not watched
	Credentials []string        // names
	Release     string          // where the release is read, in any words: what is known of it is forgotten when they change
	Lists       bool            // target lists name targets of it: FoldDiscovery tells how that goes
}

// ServiceState is what is known of a service.
type ServiceState struct {
	Name      string
	Targets   []Target
	Checks    []*CheckState
	Units     []*UnitState
	Logins    []probe.Login          // the latest of each credentials at each target
	Tokens    probe.TokenConsistency // inconsistent where the latest decision of any target is
	Release   Release
	Discovery *Discovery // nil: the service has no target lists

	Deployments Deployments
	PausedUntil time.Time // probes go on, but no verification decides; zero: it is not paused
}

// serviceEntry belongs to the Store and is guarded by its lock; targets and logins may be shared by snapshots.
type serviceEntry struct {
	name        string
	credentials []string
	releaseFrom string
	lists       bool

	checks      []*checkEntry
	units       []*unitEntry
	targets     []Target // never changed once Apply is over
	entries     []*targetEntry
	byURL       map[string]*targetEntry
	logins      []probe.Login // appended to, and else replaced
	fileRelease Release
	discovery   Discovery
	record      *record

	releaseMoved bool // a source has named another release, and nobody has been told yet
}

// newServiceEntry makes the entry of a service as it is configured now. What was known of it stays, as far as it is of
// something that stays. before is nil where there is none, and restored where nothing was saved.
func newServiceEntry(service Service, before *serviceEntry, restored *restoredService) *serviceEntry {
	s := &serviceEntry{
		name: service.Name, credentials: service.Credentials, releaseFrom: service.Release, lists: service.Lists,
		byURL: make(map[string]*targetEntry, len(service.Targets)),
	}
	if before == nil {
		before = restored.entry(service)
	}
	for _, t := range service.Targets {
		s.target(t, before)
	}
	for _, c := range service.Checks {
		s.target(Target{URL: c.Key.Target}, before)
	}
	for url := range before.byURL {
		if s.byURL[url] == nil {
			s.forgetTokens()
			break
		}
	}
	for _, login := range before.logins {
		if s.knows(login) {
			s.logins = append(s.logins, login)
		}
	}
	s.fileRelease, s.record = before.fileRelease, before.record
	if s.releaseFrom != before.releaseFrom {
		s.forgetReleases()
	}
	if s.lists {
		s.discovery = before.discovery
	}
	return s
}

// state is what is known of the service.
func (s *serviceEntry) state(now time.Time) ServiceState {
	known := ServiceState{
		Name:    s.name,
		Targets: s.targets,
		Checks:  make([]*CheckState, len(s.checks)),
		Units:   make([]*UnitState, len(s.units)),
		Logins:  slices.Clip(s.logins),
		Tokens:  s.tokens(),
		Release: s.release(),

		Deployments: s.record.deployments,
	}
	if until := s.record.pausedUntil; until.After(now) {
		known.PausedUntil = until
	}
	for i, check := range s.checks {
		known.Checks[i] = check.state
	}
	for i, unit := range s.units {
		known.Units[i] = unit.state
	}
	if s.lists {
		discovery := s.discovery
		known.Discovery = &discovery
	}
	return known
}
