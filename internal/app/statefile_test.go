package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	observing "go.uber.org/zap/zaptest/observer"

	"postflight/internal/state"
)

// keeper is a state file of a store, and what it says.
func keeper(path string) (f *stateFile, store *state.Store, failures *int, said *observing.ObservedLogs) {
	core, said := observing.New(zap.InfoLevel)
	store, failures = state.New(), new(int)
	return newStateFile(path, store, zap.New(core), func() { *failures++ }), store, failures, said
}

func lines(said *observing.ObservedLogs) string {
	var all []string
	for _, entry := range said.All() {
		all = append(all, entry.Message)
	}
	return strings.Join(all, "\n")
}

func TestWhatIsKeptIsFoundAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postflight.json")
	before, store, _, _ := keeper(path)
	before.load()
	store.FoldCursor("s=1;i=2")
	before.save()
	after, store, failures, said := keeper(path)
	after.load()
	if cursor := store.Cursor(); cursor != "s=1;i=2" || *failures != 0 || said.Len() != 0 {
		t.Errorf("cursor %q, %d failures, said %q", cursor, *failures, lines(said))
	}
}

// Whoever is killed in the middle of a write leaves a file that will never be finished.
func TestUnfinishedFilesAreSwept(t *testing.T) {
	directory := t.TempDir()
	for name, content := range map[string]string{
		"postflight.json":              `{"version":1,"cursor":"s=1;i=2"}`,
		".postflight.json1":            `{"version":1,"cur`,
		".postflight.json837465920475": "",
		".postflight.json":             "no number",
		".postflight.json12~":          "somebody's copy",
		".postflight.json.swp":         "somebody's editor",
		".postflightXjson1":            "of something else",
		".other.json1":                 "of something else",
		"postflight.json1":             "not hidden",
	} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(directory, ".postflight.json2"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("postflight.json1", filepath.Join(directory, ".postflight.json3")); err != nil {
		t.Fatal(err)
	}
	f, store, failures, said := keeper(filepath.Join(directory, "postflight.json"))
	f.load()
	want := []string{
		".other.json1", ".postflight.json", ".postflight.json.swp", ".postflight.json12~", ".postflight.json2", ".postflight.json3",
		".postflightXjson1", "postflight.json", "postflight.json1",
	}
	if diff := cmp.Diff(want, namesIn(t, directory)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if store.Cursor() != "s=1;i=2" || *failures != 0 || said.Len() != 0 {
		t.Errorf("cursor %q, %d failures, said %q", store.Cursor(), *failures, lines(said))
	}
}

func namesIn(t *testing.T, directory string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	slices.Sort(names)
	return names
}

// A file becomes whole beside the one that it replaces, wherever temporary files are kept: only there it is swept.
func TestAFileIsWrittenBesideTheOldOne(t *testing.T) {
	directory, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	untouched := time.Unix(1, 0)
	if err := os.Chtimes(elsewhere, untouched, untouched); err != nil {
		t.Fatal(err)
	}
	f, store, _, _ := keeper(filepath.Join(directory, "postflight.json"))
	store.FoldCursor("s=1")
	f.save()
	info, err := os.Stat(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(untouched) {
		t.Error("something was written where temporary files are kept")
	}
	if got := namesIn(t, directory); !slices.Equal(got, []string{"postflight.json"}) {
		t.Errorf("beside it: %q", got)
	}
}

func TestOnlyWhatHasChangedIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postflight.json")
	f, store, _, _ := keeper(path)
	store.FoldCursor("s=1")
	f.save()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f.save()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was written again though nothing had changed")
	}
	store.FoldCursor("s=2")
	f.save()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestAStateFileThatCannotBeUsed(t *testing.T) {
	tests := []struct {
		name, content string
		aside         bool // it is set aside, and a new one is written
		said          string
	}{
		{"no file", "", false, ""},
		{"cut off", `{"version": 1, "cur`, true, "state file not understood, counting begins anew"},
		{"empty", " ", true, "state file not understood, counting begins anew"},
		{"of something else", `[1, 2]`, true, "state file not understood, counting begins anew"},
		{"from a newer version", `{"version": 1000}`, true, "state file not understood, counting begins anew"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "postflight.json")
			if tt.content != "" {
				if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f, store, failures, said := keeper(path)
			f.load()
			if got := lines(said); got != tt.said || tt.aside != (*failures == 1) {
				t.Errorf("said %q with %d failures, want %q", got, *failures, tt.said)
			}
			if aside, _ := os.ReadFile(path + ".set-aside"); tt.aside && string(aside) != tt.content {
				t.Errorf("set aside: %q", aside)
			}
			store.FoldCursor("s=1")
			f.save()
			if kept, err := os.ReadFile(path); err != nil || !strings.Contains(string(kept), "s=1") {
				t.Errorf("kept %q, %v", kept, err)
			}
		})
	}
}

func TestAFileThatCannotBeReadIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postflight.json")
	if err := os.Mkdir(path, 0o700); err != nil { // unreadable for root, too
		t.Fatal(err)
	}
	f, store, failures, said := keeper(path)
	f.load()
	store.FoldCursor("s=1")
	f.save()
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		t.Errorf("it was replaced: %v, %v", info, err)
	}
	if got := lines(said); got != "state file not read, what is counted is kept in memory only" || *failures != 1 {
		t.Errorf("said %q with %d failures", got, *failures)
	}
}

// A directory that is not there fails where a full disk does: in writing the new file.
func TestADiskThatCannotBeWritten(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "state")
	f, store, failures, said := keeper(filepath.Join(directory, "postflight.json"))
	store.FoldCursor("s=1")
	f.save()
	f.save()
	if got := lines(said); got != "state file not written, tried again each second" || *failures != 2 {
		t.Errorf("said %q with %d failures, want one line and two failures", got, *failures)
	}
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	f.save()
	if got := lines(said); !strings.HasSuffix(got, "\nstate file written again") {
		t.Errorf("said %q", got)
	}
}

// seen is an answer of which the test knows what was in the file when it was first seen.
type seen struct {
	*httptest.ResponseRecorder
	path string
	kept string
}

func (s *seen) Write(b []byte) (int, error) {
	if s.Body.Len() == 0 {
		kept, _ := os.ReadFile(s.path)
		s.kept = string(kept)
	}
	return s.ResponseRecorder.Write(b)
}

func TestWhatIsToldIsKeptFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "postflight.json")
		f, store, _, _ := keeper(path)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go f.keep(ctx)
		for i := range 3 {
			answer := &seen{ResponseRecorder: httptest.NewRecorder(), path: path}
			f.keptFirst(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				store.FoldCursor(fmt.Sprint("s=", i))
				fmt.Fprint(w, "a count")
				fmt.Fprint(w, ", and more")
			})).ServeHTTP(answer, nil)
			if want := fmt.Sprint("s=", i); !strings.Contains(answer.kept, want) || answer.Body.String() != "a count, and more" {
				t.Errorf("%q was told while %q was kept, want %s in it", answer.Body, answer.kept, want)
			}
		}
	})
}

func TestADiskThatHangsHoldsUpNoAnswer(t *testing.T) {
	for _, hangs := range []string{"in this write", "in an earlier one"} {
		t.Run(hangs, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _, _, _ := keeper(filepath.Join(t.TempDir(), "postflight.json"))
				if hangs == "in this write" {
					go func() { <-f.asked }()
				}
				answer, before := httptest.NewRecorder(), time.Now()
				f.keptFirst(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a count") })).ServeHTTP(answer, nil)
				if waited := time.Since(before); waited != diskPatience || answer.Body.String() != "a count" {
					t.Errorf("%q after %v", answer.Body, waited)
				}
			})
		})
	}
}
