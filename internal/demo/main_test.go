package demo_test

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/demo"
	"postflight/internal/logpattern"
	"postflight/probe"
)

// The test binary is also what the supervisor runs, and a supervisor to be killed.
const (
	asBackend    = "as-backend"
	asSupervisor = "as-supervisor"
	asRollback   = "as-rollback"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == asBackend {
		os.Exit(demo.RunBackend(os.Stdin, os.Stderr))
	}
	if len(os.Args) == 3 && os.Args[1] == asRollback {
		os.Exit(demo.RunRollback(os.Args[2], os.Stdout))
	}
	if len(os.Args) == 3 && os.Args[1] == asSupervisor {
		s := demo.NewSupervisor(options(os.Args[2], os.Stdout))
		s.Run(context.Background())
		os.Exit(1)
	}
	// Under the race detector a process would wait a second before it exits.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

var secret = []byte("a secret of the demo's, 32 bytes")

func options(listen string, log io.Writer) demo.SupervisorOptions {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	patterns, err := logpattern.Compile(logpattern.Builtin())
	if err != nil {
		panic(err)
	}
	return demo.SupervisorOptions{
		Key:          probe.Key{Service: "demo", Unit: "demo.service"},
		Command:      []string{self, asBackend},
		Listen:       listen,
		Secret:       secret,
		Release:      "1.4.1",
		RestartDelay: 50 * time.Millisecond,
		Log:          log,
		Patterns:     patterns,
	}
}

// host is a running supervisor, its backend's log, and what its watcher told.
type host struct {
	*demo.Supervisor
	url    string
	log    *journal
	told   <-chan probe.Unit
	last   probe.Unit // of told
	logged <-chan probe.Log
	ctx    context.Context // ends with the test, or when it hangs
	stop   func()          // the supervisor; it has returned when stop does
}

func newHost(t *testing.T) *host {
	t.Helper()
	address, err := demo.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	log := &journal{grown: make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	running, halt := context.WithCancel(ctx)
	told, logged := make(chan probe.Unit, 10_000), make(chan probe.Log, 10_000)
	h := &host{Supervisor: demo.NewSupervisor(options(address, log)), url: "http://" + address, log: log, told: told, logged: logged, ctx: ctx}
	var all sync.WaitGroup
	all.Go(func() {
		h.Watch(running, func(r probe.Result) {
			if r.Log != nil {
				logged <- *r.Log
				return
			}
			told <- *r.Unit
		})
	})
	all.Go(func() {
		if err := h.Run(running); err != nil {
			t.Errorf("supervisor: %v", err)
		}
	})
	h.stop = func() {
		halt()
		all.Wait()
	}
	t.Cleanup(func() {
		h.stop()
		cancel()
	})
	return h
}

// serving returns when a process has begun to serve.
func (h *host) serving(t *testing.T) { h.log.await(t, h.ctx, "startup complete") }

// pid is that of the newest process.
func (h *host) pid(t *testing.T) int {
	t.Helper()
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	_, line, _ := strings.Cut(h.log.text[strings.LastIndex(h.log.text, "Started server process"):], "[")
	number, _, _ := strings.Cut(line, "]")
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// await returns the next reading that is as wanted.
func (h *host) await(t *testing.T, what string, wanted func(probe.Unit) bool) probe.Unit {
	t.Helper()
	for {
		select {
		case h.last = <-h.told:
			if wanted(h.last) {
				return h.last
			}
		case <-h.ctx.Done():
			t.Fatalf("no reading is %s; the last one: %+v", what, h.last)
		}
	}
}

func isRunning(u probe.Unit) bool { return u.ActiveState == "active" && u.SubState == "running" }

func isBetweenCrashes(u probe.Unit) bool {
	return u.ActiveState == "activating" && u.SubState == "auto-restart"
}

// journal takes a log.
type journal struct {
	mu    sync.Mutex
	text  string
	seen  int // up to where it has been awaited
	grown chan struct{}
}

func (j *journal) Write(text []byte) (int, error) {
	j.mu.Lock()
	j.text += string(text)
	j.mu.Unlock()
	select {
	case j.grown <- struct{}{}:
	default:
	}
	return len(text), nil
}

// await returns when the log holds the words, after what was awaited before.
func (j *journal) await(t *testing.T, ctx context.Context, words string) {
	t.Helper()
	for {
		j.mu.Lock()
		text, seen := j.text, j.seen
		at := strings.Index(text[seen:], words)
		if at >= 0 {
			j.seen += at + len(words)
		}
		j.mu.Unlock()
		if at >= 0 {
			return
		}
		select {
		case <-j.grown:
		case <-ctx.Done():
			t.Fatalf("%q is not in the log:\n%s", words, text[seen:])
		}
	}
}
