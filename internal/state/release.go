package state

import (
	"strings"
	"time"
)

// Release is the release that runs, and when it was first seen. An empty name: none is known.
type Release struct {
	Name  string
	Since time.Time
}

// FoldRelease takes up which release a service's release file names.
func (s *Store) FoldRelease(service, release string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry := s.service(service); entry != nil {
		entry.foldRelease(&entry.fileRelease, release, at)
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
	for other := range s.releases {
		if other.Name == name {
			found = *other
		}
	}
	*source = found
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
}
