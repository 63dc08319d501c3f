// Package hook runs what an operator wants to be run after a failed verdict: a unit of systemd's, or a command.
package hook

import (
	"slices"
	"strings"
	"time"
)

// Hook is a unit that is started, or a command that is run without a shell; one of the two.
type Hook struct {
	Unit    string
	Command []string // the program, then its arguments
	Timeout time.Duration
	On      []string // of deployments from which sources: api, cli, detected
}

// For reports whether it is to be run for a deployment from a source.
func (h Hook) For(source string) bool { return slices.Contains(h.On, source) }

// String names what is run. Arguments are left out, since they may hold secrets.
func (h Hook) String() string {
	if h.Unit != "" {
		return "unit " + h.Unit
	}
	return strings.Join([]string{"command", h.Command[0]}, " ")
}

// Outcome is what came of it.
type Outcome struct {
	Problem string // in words; empty: it succeeded
	Output  string // the last 64 KiB of what a command printed
}
