package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

// fleet is a service of targets a, b … with one check each, which says what runs.
func fleet(targets ...string) state.Service {
	service := state.Service{Name: "shop", Release: "check health", Credentials: []string{"admin"}}
	for _, target := range targets {
		service.Targets = append(service.Targets, state.Target{URL: target})
		service.Checks = append(service.Checks, probe.Check{Key: ofTarget(target)})
	}
	return service
}

func ofTarget(target string) probe.Key {
	return probe.Key{Service: "shop", Target: target, Check: "health"}
}

// says is a target's answer at so many seconds after noon.
func says(at float64, target, release string) func(*state.Store) {
	return func(s *state.Store) {
		s.Fold(probe.Result{Key: ofTarget(target), Start: seconds(at), Release: release})
	}
}

func file(at float64, release string) func(*state.Store) {
	return func(s *state.Store) { s.FoldRelease("shop", release, seconds(at)) }
}

func configured(service state.Service) func(*state.Store) {
	return func(s *state.Store) { s.Apply([]state.Service{service}) }
}

func TestTheReleaseIsTheOneFirstSeenLast(t *testing.T) {
	elsewhere := fleet("a", "b")
	elsewhere.Release = "file VERSION"
	for _, row := range []struct {
		name  string
		after []func(*state.Store)
		want  string // name, and since how many seconds after noon
	}{
		{"nothing is known", nil, ""},
		{"a target that does not say", []func(*state.Store){says(1, "a", "")}, ""},
		{"a name of nothing but space", []func(*state.Store){says(1, "a", " \n")}, ""},
		{"the first answer", []func(*state.Store){says(1, "a", "1.0"), says(2, "a", "1.0")}, "1.0 since 1"},
		{"what cannot be read changes nothing", []func(*state.Store){says(1, "a", "1.0"), says(2, "a", ""), says(3, "a", "1.0")}, "1.0 since 1"},
		{"another release", []func(*state.Store){says(1, "a", "1.0"), says(2, "a", "1.1")}, "1.1 since 2"},
		{
			"the first target of a rolling deployment",
			[]func(*state.Store){says(1, "a", "1.0"), says(2, "b", "1.0"), says(3, "a", "1.1"), says(4, "b", "1.0")}, "1.1 since 3",
		},
		{
			"the last one",
			[]func(*state.Store){says(1, "a", "1.0"), says(2, "b", "1.0"), says(3, "a", "1.1"), says(4, "b", "1.0"), says(5, "b", "1.1")}, "1.1 since 3",
		},
		{
			"a copy of the old release that comes late is no news",
			[]func(*state.Store){says(1, "a", "1.0"), says(2, "b", "1.1"), says(3, "c", "1.0")}, "1.1 since 2",
		},
		{
			"rolled back before all had it",
			[]func(*state.Store){says(1, "a", "1.0"), says(2, "b", "1.0"), says(3, "a", "1.1"), says(5, "a", "1.0")}, "1.0 since 1",
		},
		{
			"rolled back after all had it",
			[]func(*state.Store){says(1, "a", "1.0"), says(2, "b", "1.0"), says(3, "a", "1.1"), says(4, "b", "1.1"), says(5, "a", "1.0")}, "1.0 since 5",
		},
		{
			"the only target that had it has gone",
			[]func(*state.Store){says(1, "a", "1.0"), says(2, "b", "1.1"), configured(fleet("a", "c"))}, "1.0 since 1",
		},
		{
			"all copies are new ones, one after the other",
			[]func(*state.Store){says(1, "a", "1.0"), configured(fleet("a", "b")), says(2, "b", "1.1"), configured(fleet("b", "c")), says(3, "c", "1.1")}, "1.1 since 2",
		},
		{"of a file", []func(*state.Store){file(1, "1.0\n"), file(2, "1.0"), file(3, "")}, "1.0 since 1"},
		{"another one of a file", []func(*state.Store){file(1, "1.0"), file(2, "1.1")}, "1.1 since 2"},
		{"of a service that is none", []func(*state.Store){func(s *state.Store) { s.FoldRelease("other", "1.0", noon) }}, ""},
		{"kept by a change that leaves where it is read", []func(*state.Store){says(1, "a", "1.0"), configured(fleet("a", "b"))}, "1.0 since 1"},
		{"forgotten when it is read elsewhere", []func(*state.Store){says(1, "a", "1.0"), file(2, "1.1"), configured(elsewhere)}, ""},
		{"cut and cleaned as a label is", []func(*state.Store){says(1, "a", "\xff"+strings.Repeat("a", 200))}, "\uFFFD" + strings.Repeat("a", 125) + " since 1"},
		{"a name too long is still the same", []func(*state.Store){says(1, "a", strings.Repeat("a", 200)), says(2, "a", strings.Repeat("a", 300))}, strings.Repeat("a", 128) + " since 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(fleet("a", "b", "c"))
			for _, does := range row.after {
				does(store)
			}
			got := ""
			if release := store.Snapshot(noon).Services[0].Release; release != (state.Release{}) {
				got = fmt.Sprintf("%s since %v", release.Name, release.Since.Sub(noon).Seconds())
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("release (-want +got):\n%s", diff)
			}
		})
	}
}
