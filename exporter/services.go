package exporter

import (
	"maps"
	"slices"

	"postflight/internal/state"
	"postflight/probe"
)

// reload tells whether the configuration in effect is the one that was asked for.
func (s *scrape) reload() {
	reload := s.snapshot.Reload
	if reload == (state.ReloadState{}) {
		return
	}
	s.put(reloadSuccessful, is(reload.Successful))
	if !reload.LastSuccess.IsZero() {
		s.put(reloadLastSuccess, timestamp(reload.LastSuccess))
	}
}

// writes tells how often the state file failed.
func (s *scrape) writes() {
	s.mu.Lock()
	n := s.failedWrites
	s.mu.Unlock()
	s.put(stateWritesFailed, float64(n))
}

// service tells what is known of a service as a whole.
func (s *scrape) service(service state.ServiceState) {
	s.logins(service)
	if service.Tokens != probe.TokensUndecided {
		s.put(tokenConsistent, is(service.Tokens == probe.TokensConsistent), service.Name)
	}
	if d := service.Discovery; d != nil {
		s.put(discoveryTargets, float64(d.Targets), service.Name)
		if !d.LastSuccess.IsZero() {
			s.put(discoveryLastSuccess, timestamp(d.LastSuccess), service.Name)
		}
	}
}

// logins tells of each credentials whether the latest login succeeded at every target.
func (s *scrape) logins(service state.ServiceState) {
	failed := map[string]bool{}
	for _, login := range service.Logins {
		failed[login.Credentials] = failed[login.Credentials] || !login.Success
	}
	for _, credentials := range slices.Sorted(maps.Keys(failed)) {
		s.put(loginSuccess, is(!failed[credentials]), service.Name, credentials)
	}
}
