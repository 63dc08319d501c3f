package app

import (
	"reflect"

	"postflight/internal/config"
	"postflight/internal/credentials"
	"postflight/internal/discovery"
	"postflight/internal/state"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// service is one service as it is looked at now. It is never changed: another takes its place.
type service struct {
	config      config.Service
	client      *httpprobe.Client
	credentials map[string]*credentials.Set
	lists       *listWatch // nil: it has no target lists
	found       []discovery.Target
	targets     []state.Target // the configured ones, then those that only lists name
	jobs        []*job
}

// succeed makes the service that takes the place of before, which may be nil. What is the same in both goes over.
func (e *engine) succeed(before *service, c config.Service) *service {
	if before == nil {
		before = &service{}
	}
	s := &service{config: c, client: e.clientOf(c, before), credentials: map[string]*credentials.Set{}}
	for name, options := range c.Credentials {
		kept := before.credentials[name]
		if kept == nil || s.client != before.client || !config.SameCredentials(options, before.config.Credentials[name]) {
			kept = credentials.New(name, options, s.client)
		}
		s.credentials[name] = kept
	}
	if lists := e.listsOf(c); len(lists.Files)+len(lists.HTTP) > 0 {
		s.found = before.found // until the lists have been read, if they are others now
		if s.lists = before.lists; s.lists == nil || !reflect.DeepEqual(lists, s.lists.lists) {
			s.lists = e.newListWatch(c.Name, lists, s.found)
		}
	}
	s.targets = targetsOf(c.Targets, s.found)
	s.jobs = s.makeJobs(e, before)
	return s
}

// with makes the service anew with other targets from its lists.
func (s *service) with(e *engine, found []discovery.Target) *service {
	next := *s
	next.found = found
	next.targets = targetsOf(s.config.Targets, found)
	next.jobs = next.makeJobs(e, s)
	return &next
}

func (e *engine) clientOf(c config.Service, before *service) *httpprobe.Client {
	switch {
	case c.TLS == nil:
		return e.client
	case c.TLS.Same(before.config.TLS):
		return before.client
	default:
		return e.client.WithTLS(c.TLS.Config)
	}
}

// targetsOf are the configured targets, then those that only lists name. What lists say of a configured one holds too.
func targetsOf(configured []string, found []discovery.Target) []state.Target {
	targets := make([]state.Target, len(configured), len(configured)+len(found))
	known := make(map[string]int, cap(targets))
	for i, url := range configured {
		targets[i].URL = url
		known[discovery.SameTarget(url)] = i
	}
	for _, f := range found {
		same := discovery.SameTarget(f.URL)
		i, twice := known[same]
		if !twice {
			i = len(targets)
			known[same] = i
			targets = append(targets, state.Target{URL: f.URL})
		}
		if targets[i].Labels == nil {
			targets[i].Labels = labelsOf(f)
		}
	}
	return targets
}

func labelsOf(found discovery.Target) []state.Label {
	labels := make([]state.Label, len(found.Labels))
	for i, label := range found.Labels {
		labels[i] = state.Label(label)
	}
	return labels
}

// described is what the store wants to know of it.
func (s *service) described(logs bool) state.Service {
	described := state.Service{
		Name: s.config.Name, Units: s.config.Units, Targets: s.targets, Lists: s.lists != nil, Release: releaseSource(s.config.Release),
		Checks: make([]probe.Check, len(s.jobs)),
	}
	for i, j := range s.jobs {
		described.Checks[i] = j.check
	}
	if logs && len(s.config.Units) > 0 {
		described.Patterns = s.config.Logs.Patterns()
	}
	for name := range s.credentials {
		described.Credentials = append(described.Credentials, name)
	}
	return described
}

func (s *service) units() []probe.Key {
	keys := make([]probe.Key, len(s.config.Units))
	for i, unit := range s.config.Units {
		keys[i] = probe.Key{Service: s.config.Name, Unit: unit}
	}
	return keys
}
