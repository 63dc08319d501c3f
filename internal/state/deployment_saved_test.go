package state_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// afterDeployments is a Store of services of which there is something of everything to save.
func afterDeployments() *state.Store {
	store := applied(fleet("a", "b"), state.Service{Name: "quiet"})
	for _, does := range []func(*state.Store){
		says(1, "a", "1.0"), says(2, "b", "1.1"),
		func(s *state.Store) {
			s.Fold(probe.Result{Key: ofTarget("a"), Start: seconds(3), Outcome: probe.Fail})
			s.Apply([]state.Service{critical(fleet("a", "b")), {Name: "quiet"}})
		},
		says(4, "a", "1.0"), says(5, "b", "1.1"),
		func(s *state.Store) {
			s.Fold(probe.Result{Key: ofTarget("a"), Start: seconds(10), Outcome: probe.Fail})
			s.Fold(probe.Result{Key: ofTarget("a"), Start: seconds(40)})
			s.Fold(probe.Result{Key: ofTarget("b"), Start: seconds(50), Outcome: probe.Fail})
		},
	} {
		does(store)
	}
	store.FoldDeployment(ended(begun("1", 0), verdict.Passed, 31))
	failed := ended(begun("2", 60), verdict.Failed, 62)
	failed.Causes = []verdict.Finding{{
		Cause: "missing_dependency", Summary: "the module jwt is missing", Hint: "add PyJWT",
		Evidence: []verdict.Evidence{{Source: "journal", Time: seconds(61), Text: "No module named 'jwt' <app>"}},
		Explains: []verdict.Explained{{Cause: "crash_loop", Summary: "3 restarts"}},
	}}
	failed.Checks = []verdict.Check{{Check: "health", Target: "a", Outcome: "fail", Reason: "connect", Runs: 3, Wanted: "200", Got: "refused"}}
	failed.Units = []verdict.Unit{{Unit: "shop.service", Restarts: 3, State: "activating"}}
	failed.Rollback = verdict.Rollback{State: verdict.RollbackSucceeded, Hook: "unit back.service", StartedAt: seconds(62), Output: "back\x00\n"}
	store.FoldDeployment(failed)
	on := begun("3", 100)
	on.Source, on.Resume.SkipHook, on.Resume.ManualStarts = verdict.CLI, true, map[string]uint64{"shop.service": 1}
	store.FoldDeployment(on)
	store.FoldPause("shop", seconds(3600))
	return store
}

func critical(service state.Service) state.Service {
	for i := range service.Checks {
		service.Checks[i].Critical = true
	}
	return service
}

func TestWhatIsSavedOfDeployments(t *testing.T) {
	golden(t, "deployments.json", afterDeployments().Save())
}

func TestDeploymentsThatWereSavedAreThereAgain(t *testing.T) {
	before, after := afterDeployments(), state.New()
	if err := after.Restore(before.Save()); err != nil {
		t.Fatal(err)
	}
	services := []state.Service{critical(fleet("a", "b")), {Name: "quiet"}}
	after.Apply(services)
	notSaved := cmpopts.IgnoreFields(state.ServiceState{}, "Checks", "Release")
	if diff := cmp.Diff(before.Snapshot(noon).Services, after.Snapshot(noon).Services, notSaved); diff != "" {
		t.Errorf("restored (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(string(before.Save()), string(after.Save())); diff != "" {
		t.Errorf("saved again (-before +after):\n%s", diff)
	}
	after.Apply(services[1:])
	after.Apply(services)
	if service := after.Snapshot(noon).Services[0]; told(service.Deployments) != "" || !service.PausedUntil.IsZero() {
		t.Error("a service that was gone in between has what was restored of it")
	}
}

func TestOfManyReleasesTheNewestAreSaved(t *testing.T) {
	var targets []string
	for i := range 100 {
		targets = append(targets, fmt.Sprint("t", i))
	}
	store := applied(fleet(targets...))
	for i, target := range targets {
		says(float64(i*37%100), target, fmt.Sprint("release-", i*37%100))(store)
	}
	var saved struct {
		Services []struct{ Running []state.Release }
	}
	if err := json.Unmarshal(store.Save(), &saved); err != nil {
		t.Fatal(err)
	}
	var want []state.Release
	for i := 99; i > 83; i-- {
		want = append(want, state.Release{Name: fmt.Sprint("release-", i), Since: seconds(float64(i))})
	}
	if diff := cmp.Diff(want, saved.Services[0].Running); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeRestoredOfDeployments(t *testing.T) {
	shopWith := func(rest string) string { return `{"version": 1, "services": [{"service": "shop", ` + rest + `}]}` }
	doc := func(id, rest string) string {
		return `{"id": "` + id + `", "service": "shop", "state": "passed", "rollback": {"state": "none"}` + rest + `}`
	}
	var many []string
	for i := range 51 {
		many = append(many, doc(fmt.Sprint(i), ""))
	}
	for _, row := range []struct{ name, text, want string }{
		{"a service twice", `{"version": 1, "services": [{"service": "shop"}, {"service": "shop"}]}`, `service "shop" is there twice`},
		{"many deployments", shopWith(`"history": [` + strings.Join(many, ",") + `]`), `service "shop": 51 deployments`},
		{"one twice", shopWith(`"history": [` + doc("1", "") + `,` + doc("1", "") + `]`), `deployment "1" is there twice`},
		{"one without a name", shopWith(`"history": [` + doc("", "") + `]`), `it has no id`},
		{"one of another service", shopWith(`"history": [` + doc("1", `, "service": "other"`) + `]`), `it is of service "other"`},
		{"a state that is none", shopWith(`"history": [` + doc("1", `, "state": "none"`) + `]`), `deployment "1": no verification is "none"`},
		{"a rollback's that is none", shopWith(`"history": [` + doc("1", `, "rollback": {"state": "ran"}`) + `]`), `no rollback is "ran"`},
		{"a count that falls", shopWith(`"deployments": {"api": -1}`), `-1`},
		{"a sum that does", shopWith(`"duration": {"sum": -0.5}`), `durations whose sum is negative`},
		{"many releases", shopWith(`"running": [` + strings.Repeat(`{},`, 16) + `{}]`), `17 releases at once`},
		{"no time", shopWith(`"paused_until": "noon"`), `noon`},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := state.New()
			if err := store.Restore(afterDeployments().Save()); err != nil {
				t.Fatal(err)
			}
			err := store.Restore([]byte(row.text))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("error %v, want one with %q", err, row.want)
			}
			store.Apply([]state.Service{fleet("a", "b")})
			if len(deploymentsOf(store).History) != 3 {
				t.Error("what was restored before is gone")
			}
		})
	}
	if err := state.New().Restore([]byte(shopWith(`"history": [` + doc("1", `, "mood": "good"`) + `], "moon": "full"`))); err != nil {
		t.Errorf("what a later postflight adds is not ignored: %v", err)
	}
}

func TestAChangeOfWhatIsSavedOfAServiceIsSeen(t *testing.T) {
	store := applied(critical(fleet("a")))
	checked := func(at float64, outcome probe.Outcome) func() {
		return func() { store.Fold(probe.Result{Key: ofTarget("a"), Start: seconds(at), Outcome: outcome}) }
	}
	for _, row := range []struct {
		name string
		does func()
		want bool
	}{
		{"a check passes", checked(1, probe.Pass), false},
		{"it fails", checked(2, probe.Fail), true},
		{"it still fails", checked(3, probe.Fail), false},
		{"it passes again", checked(4, probe.Pass), true},
		{"a release", func() { says(5, "a", "1.0")(store) }, true},
		{"the same", func() { says(6, "a", "1.0")(store) }, false},
		{"another one", func() { file(7, "1.1")(store) }, true},
		{"a deployment", func() { store.FoldDeployment(begun("1", 8)) }, true},
		{"its verdict", func() { store.FoldDeployment(ended(begun("1", 8), verdict.Passed, 9)) }, true},
		{"one of a service that is none", func() { store.FoldDeployment(state.Deployment{}) }, false},
		{"a pause", func() { store.FoldPause("shop", seconds(60)) }, true},
		{"the same pause", func() { store.FoldPause("shop", seconds(60)) }, false},
		{"its end", func() { store.FoldPause("shop", time.Time{}) }, true},
	} {
		before := store.Generation()
		row.does()
		if got := store.Generation() != before; got != row.want {
			t.Errorf("%s: changed %t, want %t", row.name, got, row.want)
		}
	}
}

// FuzzRestoreServices: whatever a file holds of services, either it is refused, or a Store goes on with it, and what it then
// saves is taken.
func FuzzRestoreServices(f *testing.F) {
	saved, err := os.ReadFile("testdata/deployments.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(saved)
	f.Add([]byte(`{"version":1,"services":[{"service":"shop","release_from":"check health","running":[{"name":"1.0"},{"name":"1.0"},{"name":""}]}]}`))
	f.Add([]byte(`{"version":1,"services":[{"service":"shop","failing_since":"9999-01-01T00:00:00Z","history":[{"id":"1","service":"shop","state":"settling","rollback":{"state":"none"}}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		store := state.New()
		err := store.Restore(text)
		store.Apply([]state.Service{critical(fleet("a", "b")), {Name: "quiet"}})
		before := len(deploymentsOf(store).History)
		if err != nil && before > 0 {
			t.Errorf("refused with %v, and yet there are %d deployments", err, before)
		}
		for _, does := range []func(*state.Store){says(1, "a", "1.0"), says(2, "b", "1.1"), says(3, "a", "1.2")} {
			does(store)
		}
		for _, d := range []state.Deployment{begun("new", 4), ended(begun("new", 4), verdict.Failed, 5), rolledBack(begun("3", 6), verdict.RollbackFailed)} {
			store.FoldDeployment(d)
		}
		if service := store.Snapshot(noon).Services[0]; service.Deployments.Newest() == nil || service.NewestRelease() == "" {
			t.Error("of the newest deployment nothing is known")
		}
		if err := state.New().Restore(store.Save()); err != nil {
			t.Errorf("what it saves cannot be restored: %v", err)
		}
	})
}

// manyDeployments is 20 services with 50 verifications each, every third of which failed and printed a lot.
func manyDeployments() *state.Store {
	var services []state.Service
	for i := range 20 {
		services = append(services, state.Service{Name: fmt.Sprint("service-", i)})
	}
	store := applied(services...)
	for _, service := range services {
		for i := range 50 {
			store.FoldDeployment(lengthy(service.Name, i))
		}
	}
	return store
}

func lengthy(service string, i int) state.Deployment {
	d := begun(fmt.Sprintf("%s-%016d", service, i), float64(60*i))
	d.Service = service
	for j := range 8 {
		d.Checks = append(d.Checks, verdict.Check{
			Check: "queue-status", Target: fmt.Sprint("http://10.0.0.", j, ":8000"), Outcome: "pass", Runs: 31, Passes: 31,
		})
	}
	d.Units = []verdict.Unit{{Unit: service + ".service", State: "active"}}
	if i%3 != 0 {
		return ended(d, verdict.Passed, float64(60*i+31))
	}
	for range 2 {
		finding := verdict.Finding{Cause: "missing_dependency", Summary: strings.Repeat("s", 100), Hint: strings.Repeat("h", 150)}
		for range 5 {
			finding.Evidence = append(finding.Evidence, verdict.Evidence{Source: "journal", Time: noon, Text: strings.Repeat("line\n", 100)})
		}
		d.Causes = append(d.Causes, finding)
	}
	d.Rollback = verdict.Rollback{State: verdict.RollbackSucceeded, Output: strings.Repeat("restoring the last release\n", 2427)}
	return ended(d, verdict.Failed, float64(60*i+4))
}

// BenchmarkSave is what happens once a second while a verification is on.
func BenchmarkSave(b *testing.B) {
	store := manyDeployments()
	for i := 0; b.Loop(); i++ {
		store.FoldDeployment(lengthy(fmt.Sprint("service-", i%20), 100+i))
		store.Save()
	}
	b.ReportMetric(float64(len(store.Save()))/1e6, "MB")
}

func BenchmarkRestore(b *testing.B) {
	text := manyDeployments().Save()
	for b.Loop() {
		if err := state.New().Restore(text); err != nil {
			b.Fatal(err)
		}
	}
}
