package state_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// begun is a deployment of the shop's that was announced so many seconds after noon.
func begun(id string, at float64) state.Deployment {
	return state.Deployment{
		Document: verdict.Document{
			ID: id, Service: "shop", Release: "1.4." + id, Source: verdict.API, StartedAt: seconds(at), State: verdict.Settling,
			Rollback: verdict.Rollback{State: verdict.NoRollback},
		},
		Resume: &state.Resume{Policy: verdict.DefaultPolicy, Restarts: map[string]uint64{"shop.service": 3}, Seen: seconds(at)},
	}
}

// ended is how it stands once it is decided.
func ended(d state.Deployment, as verdict.State, at float64) state.Deployment {
	d.State, d.Verdict, d.DecidedAt = as, as, seconds(at)
	return d
}

func rolledBack(d state.Deployment, to verdict.RollbackState) state.Deployment {
	d.Rollback.State = to
	return d
}

func ofRollback(d state.Deployment, of string) state.Deployment {
	d.RollbackOf = of
	return d
}

func deploymentsOf(store *state.Store) state.Deployments {
	return store.Snapshot(noon).Services[0].Deployments
}

// told is what came of deployments, in words.
func told(d state.Deployments) string {
	var words []string
	for _, one := range d.History {
		words = append(words, fmt.Sprintf("%s %s", one.ID, one.State))
	}
	counted := func(name string, n uint64) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, name))
		}
	}
	for _, source := range []verdict.Source{verdict.API, verdict.CLI, verdict.Detected} {
		counted(source, d.Count[source])
	}
	for _, v := range []verdict.State{verdict.Passed, verdict.Failed, verdict.Inconclusive} {
		counted("verdicts "+string(v), d.Verdicts[v])
	}
	counted("rolled back", d.Rollbacks.Succeeded)
	counted("not rolled back", d.Rollbacks.Failed)
	return strings.Join(words, ", ")
}

func TestDeploymentsAreCounted(t *testing.T) {
	detected := begun("2", 60)
	detected.Source = verdict.Detected
	observing := begun("1", 0)
	observing.State = verdict.Observing
	failed := ended(begun("1", 0), verdict.Failed, 5)
	for _, row := range []struct {
		name  string
		folds []state.Deployment
		want  string
	}{
		{"none", nil, ""},
		{"one that begins", []state.Deployment{begun("1", 0)}, "1 settling, 1 api"},
		{"it goes on", []state.Deployment{begun("1", 0), observing, observing}, "1 observing, 1 api"},
		{"it passes", []state.Deployment{begun("1", 0), observing, ended(observing, verdict.Passed, 31)}, "1 passed, 1 api, 1 verdicts passed"},
		{"it is decided at once", []state.Deployment{ended(begun("1", 0), verdict.Inconclusive, 0)}, "1 inconclusive, 1 api, 1 verdicts inconclusive"},
		{"the verdict is told again", []state.Deployment{failed, failed}, "1 failed, 1 api, 1 verdicts failed"},
		{"a verdict does not change", []state.Deployment{failed, ended(begun("1", 0), verdict.Passed, 31)}, "1 failed, 1 api, 1 verdicts failed"},
		{"nor is it taken back", []state.Deployment{failed, begun("1", 0)}, "1 failed, 1 api, 1 verdicts failed"},
		{
			"the newest first",
			[]state.Deployment{ended(begun("1", 0), verdict.Inconclusive, 60), detected},
			"2 settling, 1 inconclusive, 1 api, 1 detected, 1 verdicts inconclusive",
		},
		{
			"an older one in its place",
			[]state.Deployment{begun("1", 0), begun("2", 60), ended(begun("1", 0), verdict.Inconclusive, 60)},
			"2 settling, 1 inconclusive, 2 api, 1 verdicts inconclusive",
		},
		{"a rollback runs", []state.Deployment{failed, rolledBack(failed, verdict.RollbackRunning)}, "1 failed, 1 api, 1 verdicts failed"},
		{
			"it succeeds, after a verification that is no deployment",
			[]state.Deployment{
				failed, rolledBack(failed, verdict.RollbackRunning), ofRollback(begun("2", 8), "1"),
				ofRollback(ended(begun("2", 8), verdict.Passed, 40), "1"), rolledBack(failed, verdict.RollbackSucceeded), rolledBack(failed, verdict.RollbackSucceeded),
			},
			"2 passed, 1 failed, 1 api, 1 verdicts passed, 1 verdicts failed, 1 rolled back",
		},
		{
			"it fails",
			[]state.Deployment{failed, rolledBack(failed, verdict.RollbackRunning), rolledBack(failed, verdict.RollbackFailed)},
			"1 failed, 1 api, 1 verdicts failed, 1 not rolled back",
		},
		{
			"it is interrupted",
			[]state.Deployment{failed, rolledBack(failed, verdict.RollbackRunning), rolledBack(failed, verdict.RollbackInterrupted)},
			"1 failed, 1 api, 1 verdicts failed",
		},
		{"of a service that is none", []state.Deployment{{Document: verdict.Document{ID: "1", Service: "other"}}}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(shop())
			for _, d := range row.folds {
				store.FoldDeployment(d)
				store.Save()
			}
			if got := told(deploymentsOf(store)); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			after := state.New()
			if err := after.Restore(store.Save()); err != nil {
				t.Fatal(err)
			}
			after.Apply([]state.Service{shop()})
			if diff := cmp.Diff(deploymentsOf(store), deploymentsOf(after)); diff != "" {
				t.Errorf("restored (-before +after):\n%s", diff)
			}
		})
	}
}

func TestHowLongItTook(t *testing.T) {
	store := applied(shop())
	back := ofRollback(begun("4", 200), "3")
	for _, d := range []state.Deployment{
		ended(begun("1", 0), verdict.Passed, 31), ended(begun("2", 60), verdict.Inconclusive, 150),
		ended(begun("3", 100), verdict.Failed, 102.5), ended(back, verdict.Failed, 4000),
		ended(begun("5", 300), verdict.Failed, 299), // a clock that was set meanwhile
	} {
		store.FoldDeployment(d)
	}
	want := state.Deployments{
		Duration:  state.Histogram{Counts: [13]uint64{0: 1, 1: 1, 6: 1, 7: 1, 12: 1}, Sum: 31 + 90 + 2.5 + 3800},
		Detection: state.Histogram{Counts: [13]uint64{0: 1, 1: 1}, Sum: 2.5},
	}
	got := deploymentsOf(store)
	if diff := cmp.Diff(want, state.Deployments{Duration: got.Duration, Detection: got.Detection, Recovery: got.Recovery}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNewest(t *testing.T) {
	store := applied(shop())
	if d := deploymentsOf(store); d.Newest() != nil || d.NewestVerdict() != nil {
		t.Error("there is one before there was any")
	}
	store.FoldDeployment(ended(begun("1", 0), verdict.Failed, 5))
	store.FoldDeployment(ofRollback(ended(begun("2", 10), verdict.Passed, 40), "1"))
	if d := deploymentsOf(store); d.Newest().ID != "1" || d.NewestVerdict().ID != "1" {
		t.Error("the verification of a rollback is taken for a deployment")
	}
	store.FoldDeployment(begun("3", 60))
	if d := deploymentsOf(store); d.Newest().ID != "3" || d.NewestVerdict().ID != "1" {
		t.Error("not the newest, or not the newest that is decided")
	}
}

// TestHistoryIsBounded: how many there are, and how much of each.
func TestHistoryIsBounded(t *testing.T) {
	store := applied(shop())
	for i := range 60 {
		d := begun(fmt.Sprint(i), float64(60*i))
		for j := range 150 {
			c := verdict.Check{Check: "health", Target: fmt.Sprint(j), Outcome: probe.Pass.String()}
			if j >= 120 {
				c.Outcome = probe.Fail.String()
			}
			d.Checks = append(d.Checks, c)
		}
		d.Rollback.Output = "first" + strings.Repeat("é", 40_000) + "last"
		store.FoldDeployment(ended(d, verdict.Failed, float64(60*i+5)))
		store.Save()
	}
	late := begun("20", 0)
	late.Rollback.Output = "more"
	store.FoldDeployment(late)

	history := deploymentsOf(store).History
	if len(history) != 50 || history[0].ID != "59" || history[49].ID != "10" {
		t.Fatalf("%d are kept, from %s to %s", len(history), history[0].ID, history[len(history)-1].ID)
	}
	for i, d := range history {
		wantChecks, wantOutput := 100, 0
		if i == 0 {
			wantChecks = 150
		}
		if i < 3 {
			wantOutput = 64 << 10
		}
		if n := len(d.Rollback.Output); len(d.Checks) != wantChecks || n > wantOutput || n < wantOutput-1 {
			t.Errorf("of number %d there are %d checks and %d bytes of output, want %d and %d", i, len(d.Checks), n, wantChecks, wantOutput)
		}
		if i < 3 && !strings.HasSuffix(d.Rollback.Output, "élast") {
			t.Errorf("the output of number %d does not end as it did", i)
		}
		if i > 0 && (d.Checks[69].Outcome != "pass" || d.Checks[70].Outcome != "fail" || len(d.Notes) != 1 ||
			d.Notes[0] != "of 150 checks only 100 are still listed, those that did not pass first") {
			t.Errorf("number %d: not those that tell most, or it does not say so: %q", i, d.Notes)
		}
	}
	if n := deploymentsOf(store).Count[verdict.API]; n != 60 {
		t.Errorf("%d are counted", n)
	}
	after := state.New()
	if err := after.Restore(store.Save()); err != nil {
		t.Fatal(err)
	}
	after.Apply([]state.Service{shop()})
	restored := deploymentsOf(after).History
	if diff := cmp.Diff(history[1:], restored[1:]); diff != "" {
		t.Errorf("restored (-before +after):\n%s", diff)
	}
	if len(restored[0].Checks) != 100 || len(restored[0].Notes) != 1 {
		t.Errorf("%d checks of the newest were saved, and it says %q", len(restored[0].Checks), restored[0].Notes)
	}
}

func TestADeploymentWithoutARollbackSaysSo(t *testing.T) {
	store := applied(shop())
	d := begun("1", 0)
	d.Rollback = verdict.Rollback{}
	store.FoldDeployment(d)
	if got := deploymentsOf(store).Newest().Rollback.State; got != verdict.NoRollback {
		t.Errorf("its rollback is %q", got)
	}
	if err := state.New().Restore(store.Save()); err != nil {
		t.Error(err)
	}
}

func TestDeploymentsStayWithTheirService(t *testing.T) {
	other := state.Service{Name: "other"}
	for _, row := range []struct {
		name   string
		reload [][]state.Service
		want   string
	}{
		{"another configuration", [][]state.Service{{other, {Name: "shop", Units: []string{"b.service"}}}}, "1 settling, 1 api"},
		{"the service is gone, and comes again", [][]state.Service{{other}, {other, shop()}}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := applied(shop(), other)
			store.FoldDeployment(begun("1", 0))
			store.FoldPause("shop", seconds(60))
			for _, services := range row.reload {
				store.Apply(services)
			}
			service := store.Snapshot(noon).Services[1]
			if got := told(service.Deployments); got != row.want || service.PausedUntil.IsZero() != (row.want == "") {
				t.Errorf("%s, paused until %v", got, service.PausedUntil)
			}
		})
	}
}

func TestASnapshotOfDeploymentsStays(t *testing.T) {
	store := applied(shop())
	store.FoldDeployment(begun("1", 0))
	before := deploymentsOf(store)
	for i := 2; i < 60; i++ {
		store.FoldDeployment(ended(begun("1", 0), verdict.Failed, 5))
		store.FoldDeployment(begun(fmt.Sprint(i), 60))
	}
	if got := told(before); got != "1 settling, 1 api" {
		t.Errorf("it has become %s", got)
	}
}

func TestAPauseEndsByItself(t *testing.T) {
	store := applied(shop())
	pausedAt := func(at float64) time.Time { return store.Snapshot(seconds(at)).Services[0].PausedUntil }
	if !pausedAt(0).IsZero() {
		t.Error("paused from the start")
	}
	store.FoldPause("shop", seconds(60))
	store.FoldPause("other", seconds(60))
	if !pausedAt(59).Equal(seconds(60)) || !pausedAt(60).IsZero() {
		t.Errorf("until %v, and %v then", pausedAt(59), pausedAt(60))
	}
	store.FoldPause("shop", time.Time{})
	if !pausedAt(0).IsZero() {
		t.Error("a pause that was ended goes on")
	}
}
