package demo_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"go.uber.org/zap"

	"postflight/internal/demo"
)

func storyOptions(out io.Writer) demo.Options {
	self, err := os.Executable() // absolute, as programs that are run after a failed deployment have to be
	if err != nil {
		panic(err)
	}
	return demo.Options{
		Out: out, Log: zap.NewNop(), BackendCommand: []string{self, asBackend}, RollbackCommand: []string{self, asRollback},
		ListenAddresses: []string{"127.0.0.1:0"},
	}
}

func TestTheScriptSeesEveryFault(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	o := storyOptions(&out)
	o.Script = true
	seen, err := demo.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !seen || strings.Contains(out.String(), "NOT SEEN") {
		t.Errorf("not all was seen:\n%s", &out)
	}
	for _, fault := range demo.Faults {
		if !strings.Contains(out.String(), fault.Title) {
			t.Errorf("the script leaves out: %s", fault.Title)
		}
	}
}

func TestAScriptThatIsEndedHasNotSeenAll(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := storyOptions(io.Discard)
	o.Script = true
	if seen, err := demo.Run(ctx, o); seen || err != nil {
		t.Errorf("got %v, %v; want false and no error", seen, err)
	}
}

// watched is a screen that a test can wait on.
type watched struct {
	mu    sync.Mutex
	text  strings.Builder
	wrote chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return len(p), nil
}

// await waits until the screen shows a text behind what it has been asked for before.
func (w *watched) await(t *testing.T, from int, text string) int {
	t.Helper()
	for {
		w.mu.Lock()
		i := strings.Index(w.text.String()[from:], text)
		w.mu.Unlock()
		if i >= 0 {
			return from + i + len(text)
		}
		select {
		case <-w.wrote:
		case <-t.Context().Done():
			t.Fatalf("never shown: %q", text)
		}
	}
}

// fits wants what is shown up to there to fit a terminal as small as they come.
func (w *watched) fits(t *testing.T, to int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := strings.Split(w.text.String()[:to], "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines, want 24 at most", len(lines))
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d characters wide, want 80 at most: %s", n, line)
		}
	}
}

func TestAPersonBreaksAndMends(t *testing.T) {
	t.Parallel()
	screen := &watched{wrote: make(chan struct{}, 1)}
	keys, press := io.Pipe()
	o := storyOptions(screen)
	o.Keys = keys
	done := make(chan error, 1)
	go func() {
		_, err := demo.Run(t.Context(), o)
		done <- err
	}()
	at := screen.await(t, 0, "quit")
	screen.fits(t, at)
	for _, act := range []struct{ key, shown string }{
		{"q", "queue-status fail  body"},
		{"m", "queue-status pass"},
		{"b", "missing_dependency"},
		{"", "rollback: succeeded"},
		{"", "PASSED"},
		{"", "after the rollback of"},
		{"g", "PASSED"},
		{"b", "FAILED"}, // again: that it was mended in between makes it no failure from before
		{"", "rollback: succeeded"},
		{"?", ""}, // no such key, and nothing happens
	} {
		io.WriteString(press, act.key)
		at = screen.await(t, at, act.shown)
	}
	io.WriteString(press, "x")
	if err := <-done; err != nil {
		t.Error(err)
	}
	press.Close()
}

func TestATakenPortIsSaidAndNothingIsLeft(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o := storyOptions(io.Discard)
	o.ListenAddresses = []string{taken.Addr().String()}
	if _, err := demo.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the address is in use") {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) != 0 {
		t.Errorf("%v, left behind: %v", err, left)
	}
}
