package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postflight/internal/state"
	"postflight/probe"
)

var (
	missing = probe.Pattern{Name: "missing-module", Severity: probe.SeverityError}
	slow    = probe.Pattern{Name: "slow-auth", Severity: probe.SeverityWarning, Metric: "log_value_auth_duration_seconds", Buckets: []float64{1}}
	ready   = probe.Pattern{Name: "mysql-ready", Severity: probe.SeverityInfo}
)

// logged is a shop whose log these patterns are looked for in.
func logged(patterns ...probe.Pattern) state.Service {
	service := shop()
	service.Patterns = patterns
	return service
}

func logResult(log probe.Log) probe.Result { return probe.Result{Key: unit, Start: noon, Log: &log} }

func match(p probe.Pattern, text string) probe.Match {
	return probe.Match{Pattern: p.Name, Severity: p.Severity, Text: text}
}

func module(name string) probe.Match {
	m := match(missing, "No module named "+name)
	m.Module = name
	return m
}

func logOf(store *state.Store) *state.LogState { return store.Snapshot(noon).Services[0].Units[0].Log }

func TestALogIsCountedFromTheStart(t *testing.T) {
	store := applied(logged(missing, slow, ready))
	want := &state.LogState{Matches: []state.PatternCount{{Pattern: missing}, {Pattern: slow}, {Pattern: ready}}}
	if diff := cmp.Diff(want, logOf(store)); diff != "" {
		t.Errorf("before anything is known (-want +got):\n%s", diff)
	}
	if logOf(store).HasRun() {
		t.Error("something is known")
	}

	store.Fold(logResult(probe.Log{}))
	store.Fold(logResult(probe.Log{Lines: 100, Dropped: 7, Until: seconds(1), Matches: []probe.Match{module("jwt"), match(slow, "took 3s")}}))
	store.Fold(logResult(probe.Log{}))
	store.Fold(logResult(probe.Log{Lines: 20, Until: seconds(2), Matches: []probe.Match{
		module("yaml"), module("jwt"), match(ready, "connected"), {Pattern: "of-yesterday", Text: "gone"},
	}}))

	store.Fold(logResult(probe.Log{Until: seconds(1.5)})) // the clock was set back
	store.Fold(logResult(probe.Log{}))

	want = &state.LogState{
		Observable: true, Lines: 120, Dropped: 7, Until: seconds(1.5),
		Matches:  []state.PatternCount{{Pattern: missing, Count: 3}, {Pattern: slow, Count: 1}, {Pattern: ready, Count: 1}},
		Modules:  []state.ModuleCount{{Module: "jwt", Count: 2}, {Module: "yaml", Count: 1}},
		Evidence: []probe.Match{module("jwt"), match(slow, "took 3s"), module("yaml"), module("jwt")},
	}
	if diff := cmp.Diff(want, logOf(store)); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestALogOutOfReachKeepsWhatItHad(t *testing.T) {
	store := applied(logged(missing))
	store.Fold(logResult(probe.Log{Lines: 5, Until: seconds(1), Matches: []probe.Match{module("jwt")}}))
	store.Fold(probe.Result{Key: unit, Outcome: probe.Error, Got: "not allowed to read the journal", Log: &probe.Log{}})

	got := logOf(store)
	if got.Observable || !got.HasRun() || got.Why != "not allowed to read the journal" {
		t.Errorf("observable %t, why %q", got.Observable, got.Why)
	}
	if got.Lines != 5 || got.Matches[0].Count != 1 || len(got.Evidence) != 1 {
		t.Errorf("it has forgotten: %+v", got)
	}

	store.Fold(logResult(probe.Log{}))
	if got := logOf(store); !got.Observable || got.Why != "" {
		t.Errorf("back in reach: observable %t, why %q", got.Observable, got.Why)
	}
}

func TestWhetherALogsOutcomeChangedIsItsOwn(t *testing.T) {
	store := applied(logged(missing))
	type change struct {
		First, Changed bool
		Previous       probe.Outcome
	}
	var got []change
	store.Subscribe(func(e state.Event) {
		if e.Check != nil || e.Unit == nil {
			t.Errorf("not a unit's event: %+v", e)
		}
		if e.Result.Log != nil {
			got = append(got, change{e.First, e.Changed, e.Previous})
		}
	})
	blind := probe.Result{Key: unit, Outcome: probe.Error, Got: "no journalctl", Log: &probe.Log{}}
	for _, r := range []probe.Result{look{state: "active/running"}.outcome(), blind, blind, logResult(probe.Log{}), look{away: true}.outcome(), logResult(probe.Log{})} {
		store.Fold(r)
	}
	want := []change{
		{First: true, Changed: true, Previous: probe.Error}, {Previous: probe.Error},
		{Changed: true, Previous: probe.Error}, {Previous: probe.Pass},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestALogThatIsNotWatched(t *testing.T) {
	store := applied(shop())
	store.Subscribe(func(e state.Event) { t.Errorf("told %+v", e) })
	store.Fold(logResult(probe.Log{Lines: 1}))
	if got := logOf(store); got != nil {
		t.Errorf("log %+v", got)
	}
}

func TestModulesAreBounded(t *testing.T) {
	store := applied(logged(missing))
	for i := range 30 {
		store.Fold(logResult(probe.Log{Matches: []probe.Match{module(fmt.Sprint("m", i)), module("m19"), module("other"), module("a\xff" + strings.Repeat("b", 200))}}))
	}
	got := logOf(store).Modules
	if len(got) != 21 {
		t.Fatalf("%d modules: %v", len(got), got)
	}
	counts := map[string]uint64{}
	for _, m := range got {
		counts[m.Module] = m.Count
		if len(m.Module) > 128 {
			t.Errorf("a module of %d bytes", len(m.Module))
		}
	}
	// m0, m19 and the long one came with the first result.
	if counts["m0"] != 1 || counts["m19"] != 31 || counts["m17"] != 1 || counts["other"] != 30+11 {
		t.Errorf("modules %v", counts)
	}
}

func TestEvidenceIsTheNewestOfEachSeverity(t *testing.T) {
	store := applied(logged(missing, slow, ready))
	store.Fold(logResult(probe.Log{Matches: []probe.Match{module("jwt")}}))
	for i := range 7 {
		store.Fold(logResult(probe.Log{Matches: []probe.Match{match(slow, fmt.Sprint(i)), match(ready, "of no concern")}}))
	}
	var got []string
	for _, m := range logOf(store).Evidence {
		got = append(got, m.Text)
	}
	if diff := cmp.Diff([]string{"No module named jwt", "2", "3", "4", "5", "6"}, got); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
}

func TestPatternsMayChange(t *testing.T) {
	store := applied(logged(missing, slow, ready))
	store.Fold(logResult(probe.Log{Lines: 9, Matches: []probe.Match{module("jwt"), match(slow, "3s"), match(ready, "ok")}}))
	before := logOf(store)

	worse := slow
	worse.Severity = probe.SeverityError
	other := ready
	other.Buckets = []float64{5}
	store.Apply([]state.Service{logged(worse, missing, other)})

	want := []state.PatternCount{{Pattern: worse}, {Pattern: missing, Count: 1}, {Pattern: other, Count: 1}}
	if diff := cmp.Diff(want, logOf(store).Matches); diff != "" {
		t.Errorf("matches (-want +got):\n%s", diff)
	}
	if logOf(store).Lines != 9 {
		t.Errorf("%d lines, want 9", logOf(store).Lines)
	}
	if before.Matches[0].Count != 1 || before.Matches[0].Pattern.Name != missing.Name {
		t.Errorf("a snapshot has changed: %+v", before.Matches)
	}

	store.Apply([]state.Service{shop()})
	if got := logOf(store); got != nil {
		t.Errorf("no longer watched, it is %+v", got)
	}
}

func TestASnapshotOfALogStays(t *testing.T) {
	store := applied(logged(missing, slow))
	n := 0
	fold := func() {
		n++
		store.Fold(logResult(probe.Log{Lines: 1, Matches: []probe.Match{module("jwt"), match(slow, fmt.Sprint(n))}}))
	}
	for range 7 {
		fold()
	}
	before := *logOf(store)
	kept := before
	kept.Matches = append([]state.PatternCount(nil), before.Matches...)
	kept.Modules = append([]state.ModuleCount(nil), before.Modules...)
	kept.Evidence = append([]probe.Match(nil), before.Evidence...)
	for range 10 {
		fold()
	}
	if diff := cmp.Diff(kept, before, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("a snapshot has changed (-before +now):\n%s", diff)
	}
}

// What a unit that has written nothing yet writes while we are away is not old.
func TestAQuietLogIsReadFromWhereReadingBegan(t *testing.T) {
	store := applied(logged(slow))
	before := store.Generation()
	for i := range 2 {
		store.Fold(probe.Result{Key: unit, Start: seconds(float64(5 + i)), Log: &probe.Log{}})
	}
	if until := logOf(store).Until; !until.Equal(seconds(5)) {
		t.Errorf("read up to %v, want %v", until, seconds(5))
	}
	if store.Generation() == before {
		t.Error("that is not worth saving")
	}
}
