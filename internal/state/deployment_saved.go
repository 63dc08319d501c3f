package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"postflight/internal/verdict"
)

// maxReleases is how many releases that run at once are saved, of a service whose targets do not agree.
const maxReleases = 16

// savedService is what outlives the process of a service, beside its units.
type savedService struct {
	Service string `json:"service"`

	ReleaseFrom  string    `json:"release_from,omitempty"` // where the release is read, in any words
	Release      Release   `json:"release,omitzero"`       // that was told last
	Running      []Release `json:"running,omitempty"`
	PausedUntil  time.Time `json:"paused_until,omitzero"`
	FailingSince time.Time `json:"failing_since,omitzero"`

	Count     map[verdict.Source]uint64 `json:"deployments,omitempty"`
	Verdicts  map[verdict.State]uint64  `json:"verdicts,omitempty"`
	Rollbacks Rollbacks                 `json:"rollbacks,omitzero"`
	Duration  Histogram                 `json:"duration,omitzero"`
	Detection Histogram                 `json:"detection,omitzero"`
	Recovery  Histogram                 `json:"recovery,omitzero"`
	History   []Deployment              `json:"history,omitempty"` // the newest first
}

// appendServices adds what is saved of the services to the JSON object that text is. Of the histories, which are long and of
// which little changes, it writes what has changed: with fifty verifications each of twenty services, writing all
// of them again every second would take a tenth of that second.
func (s *Store) appendServices(text []byte) []byte {
	var services [][]byte
	for _, entry := range s.services {
		if saved, known := entry.saved(); known {
			services = append(services, appendList(marshal(saved), "history", entry.record.write()))
		}
	}
	return appendList(text, "services", services)
}

// saved is what is saved of a service, but for its history; known: there is something to save.
func (s *serviceEntry) saved() (all savedService, known bool) {
	r := s.record
	d := r.deployments
	all = savedService{
		Service:     s.name,
		ReleaseFrom: s.releaseFrom, Release: r.release, Running: s.running(),
		PausedUntil: r.pausedUntil, FailingSince: r.outage.since,
		Count: d.Count, Verdicts: d.Verdicts, Rollbacks: d.Rollbacks,
		Duration: d.Duration, Detection: d.Detection, Recovery: d.Recovery,
	}
	known = len(d.History) > 0 || r.release != Release{} || !r.pausedUntil.IsZero() || !r.outage.since.IsZero() || d.Recovery != Histogram{}
	return all, known
}

// running are the releases that run now, or ran when postflight was stopped: the newest first.
func (s *serviceEntry) running() []Release {
	all := slices.Clone(s.record.earlier)
	for r := range s.releases {
		if r.Name == "" || slices.Contains(all, *r) {
			continue
		}
		if all = append(all, *r); len(all) == 2*maxReleases { // each target may name another one, and there may be thousands
			all = newestReleases(all)
		}
	}
	return newestReleases(all)
}

func newestReleases(all []Release) []Release {
	slices.SortFunc(all, func(a, b Release) int { return b.Since.Compare(a.Since) })
	return all[:min(len(all), maxReleases)]
}

// write gives the history as it is saved.
func (r *record) write() [][]byte {
	for i, d := range r.deployments.History {
		if r.written[i] == nil {
			r.written[i] = marshal(fitted(d, max(i, 1)))
		}
	}
	return r.written
}

func marshal(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("writing the state: %v", err)) // there is no value in it that JSON has no words for
	}
	return text
}

// appendList adds a list to the JSON object that text is, if there is anything in it.
func appendList(text []byte, name string, list [][]byte) []byte {
	if len(list) == 0 {
		return text
	}
	size := len(name) + len(`,"":[]}`)
	for _, item := range list {
		size += len(item) + 1
	}
	text = fmt.Appendf(slices.Grow(text[:len(text)-1], size), ",%q:[", name)
	for i, item := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, item...)
	}
	return append(text, "]}"...)
}

// restoredService is what was saved of a service; nil: nothing was.
type restoredService savedService

// entry is what a service that was not configured before begins with.
func (r *restoredService) entry(service Service) *serviceEntry {
	entry := &serviceEntry{releaseFrom: service.Release, record: &record{}}
	if r == nil {
		return entry
	}
	entry.releaseFrom = r.ReleaseFrom
	entry.record = &record{
		deployments: Deployments{
			History: r.History, Count: r.Count, Verdicts: r.Verdicts, Rollbacks: r.Rollbacks,
			Duration: r.Duration, Detection: r.Detection, Recovery: r.Recovery,
		},
		written:     make([][]byte, len(r.History)),
		verifying:   slices.ContainsFunc(r.History, undecided),
		pausedUntil: r.PausedUntil,
		outage:      outage{since: r.FailingSince},
		release:     r.Release,
		earlier:     r.Running,
	}
	return entry
}

// restoredServices finds what was saved of each service.
func (s *saved) restoredServices() (map[string]*restoredService, error) {
	services := map[string]*restoredService{}
	for i := range s.Services {
		found := &s.Services[i]
		if services[found.Service] != nil {
			return nil, fmt.Errorf("the state is not as it was written: service %q is there twice", found.Service)
		}
		if err := found.check(); err != nil {
			return nil, fmt.Errorf("the state is not as it was written: service %q: %w", found.Service, err)
		}
		services[found.Service] = (*restoredService)(found)
	}
	return services, nil
}

// check says what in a service cannot be, and would break what is built on it.
func (s *savedService) check() error {
	switch {
	case len(s.History) > maxDeployments:
		return fmt.Errorf("%d deployments", len(s.History))
	case len(s.Running) > maxReleases:
		return fmt.Errorf("%d releases at once", len(s.Running))
	case min(s.Duration.Sum, s.Detection.Sum, s.Recovery.Sum) < 0:
		return errors.New("durations whose sum is negative")
	}
	ids := map[string]bool{}
	for _, d := range s.History {
		if ids[d.ID] {
			return fmt.Errorf("deployment %q is there twice", d.ID)
		}
		ids[d.ID] = true
		if err := d.check(s.Service); err != nil {
			return fmt.Errorf("deployment %q: %w", d.ID, err)
		}
	}
	return nil
}

// check says what in a verification cannot be.
func (d *Deployment) check(service string) error {
	switch {
	case d.ID == "":
		return errors.New("it has no id")
	case d.Service != service:
		return fmt.Errorf("it is of service %q", d.Service)
	case !slices.Contains(VerificationStates[1:], d.State):
		return fmt.Errorf("no verification is %q", d.State)
	case !slices.Contains(RollbackStates[:], d.Rollback.State):
		return fmt.Errorf("no rollback is %q", d.Rollback.State)
	}
	return nil
}
