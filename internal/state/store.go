// Package state owns everything that changes: it folds the results of all probes into what is known of each check and
// unit, tells subscribers of each fold, and hands out snapshots.
//
// What it hands out is never changed afterwards: a fold makes a new state and leaves the old one to those who hold it.
package state

import (
	"slices"
	"sync"
	"time"

	"postflight/probe"
)

// Service is what the configuration says of a service. Its name, and the keys of its checks, are its own.
type Service struct {
	Name   string
	Checks []probe.Check
	Units  []string
}

// Event tells of one fold.
type Event struct {
	Result   probe.Result
	Check    *CheckState   // after the fold; nil where the result is a unit's
	Unit     *UnitState    // after the fold; nil where the result is a check's
	First    bool          // nothing was known before; Previous means nothing
	Previous probe.Outcome // of the result before
	Changed  bool          // the outcome is another than before, or the first
}

// Store is the only owner of state. All its methods are safe for use by several goroutines.
type Store struct {
	mu       sync.Mutex // guards all below
	services []serviceEntry
	checks   map[probe.Key]*checkEntry
	units    map[probe.Key]*unitEntry
	folded   []func(Event)
	gone     []func(probe.Key)
}

type serviceEntry struct {
	name   string
	checks []*checkEntry
	units  []*unitEntry
}

// New makes a Store that knows no service.
func New() *Store {
	return &Store{checks: map[probe.Key]*checkEntry{}, units: map[probe.Key]*unitEntry{}}
}

// Subscribe calls f for each fold, one at a time and in their order. f holds up all folds while it runs: it must be
// quick, and must not call the Store.
func (s *Store) Subscribe(f func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folded = append(s.folded, f)
}

// SubscribeGone calls f with the key of each check and unit that is no longer configured, and for a service that is
// gone also with a key that has only its name. What holds for f of Subscribe holds here.
func (s *Store) SubscribeGone(f func(probe.Key)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = append(s.gone, f)
}

// Apply makes services what is configured. What was configured before, by its key, keeps its state; what is new begins
// without; what is gone loses it.
func (s *Store) Apply(services []Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	checks := make(map[probe.Key]*checkEntry, len(s.checks))
	units := make(map[probe.Key]*unitEntry, len(s.units))
	entries := make([]serviceEntry, len(services))
	for i, service := range services {
		entries[i].name = service.Name
		for _, check := range service.Checks {
			if _, twice := checks[check.Key]; twice {
				continue
			}
			entry := s.checks[check.Key].configured(check)
			checks[check.Key] = entry
			entries[i].checks = append(entries[i].checks, entry)
		}
		for _, unit := range service.Units {
			key := probe.Key{Service: service.Name, Unit: unit}
			if _, twice := units[key]; twice {
				continue
			}
			entry := s.units[key].configured(key)
			units[key] = entry
			entries[i].units = append(entries[i].units, entry)
		}
	}
	before, checksBefore, unitsBefore := s.services, s.checks, s.units
	s.services, s.checks, s.units = entries, checks, units
	tellGone(s, checksBefore, checks)
	tellGone(s, unitsBefore, units)
	for _, old := range before {
		if !slices.ContainsFunc(entries, func(e serviceEntry) bool { return e.name == old.name }) {
			s.tellGone(probe.Key{Service: old.name})
		}
	}
}

func tellGone[E any](s *Store, before, now map[probe.Key]E) {
	for key := range before {
		if _, kept := now[key]; !kept {
			s.tellGone(key)
		}
	}
}

func (s *Store) tellGone(key probe.Key) {
	for _, f := range s.gone {
		f(key)
	}
}

// Fold takes up a result. One whose key is not configured is dropped: its probe was under way when it was removed.
func (s *Store) Fold(r probe.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	event := Event{Result: r}
	if check := s.checks[r.Key]; check != nil {
		event.First, event.Previous = !check.state.HasRun(), check.state.Last.Outcome
		check.fold(r)
		event.Check = check.state
	} else if unit := s.units[r.Key]; unit != nil {
		event.First, event.Previous = !unit.state.HasRun(), unit.state.Last.Outcome
		unit.fold(r)
		event.Unit = unit.state
	} else {
		return
	}
	event.Changed = event.First || event.Previous != r.Outcome
	for _, f := range s.folded {
		f(event)
	}
}

// Snapshot is what is known at one moment, in the order of the configuration. It never changes.
type Snapshot struct {
	Time     time.Time
	Services []ServiceState
}

// ServiceState is what is known of a service.
type ServiceState struct {
	Name   string
	Checks []*CheckState
	Units  []*UnitState
}

// Snapshot returns what is known. Statements that depend on the time of day are made as of now.
func (s *Store) Snapshot(now time.Time) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := &Snapshot{Time: now, Services: make([]ServiceState, len(s.services))}
	for i, entry := range s.services {
		service := ServiceState{
			Name:   entry.name,
			Checks: make([]*CheckState, len(entry.checks)),
			Units:  make([]*UnitState, len(entry.units)),
		}
		for j, check := range entry.checks {
			service.Checks[j] = check.state
		}
		for j, unit := range entry.units {
			service.Units[j] = unit.state
		}
		snapshot.Services[i] = service
	}
	return snapshot
}
