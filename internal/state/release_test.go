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

func TestAnotherReleaseIsTold(t *testing.T) {
	elsewhere := fleet("a", "b")
	elsewhere.Release = "file VERSION"
	type lives [][]func(*state.Store)
	same := fleet("a", "b")
	for _, row := range []struct {
		name  string
		lives lives // of postflight, the later ones as it is configured then
		then  state.Service
		want  []string
	}{
		{"the first one is no news", lives{{says(1, "a", "1.0"), says(2, "b", "1.0"), says(3, "a", "1.0")}}, same, nil},
		{"another one is", lives{{says(1, "a", "1.0"), says(2, "a", "1.1"), says(3, "a", "1.1")}}, same, []string{"1.1 since 2 after 1.0"}},
		{"of a file", lives{{file(1, "1.0"), file(2, "1.1"), file(3, ""), file(4, "1.1")}}, same, []string{"1.1 since 2 after 1.0"}},
		{
			"a rolling deployment is one",
			lives{{says(1, "a", "1.0"), says(2, "b", "1.0"), says(3, "a", "1.1"), says(4, "b", "1.0"), says(5, "b", "1.1")}}, same,
			[]string{"1.1 since 3 after 1.0"},
		},
		{
			"rolled back before all had it",
			lives{{says(1, "a", "1.0"), says(2, "b", "1.0"), says(3, "a", "1.1"), says(5, "a", "1.0")}}, same,
			[]string{"1.1 since 3 after 1.0", "1.0 since 1 after 1.1"},
		},
		{
			"rolled back after all had it",
			lives{{says(1, "a", "1.0"), says(3, "a", "1.1"), says(5, "a", "1.0")}}, same,
			[]string{"1.1 since 3 after 1.0", "1.0 since 5 after 1.1"},
		},
		{
			"the only target that had it goes, and another comes",
			lives{{says(1, "a", "1.0"), says(2, "b", "1.1"), configured(fleet("a", "c")), says(3, "c", "1.1")}}, same,
			[]string{"1.1 since 2 after 1.0"},
		},
		{"read elsewhere, it is the first", lives{{says(1, "a", "1.0"), configured(elsewhere), file(2, "v1.0")}}, same, nil},

		{"postflight was restarted", lives{{says(1, "a", "1.0")}, {says(60, "a", "1.0"), says(61, "b", "1.0")}}, same, nil},
		{
			"there was another one meanwhile",
			lives{{says(1, "a", "1.0"), says(1, "b", "1.0")}, {says(60, "a", "1.1"), says(61, "b", "1.0"), says(70, "b", "1.1")}}, same,
			[]string{"1.1 since 60 after 1.0"},
		},
		{
			"of a file, there was another one meanwhile", lives{{file(1, "1.0")}, {file(60, "1.1")}}, same, []string{"1.1 since 60 after 1.0"},
		},
		{
			"two run all the time",
			lives{{says(1, "a", "1.0"), says(2, "b", "1.1")}, {says(60, "a", "1.0"), says(61, "b", "1.1"), says(75, "a", "1.0"), says(80, "a", "1.2")}}, same,
			[]string{"1.1 since 2 after 1.0", "1.2 since 80 after 1.1"},
		},
		{
			"rolled back meanwhile: it is told once nobody can have it any more",
			lives{{says(1, "a", "1.0"), says(2, "b", "1.1")}, {says(60, "a", "1.0")}, {says(70, "a", "1.0"), says(71, "b", "1.0")}}, same,
			[]string{"1.1 since 2 after 1.0", "1.0 since 1 after 1.1"},
		},
		{
			"restarted again before all was read",
			lives{{says(1, "a", "1.0"), says(2, "b", "1.1")}, {}, {says(60, "a", "1.0")}, {says(70, "a", "1.0"), says(71, "b", "1.1")}}, same,
			[]string{"1.1 since 2 after 1.0"},
		},
		{"restarted, and then read elsewhere", lives{{says(1, "a", "1.0")}, {file(60, "v1.0"), file(70, "v1.1")}}, elsewhere, []string{"v1.1 since 70 after v1.0"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			listen := func(s *state.Store) {
				s.SubscribeRelease(func(service string, now, before state.Release) {
					if service != "shop" {
						t.Errorf("of service %q", service)
					}
					got = append(got, fmt.Sprintf("%s since %v after %s", now.Name, now.Since.Sub(noon).Seconds(), before.Name))
				})
			}
			service, saved := fleet("a", "b"), []byte(nil)
			for _, life := range row.lives {
				store := state.New()
				if saved != nil {
					service = row.then
					if err := store.Restore(saved); err != nil {
						t.Fatal(err)
					}
				}
				store.Apply([]state.Service{service})
				listen(store)
				for _, does := range life {
					does(store)
				}
				saved = store.Save()
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}
