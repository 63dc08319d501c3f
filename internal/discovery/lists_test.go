package discovery_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/discovery"
)

// watching is a watch of lists that a test follows step by step, in a bubble.
type watching struct {
	mu   sync.Mutex
	told []discovery.Found
	stop func()
}

func watch(t *testing.T, lists discovery.Lists) *watching {
	ctx, cancel := context.WithCancel(t.Context())
	w := new(watching)
	var running sync.WaitGroup
	running.Go(func() {
		lists.Watch(ctx, func(found discovery.Found) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, found)
		})
	})
	w.stop = func() { cancel(); running.Wait() }
	return w
}

// after lets time pass and gives what has been told meanwhile, the last of it; nil: nothing.
func (w *watching) after(d time.Duration) *discovery.Found {
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) == 0 {
		return nil
	}
	last := w.told[len(w.told)-1]
	w.told = nil
	return &last
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsWatched(t *testing.T) {
	const notThere, half = "not there; create it, or take it out of the configuration", "the list ends too early; write a new file beside it and rename that, so that no half of it is read"
	before, labelled := []string{"http://a", "http://b"}, []string{`http://a env="prod"`, `http://b env="prod"`}
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "a.json")
		var w *watching
		lastSuccess := time.Time{}
		for _, step := range []struct {
			what    string
			content string // of the file; or
			do      func()
			want    []string
			changed bool
			problem string
		}{
			{"not there at first", "", func() {}, nil, false, notThere},
			{"written", `[{"targets": ["a", "b"]}]`, nil, before, true, ""},
			{"untouched", "", func() {}, before, false, ""},
			{"the same in other words", `[{"targets": ["a"]}, {"targets": ["b"]}]`, nil, before, false, ""},
			{"labels", `[{"targets": ["a", "b"], "labels": {"env": "prod"}}]`, nil, labelled, true, ""},
			{"cut short", `[{"targets": ["c"`, nil, labelled, false, "line 1: " + half},
			{"emptied", ``, nil, labelled, false, "empty; was it cut short? A list of no targets is written []"},
			{"one bad target", `[{"targets": ["c", "d:x"]}]`, nil, labelled, false,
				`line 1, [0].targets[1]: "http://d:x" is not a URL of http or https; write it such as http://127.0.0.1:8000`},
			{"gone", "", func() { remove(t, name) }, labelled, false, notThere},
			{"a folder in its place", "", func() { mkdir(t, name) }, labelled, false, "not a file; leave it out of the pattern, or move it"},
			{"gone again", "", func() { remove(t, name) }, labelled, false, notThere},
			{"back as it was", `[{"targets": ["a", "b"], "labels": {"env": "prod"}}]`, nil, labelled, false, ""},
			{"no targets any more", `[]`, nil, nil, true, ""},
		} {
			if step.do != nil {
				step.do()
			} else {
				write(t, filepath.Dir(name), "a.json", step.content)
			}
			var found *discovery.Found
			if w == nil {
				w = watch(t, files(name))
				defer w.stop()
				found = w.after(0)
			} else {
				found = w.after(30 * time.Second)
			}
			if step.problem != "" {
				step.problem = name + ": " + step.problem
			} else {
				lastSuccess = time.Now()
			}
			if diff := cmp.Diff(step.want, shown(found.Targets)); diff != "" {
				t.Errorf("%s: %s", step.what, diff)
			}
			found.Targets = nil
			want := discovery.Found{Changed: step.changed, Problem: step.problem, LastSuccess: lastSuccess}
			if diff := cmp.Diff(want, *found); diff != "" {
				t.Errorf("%s: %s", step.what, diff)
			}
		}
	})
}

func TestListsAreReadAsOftenAsTheySay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		often, rarely := write(t, folder, "often.json", `[{"targets": ["a"]}]`), write(t, folder, "rarely.yml", "- targets: [b]\n")
		w := watch(t, discovery.Lists{Files: []discovery.Files{
			{Names: []string{often}, RefreshInterval: 10 * time.Second, Scheme: "http"},
			{Names: []string{rarely}, RefreshInterval: time.Minute, Scheme: "https"},
		}})
		defer w.stop()
		start := time.Now()
		if diff := cmp.Diff([]string{"http://a", "https://b"}, shown(w.after(0).Targets)); diff != "" {
			t.Error(diff)
		}
		write(t, folder, "often.json", `[{"targets": ["c"]}]`)
		write(t, folder, "rarely.yml", "- targets: [d]\n")
		if found := w.after(9 * time.Second); found != nil {
			t.Errorf("told before anything was read: %+v", found)
		}
		found := w.after(time.Second)
		if diff := cmp.Diff([]string{"http://c", "https://b"}, shown(found.Targets)); diff != "" {
			t.Error(diff)
		}
		if !found.LastSuccess.Equal(start) {
			t.Errorf("the list that was read longest ago was read at %v, told was %v", start, found.LastSuccess)
		}
		found = w.after(50 * time.Second)
		if diff := cmp.Diff([]string{"http://c", "https://d"}, shown(found.Targets)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAListThatWasNeverReadIsSaidToBe(t *testing.T) {
	folder := t.TempDir()
	good, bad := write(t, folder, "good.json", `[{"targets": ["a"]}]`), filepath.Join(folder, "bad.json")
	lists := files(good)
	lists.Files = append(lists.Files, files(bad).Files...)
	want := discovery.Found{
		Targets: []discovery.Target{{URL: "http://a"}}, Changed: true,
		Problem: bad + ": not there; create it, or take it out of the configuration",
	}
	if diff := cmp.Diff(want, lists.Read(t.Context())); diff != "" {
		t.Error(diff)
	}
}

func TestPatterns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const refresh = 30 * time.Second
		folder := filepath.Join(t.TempDir(), "targets[1]") // a folder's name is no pattern
		pattern := filepath.Join(folder, "*.json")
		w := watch(t, files(pattern))
		defer w.stop()
		expect := func(what string, after time.Duration, problem string, want ...string) {
			t.Helper()
			found := w.after(after)
			if diff := cmp.Diff(want, shown(found.Targets)); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
			if got := strings.ReplaceAll(found.Problem, folder, ""); got != problem {
				t.Errorf("%s: problem %q, want %q", what, got, problem)
			}
		}
		expect("no folder", 0, "/*.json: its folder: not there; create it, or take it out of the configuration")
		mkdir(t, folder)
		expect("nothing matches", refresh, "")
		write(t, folder, "b.json", `[{"targets": ["b"]}]`)
		write(t, folder, "a.json", `[{"targets": ["a"]}]`)
		write(t, folder, "a.txt", `not a list`)
		expect("files match", refresh, "", "http://a", "http://b")
		write(t, folder, "a.json", `[{"targets": ["c"]`)
		write(t, folder, "d.json", `[{"targets": ["d"]}]`)
		expect("one is broken, another is new", refresh,
			"/a.json: line 1: the list ends too early; write a new file beside it and rename that, so that no half of it is read", "http://a", "http://b", "http://d")
		remove(t, filepath.Join(folder, "a.json"))
		expect("a file is gone", refresh, "", "http://b", "http://d")
		if err := os.Rename(folder, folder+"-away"); err != nil {
			t.Fatal(err)
		}
		expect("the folder is gone", refresh, strings.Join([]string{
			"/*.json: its folder: not there; create it, or take it out of the configuration",
			"/b.json: not there; create it, or take it out of the configuration",
			"/d.json: not there; create it, or take it out of the configuration",
		}, "\n"), "http://b", "http://d")
		if err := os.Rename(folder+"-away", folder); err != nil {
			t.Fatal(err)
		}
		expect("the folder is back", refresh, "", "http://b", "http://d")
	})
}

func TestABrokenPattern(t *testing.T) {
	pattern := filepath.Join(t.TempDir(), "[a.json")
	want := discovery.Found{Problem: pattern + ": not a pattern; see that brackets match"}
	if diff := cmp.Diff(want, files(pattern).Read(t.Context())); diff != "" {
		t.Error(diff)
	}
}

func TestManyBrokenFilesAreCounted(t *testing.T) {
	folder := t.TempDir()
	for n := range 15 {
		write(t, folder, fmt.Sprintf("%02d.json", n), "{}")
	}
	pattern := filepath.Join(folder, "*.json")
	lines := strings.Split(files(pattern).Read(t.Context()).Problem, "\n")
	if want := "and 5 more of " + pattern; len(lines) != 11 || lines[10] != want {
		t.Errorf("got %q, want ten files and %q", lines, want)
	}
}

func TestFilesTogetherHoldNoMoreThanAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		write(t, folder, "a.json", `[{"targets": ["a"]}]`)
		pattern := filepath.Join(folder, "*.json")
		w := watch(t, files(pattern))
		defer w.stop()
		w.after(0)
		many := times(10_001, `[{"targets":[`, `"b"`, ",", "]}]")
		write(t, folder, "a.json", many)
		write(t, folder, "b.json", many)
		found := w.after(30 * time.Second)
		want := pattern + ": more than 20,000 targets; divide the list into several, or its targets among services"
		if diff := cmp.Diff([]string{"http://a"}, shown(found.Targets)); diff != "" || found.Problem != want {
			t.Errorf("%s problem %q", diff, found.Problem)
		}
	})
}
