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

// Event tells of one fold.
type Event struct {
	Result   probe.Result
	Check    *CheckState   // after the fold; nil where the result is a unit's or its log's
	Unit     *UnitState    // after the fold; nil where the result is a check's
	First    bool          // nothing was known before of the check, the unit or the log; Previous means nothing
	Previous probe.Outcome // of the result before
	Changed  bool          // the outcome is another than before, or the first
	Started  Trigger       // of a unit: a new start has been seen, and this caused it
}

// Store is the only owner of state. All its methods are safe for use by several goroutines.
type Store struct {
	mu       sync.Mutex      // guards all below
	services []*serviceEntry // in the order of the configuration
	reload   ReloadState
	checks   map[probe.Key]*checkEntry
	units    map[probe.Key]*unitEntry
	folded   []func(Event)
	gone     []func(probe.Key)
	released []func(service string, now, before Release)

	cursor     string                      // of the journal
	restored   map[probe.Key]*savedUnit    // until the first Apply
	records    map[string]*restoredService // likewise
	generation uint64                      // of what is saved
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
	entries := make([]*serviceEntry, len(services))
	for i, service := range services {
		entry := newServiceEntry(service, s.service(service.Name), s.records[service.Name])
		entries[i] = entry
		for _, check := range service.Checks {
			if _, twice := checks[check.Key]; twice {
				continue
			}
			e := s.checks[check.Key].configured(check)
			e.service, e.target = entry, entry.byURL[check.Key.Target]
			checks[check.Key] = e
			entry.checks = append(entry.checks, e)
		}
		for _, unit := range service.Units {
			key := probe.Key{Service: service.Name, Unit: unit}
			if _, twice := units[key]; twice {
				continue
			}
			e := s.units[key].configured(key, service.Patterns, s.restored[key])
			units[key] = e
			entry.units = append(entry.units, e)
		}
		entry.record.outage.recount(entry.checks, entry.units)
	}
	before, checksBefore, unitsBefore := s.services, s.checks, s.units
	s.services, s.checks, s.units, s.restored, s.records = entries, checks, units, nil, nil
	s.changed(true)
	tellGone(s, checksBefore, checks)
	tellGone(s, unitsBefore, units)
	for _, old := range before {
		if s.service(old.name) == nil {
			s.tellGone(probe.Key{Service: old.name})
		}
	}
}

// service returns the entry of a service, or nil.
func (s *Store) service(name string) *serviceEntry {
	i := slices.IndexFunc(s.services, func(e *serviceEntry) bool { return e.name == name })
	if i < 0 {
		return nil
	}
	return s.services[i]
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
	check, unit := s.checks[r.Key], s.units[r.Key]
	switch {
	case check != nil:
		event.First, event.Previous = !check.state.HasRun(), check.state.Last.Outcome
		before := check.state
		check.fold(r)
		check.service.foldTarget(check.target, r)
		s.changed(check.service.foldCheck(before, check.state))
		event.Check = check.state
	case unit != nil && r.Log != nil && unit.state.Log != nil:
		before, log := unit.ledger.mark(), unit.state.Log
		event.First, event.Previous = !log.HasRun(), log.outcome()
		event.Started = unit.foldLog(r)
		event.Unit = unit.state
		s.changed(says(r.Log) || !log.Until.Equal(unit.state.Log.Until) || unit.ledger.mark() != before)
	case unit != nil && r.Log == nil:
		before := unit.ledger.mark()
		event.First, event.Previous = !unit.state.HasRun(), unit.state.Last.Outcome
		event.Started = unit.fold(r)
		event.Unit = unit.state
		s.changed(unit.ledger.mark() != before)
		s.changed(s.service(r.Key.Service).foldUnit(unit.state))
	default:
		return
	}
	event.Changed = event.First || event.Previous != r.Outcome
	for _, f := range s.folded {
		f(event)
	}
	if check != nil {
		s.tellRelease(check.service)
	}
}

// Snapshot is what is known at one moment, in the order of the configuration. It never changes.
type Snapshot struct {
	Time     time.Time
	Reload   ReloadState
	Services []ServiceState
}

// Snapshot returns what is known. Statements that depend on the time of day are made as of now.
func (s *Store) Snapshot(now time.Time) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := &Snapshot{Time: now, Reload: s.reload, Services: make([]ServiceState, len(s.services))}
	for i, entry := range s.services {
		snapshot.Services[i] = entry.state(now)
	}
	return snapshot
}
