package exporter

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// deployments tells what is known of a service's deployments.
func (s *scrape) deployments(service state.ServiceState) {
	if !s.isTurnOfOne(deploymentInfo, servicePaused) {
		return
	}
	name, known := service.Name, service.Deployments
	if release := service.NewestRelease(); release != "" {
		s.put(deploymentInfo, 1, name, release)
	}
	s.newest(name, known.Newest())
	s.causes(name, known.NewestVerdict())
	for _, source := range []verdict.Source{verdict.API, verdict.CLI, verdict.Detected} {
		s.put(deploymentsTotal, float64(known.Count[source]), name, source)
	}
	for _, v := range []verdict.State{verdict.Passed, verdict.Failed, verdict.Inconclusive} {
		s.put(verificationsTotal, float64(known.Verdicts[v]), name, string(v))
	}
	s.put(rollbacksTotal, float64(known.Rollbacks.Succeeded), name, string(verdict.RollbackSucceeded))
	s.put(rollbacksTotal, float64(known.Rollbacks.Failed), name, string(verdict.RollbackFailed))
	s.putDurations(verificationDuration, known.Duration, name)
	s.putDurations(verificationDetection, known.Detection, name)
	s.putDurations(serviceRecovery, known.Recovery, name)
	s.put(servicePaused, is(!service.PausedUntil.IsZero()), name)
}

// newest tells how the newest deployment stands; nil: there is none.
func (s *scrape) newest(service string, d *state.Deployment) {
	verification, rollback := state.VerificationStates[0], state.RollbackStates[0]
	if d != nil {
		verification, rollback = d.State, d.Rollback.State
		s.put(deploymentTimestamp, timestamp(d.StartedAt), service)
	}
	for _, one := range state.VerificationStates {
		s.put(verificationState, is(one == verification), service, string(one))
	}
	for _, one := range state.RollbackStates {
		s.put(rollbackState, is(one == rollback), service, string(one))
	}
}

// causes tells what the newest verdict names, each once; nil: there is none.
func (s *scrape) causes(service string, d *state.Deployment) {
	if d == nil {
		return
	}
	for i, f := range d.Causes {
		if slices.IndexFunc(d.Causes, func(g verdict.Finding) bool { return g.Cause == f.Cause }) == i {
			s.put(verificationCause, 1, service, string(f.Cause))
		}
	}
}

// noDesc describes nothing: the name and the labels of a histogram are told with it.
var noDesc = prometheus.NewDesc("of_several", "", nil, nil)

func (s *scrape) putDurations(id metricID, h state.Histogram, service string) {
	if !s.isTurnOf(id) {
		return
	}
	count, upTo := uint64(0), make(map[float64]uint64, len(state.DurationBounds))
	for i, bound := range state.DurationBounds {
		count += h.Counts[i]
		upTo[bound] = count
	}
	count += h.Counts[len(state.DurationBounds)]
	s.putHistogram(id, prometheus.MustNewConstHistogram(noDesc, count, h.Sum, upTo), service)
}
