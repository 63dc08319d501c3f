package state_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postflight/internal/state"
	"postflight/probe"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares JSON with what a file holds.
func golden(t *testing.T, name string, text []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// busy is a Store of a unit of which there is something of everything to save.
func busy() *state.Store {
	store := applied(logged(missing, slow))
	s := &story{store: store}
	for _, step := range []step{
		saw(look{at: 0, state: up, invocation: "a", boot: "b1"}),
		saw(look{at: 1, state: waits, invocation: "a", boot: "b1", exit: 1, result: "exit-code"}),
		saw(look{at: 2, n: 1, state: up, invocation: "b", boot: "b1"}),
		lost(3), wrote(loop[3:7]...), saw(look{at: 4.05, n: 2, state: waits, invocation: "b", boot: "b1"}),
	} {
		step(s)
	}
	store.Fold(logResult(probe.Log{Lines: 40, Dropped: 2, Until: seconds(8), Matches: []probe.Match{module("jwt")}}))
	store.FoldCursor("s=1;i=2")
	return store
}

func TestWhatIsSaved(t *testing.T) {
	text := busy().Save()
	golden(t, "state.json", text)
	for _, of := range []string{"No module named", "testdata"} {
		if strings.Contains(string(text), of) {
			t.Errorf("what is saved holds %q, which may be secret", of)
		}
	}
}

func TestWhatWasSavedIsThereAgain(t *testing.T) {
	before := busy()
	after := state.New()
	if err := after.Restore(before.Save()); err != nil {
		t.Fatal(err)
	}
	if got := after.Cursor(); got != "s=1;i=2" {
		t.Errorf("cursor %q", got)
	}
	after.Apply([]state.Service{logged(missing, slow)})

	want, got := *before.Snapshot(noon).Services[0].Units[0], *after.Snapshot(noon).Services[0].Units[0]
	if got.HasRun() || got.Log.HasRun() {
		t.Error("of a look before, that is no longer known, it is said that it was now")
	}
	if got.CrashLooping(seconds(60)) != want.CrashLooping(seconds(60)) {
		t.Error("it is judged otherwise")
	}
	wantLog := *want.Log
	wantLog.Observable, wantLog.Evidence = false, nil // what it said is not saved
	want.Last, want.Log = probe.Result{}, &wantLog
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(state.UnitState{})); diff != "" {
		t.Errorf("restored (-before +after):\n%s", diff)
	}
}

// TestWhatWasSavedWithoutWhatCameLater: an earlier postflight saved less of a reading and of a gap, and counting goes on.
func TestWhatWasSavedWithoutWhatCameLater(t *testing.T) {
	before := busy()
	later := regexp.MustCompile(`,"(result":"success|waiting":true|due":true|waits":true|holes":true)"?`)
	earlier := later.ReplaceAll(before.Save(), nil)
	s := begin(t)
	s.takes(earlier)
	want := before.Snapshot(noon).Services[0].Units[0].Restarts
	if got := s.unit().Restarts; got != want {
		t.Errorf("%d restarts are restored of %d", got, want)
	}
	saw(look{at: 10, n: 5, state: up, invocation: "e", boot: "b1"})(s)
	if got := s.unit().Restarts; got != want+3 {
		t.Errorf("%d restarts, and three after the %d that were restored", got, want)
	}
}

func TestOnlyWhatIsConfiguredFirstIsRestored(t *testing.T) {
	saved := busy().Save()
	restored := func(services ...[]state.Service) uint64 {
		store := state.New()
		if err := store.Restore(saved); err != nil {
			t.Fatal(err)
		}
		for _, s := range services {
			store.Apply(s)
		}
		return store.Snapshot(noon).Services[0].Units[0].Restarts
	}
	all, none := []state.Service{logged(missing)}, []state.Service{{Name: "shop"}}
	if got := restored(all, all); got == 0 {
		t.Error("a unit that is configured has lost its count")
	}
	if got := restored(none, all); got != 0 {
		t.Errorf("a unit that was gone in between has %d restarts", got)
	}
}

func TestWhatCannotBeRestored(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", "the state is not as it was written: unexpected end of JSON input"},
		{"cut off", `{"version": 1, "units": [`, "unexpected end of JSON input"},
		{"no JSON", "\x00\x00", "invalid character"},
		{"two of them", `{"version": 1}{"version": 1}`, "invalid character"},
		{"something else", `{"name": "x"}`, "it has no version"},
		{"nothing at all", `null`, "it has no version"},
		{"a newer one", `{"version": 2, "units": []}`, "version 2, from a newer postflight; this one reads version 1"},
		{"a newer one of which nothing else can be read", `{"version": 2, "units": 7}`, "version 2, from a newer postflight"},
		{"a count that falls", `{"version": 1, "units": [{"counted": {"restarts": -1}}]}`, "restarts"},
		{"a unit twice", `{"version": 1, "units": [{"unit": "a.service"}, {"unit": "a.service"}]}`, `unit "a.service" of service "" is there twice`},
		{"two open gaps", `{"version": 1, "units": [{"unit": "a.service", "gaps": [{}, {}]}]}`, "a gap is open that others come after"},
		{"many gaps", `{"version": 1, "units": [{"unit": "a.service", "gaps": [` + strings.Repeat("{},", 16) + `{}]}]}`, "17 gaps"},
		{"many events", `{"version": 1, "units": [{"unit": "a.service", "ahead": [` + strings.Repeat("{},", 1024) + `{}]}]}`, "1025 events"},
		{"many modules", `{"version": 1, "units": [{"unit": "a.service", "log": {"modules": [` + strings.Repeat("{},", 21) + `{}]}}]}`, "22 modules"},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := state.New()
			if err := store.Restore(busy().Save()); err != nil {
				t.Fatal(err)
			}
			err := store.Restore([]byte(row.text))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("error %v, want one with %q", err, row.want)
			}
			store.Apply([]state.Service{logged(missing)})
			if store.Cursor() == "" || store.Snapshot(noon).Services[0].Units[0].Restarts == 0 {
				t.Error("what was restored before is gone")
			}
		})
	}
}

func TestWhatALaterPostflightAddsIsIgnored(t *testing.T) {
	store := state.New()
	if err := store.Restore([]byte(`{"version": 1, "cursor": "c", "moon": "full", "units": [{"unit": "a.service", "phase": 3}]}`)); err != nil {
		t.Error(err)
	}
}

func TestAChangeOfWhatIsSavedIsSeen(t *testing.T) {
	store := applied(logged(missing))
	for _, row := range []struct {
		name string
		does func()
		want bool
	}{
		{"a first reading", func() { store.Fold(look{state: up, invocation: "a"}.outcome()) }, true},
		{"the same again", func() { store.Fold(look{at: 15, state: up, invocation: "a"}.outcome()) }, false},
		{"a check", func() { store.Fold(result(1, probe.Pass)) }, false},
		{"a crash", func() { store.Fold(look{at: 20, state: waits, invocation: "a", exit: 20}.outcome()) }, true},
		{"its restart", func() { store.Fold(look{at: 21, state: up, invocation: "b", n: 1}.outcome()) }, true},
		{"a log that can be read, from now on", func() { store.Fold(logResult(probe.Log{})) }, true},
		{"in which nothing is written", func() { store.Fold(logResult(probe.Log{})) }, false},
		{"a line", func() { store.Fold(logResult(probe.Log{Lines: 1})) }, true},
		{"the cursor", func() { store.FoldCursor("c") }, true},
		{"the same cursor", func() { store.FoldCursor("c") }, false},
		{"the bus is lost", func() { store.Fold(look{at: 30, away: true}.outcome()) }, true},
		{"it is still away", func() { store.Fold(look{at: 31, away: true}.outcome()) }, false},
		{"the log cannot be read", func() { store.Fold(probe.Result{Key: unit, Outcome: probe.Error, Log: &probe.Log{}}) }, false},
		{"entries of it are missing", func() { store.Fold(probe.Result{Key: unit, Outcome: probe.Error, Log: &probe.Log{Missed: true}}) }, true},
		{"and more", func() { store.Fold(probe.Result{Key: unit, Outcome: probe.Error, Log: &probe.Log{Missed: true}}) }, false},
		{"other units", func() { store.Apply([]state.Service{{Name: "shop"}}) }, true},
		{"saving", func() { store.Save() }, false},
	} {
		before := store.Generation()
		row.does()
		if got := store.Generation() != before; got != row.want {
			t.Errorf("%s: changed %t, want %t", row.name, got, row.want)
		}
	}
}

// FuzzRestore: whatever a file holds, either it is refused and nothing has changed, or a Store goes on with it.
func FuzzRestore(f *testing.F) {
	saved, err := os.ReadFile("testdata/state.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(saved)
	f.Add([]byte(`{"version":1,"units":[{"service":"shop","unit":"shop.service","gaps":[{"to":{"end":"2026-11-21T12:00:00Z"}}],"ahead":[{}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		store := state.New()
		err := store.Restore(text)
		if err != nil && (store.Cursor() != "" || store.Generation() != 0) {
			t.Errorf("refused with %v, and yet it has changed", err)
		}
		store.Apply([]state.Service{logged(missing, slow)})
		s := &story{store: store, t: nil}
		before := s.unit().Restarts
		for _, step := range []step{
			wrote(loop...), saw(look{at: 2, n: 1, state: up, invocation: "b", boot: "b1"}), unreadable, missed, lost(3), wrote(loop...),
			saw(look{at: 10, n: 9, state: waits, invocation: "z", boot: "b2"}), wrote(loop...),
		} {
			step(s)
		}
		store.Fold(logResult(probe.Log{Lines: 1, Matches: []probe.Match{module("jwt"), module("yaml")}}))
		if err == nil && before > 1<<63 {
			return // it may come round to 0
		}
		if s.unit().Restarts < before {
			t.Errorf("restarts fell from %d to %d", before, s.unit().Restarts)
		}
		if err := state.New().Restore(store.Save()); err != nil {
			t.Errorf("what it saves cannot be restored: %v", err)
		}
	})
}
