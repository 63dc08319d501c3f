package app

import (
	"slices"

	"postflight/internal/config"
	"postflight/internal/state"
	"postflight/probe"
)

// apply makes a configuration the one in effect. It cannot fail: whatever can has been found when it was read.
func (e *engine) apply(c *config.Config) {
	e.changing.Lock()
	defer e.changing.Unlock()
	before := make(map[string]*service, len(e.services))
	for _, s := range e.services {
		before[s.config.Name] = s
	}
	next := make([]*service, len(c.Services))
	for i, configured := range c.Services {
		next[i] = e.succeed(before[configured.Name], configured)
	}
	e.commit(next)
}

// commit puts services in the place of those that there were. Probes of what is gone end first, and quietly, so that a check
// that is another one now gets no result of what it was. Whoever calls it holds changing.
func (e *engine) commit(next []*service) {
	before := e.services
	e.services = next
	kept := e.partsOf(next)
	described := make([]state.Service, len(next))
	var units []probe.Key
	for i, s := range next {
		s.tellIssuers()
		described[i] = s.described(e.options.logs)
		units = append(units, s.units()...)
	}
	e.runner.Drop(func() {
		for _, j := range jobsOf(before) {
			if !kept[j] {
				j.end()
			}
		}
	})
	e.loseSight(before, kept, units)
	e.rechecks.set(next)
	e.store.Apply(described)
	e.watchUnits(units)
	e.watchLogs(next, units)
	e.arrange()
	for _, s := range before {
		if s.lists != nil && !kept[s.lists] {
			s.lists.stop()
		}
		if !kept[s.client] {
			s.client.Close()
		}
	}
	e.startLists()
}

// partsOf is what services are made of: jobs, lists and clients.
func (e *engine) partsOf(services []*service) map[any]bool {
	parts := map[any]bool{e.client: true}
	for _, s := range services {
		parts[s.lists], parts[s.client] = true, true
	}
	for _, j := range jobsOf(services) {
		parts[j] = true
	}
	return parts
}

// loseSight tells verifications of the checks and units that they began with, and that are no longer looked at.
func (e *engine) loseSight(before []*service, kept map[any]bool, units []probe.Key) {
	for _, s := range before {
		for _, f := range e.verificationsOf(s.config.Name) {
			for _, j := range s.jobs {
				if !kept[j] {
					f.Lose(j.Key)
				}
			}
			for _, unit := range s.units() {
				if !slices.Contains(units, unit) {
					f.Lose(unit)
				}
			}
		}
	}
}
