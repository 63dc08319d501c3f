package app

import (
	"context"
	"time"

	"postflight/internal/builtin"
	"postflight/internal/config"
	"postflight/internal/schedule"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// job is a probe.Job, when it is due, and how long it lives.
type job struct {
	*probe.Job
	check    probe.Check
	schedule schedule.Schedule

	ctx context.Context // ends when the job is no longer wanted
	end context.CancelFunc

	trusted bool // the target gets the secrets that the check is made with
}

// makeJobs makes the jobs of each check of each target, and takes over those that before has of the same.
func (s *service) makeJobs(e *engine, before *service) []*job {
	known := make(map[probe.Key]*job, len(before.jobs))
	for _, j := range before.jobs {
		known[j.Key] = j
	}
	same := s.sameChecks(before)
	jobs := make([]*job, 0, len(s.targets)*len(s.config.Checks))
	for i, target := range s.targets {
		for _, check := range s.config.Checks {
			key := probe.Key{Service: s.config.Name, Target: target.URL, Check: check.Name}
			trusted := s.trusts(i, check.Request.Credentials)
			old := known[key]
			if old == nil || !same[check.Name] || old.trusted != trusted {
				old = s.makeJob(e.ctx, key, check, trusted, old)
			}
			jobs = append(jobs, old)
		}
	}
	return jobs
}

// makeJob makes the job of a check. It takes the place of old, which may be nil.
func (s *service) makeJob(life context.Context, key probe.Key, check config.Check, trusted bool, old *job) *job {
	j := &job{
		Job: &probe.Job{Key: key, Prober: s.prober(key, check, trusted), Timeout: check.Timeout, MinInterval: check.MinInterval},
		check: probe.Check{
			Key: key, Use: check.Use, Critical: check.Critical, Interval: check.Schedule.Interval(time.Now()), Metrics: metricsOf(check),
		},
		schedule: check.Schedule,
		trusted:  trusted,
	}
	j.ctx, j.end = context.WithCancel(life)
	if old != nil {
		j.Succeed(old.Job)
	}
	return j
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
func (s *service) prober(key probe.Key, check config.Check, trusted bool) probe.Prober {
	c := requestsOf(check, s.grants(key.Target, check, trusted), trusted)
	c.Key, c.Timeout = key, check.Timeout
	c.Reuse, c.FollowRedirects = check.ReuseConnections, check.FollowRedirects
	return s.client.Prober(c)
}

// requestsOf are what a check asks.
func requestsOf(check config.Check, granted httpprobe.Credentials, trusted bool) httpprobe.Check {
	request := check.Request
	if check.Tokens != nil {
		return builtin.Auth{
			Path:        request.Path,
			Header:      request.Header,
			Tokens:      check.Tokens,
			SigningKey:  func() (string, error) { return signingKey(check, trusted) },
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

func metricsOf(check config.Check) []*probe.Metric {
	var metrics []*probe.Metric
	for _, reading := range check.Request.Expect.Values {
		metrics = append(metrics, reading.Metric)
	}
	return metrics
}
