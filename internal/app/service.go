package app

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"postflight/internal/builtin"
	"postflight/internal/config"
	"postflight/internal/credentials"
	"postflight/internal/discovery"
	"postflight/internal/schedule"
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
	found       discovery.Found
	jobs        []*job
}

// job is a probe.Job, when it is due, and how long it lives.
type job struct {
	*probe.Job
	check    probe.Check
	schedule schedule.Schedule

	ctx  context.Context // ends when the job is no longer wanted: its probe ends quietly
	drop context.CancelFunc

	withheld bool // the target does not get the credentials that the check is made with
}

// targets are the configured ones, then those that lists name.
func (s *service) targets() []state.Target {
	targets := make([]state.Target, 0, len(s.config.Targets)+len(s.found.Targets))
	known := make(map[string]bool, cap(targets))
	for _, url := range s.config.Targets {
		known[url] = true
		targets = append(targets, state.Target{URL: url})
	}
	for _, found := range s.found.Targets {
		if known[found.URL] {
			continue
		}
		known[found.URL] = true
		target := state.Target{URL: found.URL, Labels: make([]state.Label, len(found.Labels))}
		for i, label := range found.Labels {
			target.Labels[i] = state.Label(label)
		}
		targets = append(targets, target)
	}
	return targets
}

// described is what the store wants to know of it.
func (s *service) described() state.Service {
	described := state.Service{
		Name: s.config.Name, Units: s.config.Units, Targets: s.targets(), Lists: s.lists != nil, Release: releaseSource(s.config.Release),
	}
	for _, j := range s.jobs {
		described.Checks = append(described.Checks, j.check)
	}
	for name := range s.credentials {
		described.Credentials = append(described.Credentials, name)
	}
	return described
}

// succeed makes the service that takes the place of before, which may be nil. What is the same in both goes over.
func (e *engine) succeed(before *service, c config.Service) *service {
	if before == nil {
		before = &service{}
	}
	s := &service{config: c, credentials: map[string]*credentials.Set{}}
	sameClient := before.client != nil && c.TLS.Same(before.config.TLS)
	if sameClient {
		s.client = before.client
	} else {
		s.client = httpprobe.NewClient(e.options.version)
		if c.TLS != nil {
			s.client = s.client.WithTLS(c.TLS.Config)
		}
	}
	for name, options := range c.Credentials {
		kept := before.credentials[name]
		if kept == nil || !sameClient || !config.SameCredentials(options, before.config.Credentials[name]) {
			kept = credentials.New(name, options, s.client)
		}
		s.credentials[name] = kept
	}
	lists := e.listsOf(c)
	switch {
	case len(c.Files)+len(c.HTTP) == 0:
	case before.lists != nil && reflect.DeepEqual(lists, before.lists.lists):
		s.lists, s.found = before.lists, before.found
	default: // what was found stays until the new lists have been read
		s.lists, s.found = e.newListWatch(c.Name, lists), before.found
	}
	s.makeJobs(e, before)
	return s
}

// with makes the service anew with other targets from its lists.
func (s *service) with(e *engine, found discovery.Found) *service {
	next := *s
	next.found = found
	next.makeJobs(e, s)
	return &next
}

// makeJobs makes the jobs of each check of each target, and keeps those that before has of the same.
func (s *service) makeJobs(e *engine, before *service) {
	known := make(map[probe.Key]*job, len(before.jobs))
	for _, j := range before.jobs {
		known[j.Key] = j
	}
	same := s.sameChecks(before)
	targets := s.targets()
	s.jobs = make([]*job, 0, len(targets)*len(s.config.Checks))
	now := time.Now()
	for _, target := range targets {
		for _, check := range s.config.Checks {
			key := probe.Key{Service: s.config.Name, Target: target.URL, Check: check.Name}
			withheld := s.withholds(target.URL, check)
			old := known[key]
			if old != nil && same[check.Name] && old.withheld == withheld {
				s.jobs = append(s.jobs, old)
				continue
			}
			j := &job{
				check: probe.Check{
					Key: key, Use: check.Use, Critical: check.Critical, Interval: check.Schedule.Interval(now), Metrics: metricsOf(check),
				},
				schedule: check.Schedule,
				withheld: withheld,
				Job:      &probe.Job{Key: key, Prober: s.prober(key, check, withheld), Timeout: check.Timeout, MinInterval: check.MinInterval},
			}
			j.ctx, j.drop = context.WithCancel(e.ctx)
			if old != nil {
				j.Succeed(old.Job)
			}
			s.jobs = append(s.jobs, j)
		}
	}
}

// sameChecks names the checks that are as they were before.
func (s *service) sameChecks(before *service) map[string]bool {
	was := make(map[string]config.Check, len(before.config.Checks))
	for _, check := range before.config.Checks {
		was[check.Name] = check
	}
	same := make(map[string]bool, len(s.config.Checks))
	for _, check := range s.config.Checks {
		if old, there := was[check.Name]; there {
			same[check.Name] = s.config.SameCheck(check, before.config, old)
		}
	}
	return same
}

// prober makes the prober of a check of a target.
func (s *service) prober(key probe.Key, check config.Check, withheld bool) probe.Prober {
	c := requestsOf(check, s.grants(key.Target, check, withheld))
	c.Key, c.Timeout = key, check.Timeout
	c.Reuse, c.FollowRedirects = check.ReuseConnections, check.FollowRedirects
	return s.client.Prober(c)
}

// requestsOf are what a check asks.
func requestsOf(check config.Check, granted httpprobe.Credentials) httpprobe.Check {
	request := check.Request
	if check.Tokens != nil {
		return builtin.Auth{
			Path:        request.Path,
			Header:      request.Header,
			Tokens:      check.Tokens,
			SigningKey:  func() (string, error) { return signingKey(check) },
			Credentials: granted,
			MaxDuration: request.Expect.MaxDuration,
		}.Check()
	}
	return httpprobe.Check{Requests: []httpprobe.Request{{
		Name:        check.Name,
		Method:      request.Method,
		Path:        request.Path,
		Header:      request.Header,
		Body:        request.Body,
		Credentials: granted,
		Expect:      request.Expect,
	}}}
}

// signingKey is the one that is given, or else what its file holds now.
func signingKey(check config.Check) (string, error) {
	if check.SigningKeyFile == "" {
		return string(check.SigningKey), nil
	}
	key, err := httpprobe.ReadSecret("signing key", check.SigningKeyFile)
	return strings.TrimRight(key, "\r\n"), err
}

func metricsOf(check config.Check) []*probe.Metric {
	var metrics []*probe.Metric
	for _, reading := range check.Request.Expect.Values {
		metrics = append(metrics, reading.Metric)
	}
	return metrics
}

// withholds reports whether a target does not get the credentials of a check: one that only a list names gets them if they
// allow it.
func (s *service) withholds(target string, check config.Check) bool {
	name := check.Request.Credentials
	return name != "" && !s.trusts(target, s.config.Credentials[name])
}

func (s *service) trusts(target string, options credentials.Options) bool {
	return slices.Contains(s.config.Targets, target) || options.Allows(target)
}

// grants are the credentials that a check of a target is made with, nil for none.
func (s *service) grants(target string, check config.Check, withheld bool) httpprobe.Credentials {
	name := check.Request.Credentials
	switch set := s.credentials[name]; {
	case withheld:
		return withheldCredentials(name)
	case set == nil:
		return nil
	default:
		return set.For(target)
	}
}

// withheldCredentials are those of this name, which a target does not get.
type withheldCredentials string

// Grant gives nothing.
func (w withheldCredentials) Grant(context.Context) (httpprobe.Grant, error) {
	return httpprobe.Grant{}, fmt.Errorf("credentials %s are not sent to a target that only a list names; name it under their allowed_targets, if it may have them", string(w))
}

// Refused has nothing else.
func (withheldCredentials) Refused(context.Context, httpprobe.Grant) (httpprobe.Grant, bool) {
	return httpprobe.Grant{}, false
}

// tellIssuers tells the credentials which targets there are to log in at.
func (s *service) tellIssuers() {
	targets := s.targets()
	for name, set := range s.credentials {
		var trusted []string
		for _, target := range targets {
			if s.trusts(target.URL, s.config.Credentials[name]) {
				trusted = append(trusted, target.URL)
			}
		}
		set.SetTargets(trusted)
	}
}
