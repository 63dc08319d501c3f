package discovery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Lists are all the lists of one service.
type Lists struct {
	Files []Files
	HTTP  []HTTP
	Agent string // the User-Agent of requests
}

// Found is what the lists of a service name together.
type Found struct {
	Targets     []Target  // of all lists, in order, as each was last read; each target once. Not to be changed.
	Changed     bool      // Targets is not what was told before
	LastSuccess time.Time // of the list that was read longest ago; zero: one has never been read
	Problem     string    // what cannot be read now, one line each; empty: nothing
}

// Read reads all lists once.
func (l Lists) Read(ctx context.Context) Found {
	w := l.watcher()
	w.readAll(ctx)
	return w.found()
}

// Watch reads all lists at once and tells what they name together; then it reads each as often as it says and tells
// after each reading. A list that cannot be read stays as it was last read. tell is called from one goroutine at a time.
// Watch returns when ctx ends.
func (l Lists) Watch(ctx context.Context, tell func(Found)) {
	w := l.watcher()
	w.readAll(ctx)
	if ctx.Err() != nil {
		return
	}
	tell(w.found())
	var running sync.WaitGroup
	for _, one := range w.lists {
		running.Go(func() { w.follow(ctx, one, tell) })
	}
	running.Wait()
}

// reader reads one list. It gives what the list names; of what cannot be read, what it last named, and the reason.
type reader interface {
	read(ctx context.Context) ([]Target, error)
}

// list is one list as it was last read. Its reader belongs to whoever reads it, all else to the watcher's lock.
type list struct {
	reader
	every       time.Duration
	targets     []Target
	lastSuccess time.Time
	problem     error
}

// watcher owns the lists of one service.
type watcher struct {
	lists []*list

	mu     sync.Mutex // also held while telling
	merged []Target
	told   []Target
	stale  bool // merged is not yet made of what the lists name
}

func (l Lists) watcher() *watcher {
	w := new(watcher)
	for _, files := range l.Files {
		w.lists = append(w.lists, &list{reader: newFileList(files), every: files.RefreshInterval})
	}
	for _, http := range l.HTTP {
		w.lists = append(w.lists, &list{reader: newHTTPList(http, l.Agent), every: http.RefreshInterval})
	}
	return w
}

// readAll reads all lists at the same time.
func (w *watcher) readAll(ctx context.Context) {
	var running sync.WaitGroup
	for _, one := range w.lists {
		running.Go(func() {
			targets, err := one.read(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.take(one, targets, err)
		})
	}
	running.Wait()
}

// follow reads one list again and again.
func (w *watcher) follow(ctx context.Context, one *list, tell func(Found)) {
	again := time.NewTicker(one.every)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		targets, err := one.read(ctx)
		if ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		w.take(one, targets, err)
		tell(w.found())
		w.mu.Unlock()
	}
}

func (w *watcher) take(one *list, targets []Target, err error) {
	if err == nil {
		one.lastSuccess = time.Now()
	}
	one.problem = err
	if !slices.EqualFunc(one.targets, targets, Target.equal) {
		one.targets, w.stale = targets, true
	}
}

// found puts together what the lists name. The first list that names a target says its labels.
func (w *watcher) found() Found {
	if w.stale {
		w.merged, w.stale = w.merge(), false
	}
	f := Found{Targets: w.merged, Changed: !slices.EqualFunc(w.told, w.merged, Target.equal)}
	w.told = w.merged
	var problems []error
	for i, one := range w.lists {
		if i == 0 || one.lastSuccess.Before(f.LastSuccess) {
			f.LastSuccess = one.lastSuccess
		}
		problems = append(problems, one.problem)
	}
	if err := errors.Join(problems...); err != nil {
		f.Problem = err.Error()
	}
	return f
}

// unreadable says what cannot be read, in one line.
func unreadable(where string, err error) error {
	const longest = 500
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, where+": "+err.Error())
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return errors.New(text)
}

func (w *watcher) merge() []Target {
	var merged []Target
	seen := make(map[string]bool)
	for _, one := range w.lists {
		for _, target := range one.targets {
			if same := SameTarget(target.URL); !seen[same] {
				seen[same] = true
				merged = append(merged, target)
			}
		}
	}
	return merged
}

func (t Target) equal(other Target) bool {
	return t.URL == other.URL && slices.Equal(t.Labels, other.Labels)
}
