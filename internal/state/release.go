package state

import (
	"slices"
	"strings"
	"time"
)

// Release is the release that runs, and when it was first seen. An empty name: none is known.
type Release struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
}

// SubscribeRelease calls f when another release of a service than before has been seen: not for the first one that ever
// is, but for one that is another than what was restored. What holds for f of Subscribe holds here.
func (s *Store) SubscribeRelease(f func(service string, now, before Release)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.released = append(s.released, f)
}

// NewestRelease is the release of the newest deployment, or the one that was seen to run after that; empty: none is known.
// It is fit for a label.
func (s ServiceState) NewestRelease() string {
	named := s.Deployments.find(func(d Deployment) bool { return d.Release != "" })
	if named == nil || s.Release.Since.After(named.StartedAt) {
		return s.Release.Name
	}
	return cleanLabel(named.Release)
}

// FoldRelease takes up which release a service's release file names.
func (s *Store) FoldRelease(service, release string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.service(service); entry != nil {
		entry.foldRelease(&entry.fileRelease, release, at)
		s.tellRelease(entry)
	}
}

// foldRelease takes up that a source (a target, or the file) names a release. One that names none has changed nothing.
//
// A release is new where no other source names it: then it is seen for the first time, or again after it had gone. So the
// targets of a rolling deployment, which change one after the other, bring one release, at one time.
func (s *serviceEntry) foldRelease(source *Release, name string, at time.Time) {
	if name == "" || name == source.Name {
		return
	}
	if name = cleanLabel(strings.TrimSpace(name)); name == "" || name == source.Name {
		return
	}
	found := Release{Name: name, Since: at}
	for _, earlier := range s.record.earlier {
		if earlier.Name == name {
			found = earlier
		}
	}
	for other := range s.releases {
		if other.Name == name {
			found = *other
		}
	}
	*source = found
	s.releaseMoved = true
}

// tellRelease tells of another release than the last one that was told of.
//
// After postflight was stopped the sources are read one after the other. One that names an older release than the last
// need not have been changed: another one that has not been read yet may still name that.
func (s *Store) tellRelease(entry *serviceEntry) {
	if !entry.releaseMoved {
		return
	}
	entry.releaseMoved = false
	r, now, before := entry.record, entry.release(), entry.record.release
	if entry.hasReadReleases() {
		r.earlier = nil
	}
	s.changed(true)
	if now.Name == before.Name || r.earlier != nil && !now.Since.After(before.Since) {
		return
	}
	r.release = now
	if before.Name == "" {
		return
	}
	for _, f := range s.released {
		f(entry.name, now, before)
	}
}

// hasReadReleases reports whether each source has named a release: the file, or every target.
func (s *serviceEntry) hasReadReleases() bool {
	silent := func(t *targetEntry) bool { return t.release.Name == "" }
	return s.fileRelease.Name != "" || !slices.ContainsFunc(s.entries, silent)
}

// release is the newest of those that are named.
func (s *serviceEntry) release() Release {
	var newest Release
	for r := range s.releases {
		if r.Since.After(newest.Since) {
			newest = *r
		}
	}
	return newest
}

// releases yields what each source names, also where that is nothing.
func (s *serviceEntry) releases(yield func(*Release) bool) {
	for _, t := range s.entries {
		if !yield(&t.release) {
			return
		}
	}
	yield(&s.fileRelease)
}

func (s *serviceEntry) forgetReleases() {
	for r := range s.releases {
		*r = Release{}
	}
	s.record.release, s.record.earlier = Release{}, nil
}
