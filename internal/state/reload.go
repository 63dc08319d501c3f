package state

import "time"

// Discovery is how reading a service's target lists goes.
type Discovery struct {
	Targets     int       // that the lists name
	LastSuccess time.Time // of the list that was read longest ago; zero: one has never been read
	Problem     string    // with what could not be read; empty: there is none
}

// Reload is one try to bring the configuration into effect. The one at start counts.
type Reload struct {
	Time       time.Time
	Successful bool
	Problem    string // all that is wrong; empty where it was successful
}

// ReloadState is what is known of reloads. The zero one: there was none, not even at start.
type ReloadState struct {
	Successful  bool      // of the last one
	LastSuccess time.Time // zero: none yet
	Problem     string    // of the last one
}

// FoldDiscovery takes up how reading a service's target lists went.
func (s *Store) FoldDiscovery(service string, d Discovery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.service(service); entry != nil && entry.lists {
		entry.discovery = d
	}
}

// FoldReload takes up how a reload went.
func (s *Store) FoldReload(r Reload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reload.Successful, s.reload.Problem = r.Successful, r.Problem
	if r.Successful {
		s.reload.LastSuccess = r.Time
	}
}
