package exporter

import (
	"strings"

	"postflight/internal/state"
)

// unit tells of one unit. What a look did not yield is absent, or 0 for each state.
func (s *scrape) unit(u *state.UnitState) {
	put := func(id metricID, value float64, labels ...string) {
		s.put(id, value, append([]string{u.Key.Service, u.Key.Unit}, labels...)...)
	}
	put(unitObservable, is(u.Observable()))
	put(unitRestarts, float64(u.Restarts))
	put(unitStarts, float64(u.Starts.Automatic), "automatic")
	put(unitStarts, float64(u.Starts.Manual), "manual")
	put(unitStarts, float64(u.Starts.Boot), "boot")
	for _, name := range state.UnitStates {
		put(unitState, is(u.State() == name), name)
	}
	for _, exits := range u.Exits {
		put(unitExits, float64(exits.Count), exits.Result)
	}
	seen := u.Last.Unit
	if seen == nil {
		return
	}
	if seen.LoadState == "loaded" && strings.HasSuffix(u.Key.Unit, ".service") { // others have no such property
		put(unitNRestarts, float64(seen.NRestarts))
	}
	put(unitCrashLooping, is(u.CrashLooping(s.snapshot.Time)))
	if u.MainExit.Kind != "" {
		put(unitMainExitStatus, float64(u.MainExit.Status), u.MainExit.Kind)
	}
	if !seen.ActiveEnter.IsZero() {
		put(unitActiveEnter, timestamp(seen.ActiveEnter))
	}
	if seen.MemoryBytes != nil {
		put(unitMemory, float64(*seen.MemoryBytes))
	}
	if seen.Tasks != nil {
		put(unitTasks, float64(*seen.Tasks))
	}
}
