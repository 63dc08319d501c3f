package demo

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

// screen is where the demo tells what happens. Several goroutines write to it, a line at a time.
type screen struct {
	mu       sync.Mutex
	to       io.Writer
	restarts uint64 // of the unit, as last told
}

func (s *screen) printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.to, format, args...)
}

// tell tells of an event in which something changed. The store calls it.
func (s *screen) tell(event state.Event) {
	if event.Unit != nil {
		s.tellUnit(event.Unit)
		return
	}
	if !event.Changed {
		return
	}
	r := event.Result
	line := fmt.Sprintf("%s %-12s %-5s", r.End().Format(time.TimeOnly), r.Key.Check, r.Outcome)
	if r.Outcome != probe.Pass {
		line += fmt.Sprintf(" %s wanted %s, got %s", r.Reason, r.Wanted, r.Got)
	}
	s.printf("%s\n", line)
}

func (s *screen) tellUnit(unit *state.UnitState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if unit.Restarts == s.restarts {
		return
	}
	s.restarts = unit.Restarts
	fmt.Fprintf(s.to, "%s %s restarted automatically, %d so far\n", time.Now().Format(time.TimeOnly), unit.Key.Unit, unit.Restarts)
}

// indented is a text with each line set in.
func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}

// reachable is an address that a browser on this machine can open, for one that is listened on.
func reachable(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
