package journalprobe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/logpattern"
	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/journalprobe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. Nothing is said by how long it took.
const patience = 60 * time.Second

// watched is a Watcher at work and all that it has told so far.
type watched struct {
	t    testing.TB
	stop func() // ends it and waits for that

	mu      sync.Mutex
	results []probe.Result
	cursor  string
	changed chan struct{} // holds a token when there is something new
}

// watch starts a Watcher that ends with the test at the latest.
func watch(t testing.TB, o journalprobe.Options) *watched {
	w := &watched{t: t, changed: make(chan struct{}, 1)}
	o.Moved = func(cursor string) { w.note(func() { w.cursor = cursor }) }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- journalprobe.New(o).Watch(ctx, func(r probe.Result) {
			w.note(func() { w.results = append(w.results, r) })
		})
	}()
	w.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Watch returned %v after its context had ended", err)
			}
		case <-time.After(patience):
			t.Error("Watch did not return after its context had ended")
		}
	})
	t.Cleanup(w.stop)
	return w
}

func (w *watched) note(what func()) {
	w.mu.Lock()
	what()
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// until waits until the condition holds of all that has been told.
func (w *watched) until(what string, holds func([]probe.Result) bool) []probe.Result {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		results := w.told()
		if holds(results) {
			return results
		}
		select {
		case <-w.changed:
		case <-deadline:
			w.t.Fatalf("it was not told: %s\n%s", what, history(results))
		}
	}
}

// told is all that has been told so far.
func (w *watched) told() []probe.Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.results[:len(w.results):len(w.results)]
}

// following waits until the unit's log was told to be readable.
func (w *watched) following(unit string) *watched {
	w.t.Helper()
	w.until(unit+" can be read", func(results []probe.Result) bool {
		last, ok := lastOf(results, unit)
		return ok && last.Outcome == probe.Pass
	})
	return w
}

// blind waits until the unit's log was told to be out of reach, and gives the reason.
func (w *watched) blind(unit string) string {
	w.t.Helper()
	results := w.until(unit+" is out of reach", func(results []probe.Result) bool {
		return len(blindOf(results, unit)) > 0
	})
	return blindOf(results, unit)[0].Got
}

// log waits until the condition holds of what has been told of the unit's log, put together.
func (w *watched) log(unit, what string, holds func(probe.Log) bool) probe.Log {
	w.t.Helper()
	var whole probe.Log
	w.until(unit+" "+what, func(results []probe.Result) bool {
		whole = logOf(results, unit)
		return holds(whole)
	})
	return whole
}

// lines waits until that many lines of the unit have been told.
func (w *watched) lines(unit string, n uint64) probe.Log {
	w.t.Helper()
	return w.log(unit, fmt.Sprintf("%d lines", n), func(l probe.Log) bool { return l.Lines >= n })
}

// position is how far the journal has been read.
func (w *watched) position() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cursor
}

func logOf(results []probe.Result, unit string) (whole probe.Log) {
	for _, r := range results {
		if r.Key.Unit != unit {
			continue
		}
		whole.Lines += r.Log.Lines
		whole.Dropped += r.Log.Dropped
		whole.Matches = append(whole.Matches, r.Log.Matches...)
		whole.Events = append(whole.Events, r.Log.Events...)
		if !r.Log.Until.IsZero() {
			whole.Until = r.Log.Until
		}
	}
	return whole
}

func lastOf(results []probe.Result, unit string) (last probe.Result, ok bool) {
	for _, r := range results {
		if r.Key.Unit == unit {
			last, ok = r, true
		}
	}
	return last, ok
}

func blindOf(results []probe.Result, unit string) (blind []probe.Result) {
	for _, r := range results {
		if r.Key.Unit == unit && r.Outcome == probe.Error {
			blind = append(blind, r)
		}
	}
	return blind
}

func history(results []probe.Result) string {
	var b strings.Builder
	for _, r := range results[max(0, len(results)-40):] {
		fmt.Fprintf(&b, "%s %s %s", r.Key.Unit, r.Outcome, r.Got)
		if r.Log != nil {
			fmt.Fprintf(&b, " %d lines, %d dropped, %d matches, events %v", r.Log.Lines, r.Log.Dropped, len(r.Log.Matches), r.Log.Events)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func keys(units ...string) []probe.Key {
	var keys []probe.Key
	for _, u := range units {
		keys = append(keys, probe.Key{Service: "proxy", Unit: u})
	}
	return keys
}

// compile compiles the patterns of the one service.
func compile(t testing.TB, patterns ...logpattern.Pattern) map[string]*logpattern.Set {
	t.Helper()
	set, err := logpattern.Compile(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*logpattern.Set{"proxy": set}
}

// numbered matches lines that are numbered, and measures the number.
var numbered = logpattern.Pattern{
	Pattern: probe.Pattern{Name: "numbered", Severity: probe.SeverityInfo, Metric: "log_value_number"},
	Match:   `^number (?P<n>\d+)`, Value: "float(n)",
}

// eachOnce checks that the numbers from 1 to last have been told, each once and in their order.
func eachOnce(t *testing.T, log probe.Log, last int) {
	t.Helper()
	next := 1
	for _, m := range log.Matches {
		if m.Value != float64(next) {
			t.Fatalf("number %v was told where %d was to come", m.Value, next)
		}
		next++
	}
	if next != last+1 {
		t.Errorf("the numbers up to %d were told, want %d", next-1, last)
	}
}

// inside is a program that runs the command within the host.
func inside(t testing.TB, h *testhost.Host, command ...string) string {
	var script strings.Builder
	script.WriteString("exec")
	for _, arg := range h.Command(context.Background(), command...).Args {
		script.WriteString(" '" + arg + "'")
	}
	return executable(t, script.String()+` "$@"`)
}

func executable(t testing.TB, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journalctl")
	if err := os.WriteFile(path, []byte("#!/bin/bash\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
