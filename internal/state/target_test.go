package state_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

func TestTargetsAreThoseOfTheConfiguration(t *testing.T) {
	service := fleet("b", "a")
	service.Targets[1].Labels = []state.Label{{Name: "zone", Value: "east"}}
	service.Targets = append(service.Targets, state.Target{URL: "b", Labels: []state.Label{{Name: "named", Value: "twice"}}})
	service.Checks = append(service.Checks, probe.Check{Key: ofTarget("of a check only")})
	store := applied(service)
	want := []state.Target{{URL: "b"}, {URL: "a", Labels: []state.Label{{Name: "zone", Value: "east"}}}, {URL: "of a check only"}}
	if diff := cmp.Diff(want, store.Snapshot(noon).Services[0].Targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}

	store.Apply([]state.Service{fleet("a")}) // whose labels have gone
	if diff := cmp.Diff([]state.Target{{URL: "a"}}, store.Snapshot(noon).Services[0].Targets); diff != "" {
		t.Errorf("targets after a change (-want +got):\n%s", diff)
	}
}

// decides is a probe that learns whether a target accepts the others' tokens.
func decides(target string, tokens probe.TokenConsistency) func(*state.Store) {
	return func(s *state.Store) { s.Fold(probe.Result{Key: ofTarget(target), Start: noon, Tokens: tokens}) }
}

func TestTokensAreConsistentWhereNoTargetRefuses(t *testing.T) {
	const undecided, consistent, inconsistent = probe.TokensUndecided, probe.TokensConsistent, probe.TokensInconsistent
	for _, row := range []struct {
		name  string
		after []func(*state.Store)
		want  probe.TokenConsistency
	}{
		{"nothing is known", nil, undecided},
		{"none could tell", []func(*state.Store){decides("a", undecided)}, undecided},
		{"one accepts, and of the other nothing is known", []func(*state.Store){decides("a", consistent)}, consistent},
		{"one accepts, the other refuses", []func(*state.Store){decides("a", consistent), decides("b", inconsistent)}, inconsistent},
		{"the decision outlives a probe that could not tell", []func(*state.Store){decides("a", inconsistent), decides("a", undecided)}, inconsistent},
		{"and not another decision", []func(*state.Store){decides("a", inconsistent), decides("a", consistent)}, consistent},
		{"nor is it another target's", []func(*state.Store){decides("a", inconsistent), decides("b", consistent)}, inconsistent},
		{"a change that takes no target leaves it", []func(*state.Store){decides("a", inconsistent), configured(fleet("c", "b", "a"))}, inconsistent},
		{"the target that refused has gone", []func(*state.Store){decides("a", inconsistent), configured(fleet("b"))}, undecided},
		{"the target whose tokens were refused may have gone", []func(*state.Store){decides("a", inconsistent), configured(fleet("a"))}, undecided},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(fleet("a", "b"))
			for _, does := range row.after {
				does(store)
			}
			if got := store.Snapshot(noon).Services[0].Tokens; got != row.want {
				t.Errorf("got %d, want %d", got, row.want)
			}
		})
	}
}

func TestTheLatestLoginAtEachTargetIsKept(t *testing.T) {
	login := func(credentials, target string, success bool) probe.Login {
		return probe.Login{Credentials: credentials, Target: target, Success: success}
	}
	service := fleet("a", "b")
	service.Credentials = []string{"admin", "reader"}
	store := applied(service)
	store.Fold(probe.Result{Key: ofTarget("a"), Start: noon, Logins: []probe.Login{
		login("admin", "a", false), login("admin", "a", true), login("admin", "b", false), login("reader", "a", true),
		login("unknown", "a", true), login("admin", "elsewhere", true),
	}})
	before := store.Snapshot(noon).Services[0].Logins
	want := []probe.Login{login("admin", "a", true), login("admin", "b", false), login("reader", "a", true)}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
	if last := store.Snapshot(noon).Services[0].Checks[0].Last; last.Logins != nil {
		t.Errorf("they are kept with the result too: %v", last.Logins)
	}

	store.Fold(probe.Result{Key: ofTarget("b"), Start: noon, Logins: []probe.Login{login("admin", "b", true)}})
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("the snapshot taken before has changed (-want +got):\n%s", diff)
	}
	store.Apply([]state.Service{fleet("b", "c")})
	if diff := cmp.Diff([]probe.Login{login("admin", "b", true)}, store.Snapshot(noon).Services[0].Logins); diff != "" {
		t.Errorf("after a change that leaves admin and b (-want +got):\n%s", diff)
	}
}

func TestDiscoveryIsOfServicesWithTargetLists(t *testing.T) {
	listed := fleet("a")
	listed.Lists = true
	read := state.Discovery{Targets: 1, LastSuccess: noon, Problem: "targets.json is gone"}
	store := applied(listed)
	got := func() *state.Discovery { return store.Snapshot(noon).Services[0].Discovery }
	if diff := cmp.Diff(&state.Discovery{}, got()); diff != "" {
		t.Errorf("at start (-want +got):\n%s", diff)
	}
	store.FoldDiscovery("shop", read)
	store.FoldDiscovery("no service", state.Discovery{})
	store.Apply([]state.Service{listed})
	if diff := cmp.Diff(&read, got()); diff != "" {
		t.Errorf("after it was read, and a change (-want +got):\n%s", diff)
	}
	store.Apply([]state.Service{fleet("a")})
	store.FoldDiscovery("shop", read) // that was under way
	if got() != nil {
		t.Errorf("without lists: %+v", got())
	}
	store.Apply([]state.Service{listed})
	if diff := cmp.Diff(&state.Discovery{}, got()); diff != "" {
		t.Errorf("with lists again (-want +got):\n%s", diff)
	}
}

func TestReloads(t *testing.T) {
	store := state.New()
	for _, step := range []struct {
		name   string
		reload state.Reload
		want   state.ReloadState
	}{
		{"at start", state.Reload{Time: seconds(0), Successful: true}, state.ReloadState{Successful: true, LastSuccess: seconds(0)}},
		{"with a mistake", state.Reload{Time: seconds(60), Problem: "line 3"}, state.ReloadState{LastSuccess: seconds(0), Problem: "line 3"}},
		{"mended", state.Reload{Time: seconds(90), Successful: true}, state.ReloadState{Successful: true, LastSuccess: seconds(90)}},
	} {
		before := store.Snapshot(noon).Reload
		store.FoldReload(step.reload)
		if diff := cmp.Diff(step.want, store.Snapshot(noon).Reload); diff != "" {
			t.Errorf("%s, after %+v (-want +got):\n%s", step.name, before, diff)
		}
	}
}
