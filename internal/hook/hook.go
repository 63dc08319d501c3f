// Package hook runs what an operator wants to be run after a failed verdict: a unit of systemd's, or a command.
package hook

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	return "command " + h.Command[0]
}

// Options is what a run is given.
type Options struct {
	BusAddress string   // of the system bus, for a unit; empty: where it is on every machine
	Stdin      []byte   // what a command reads: the document
	Env        []string // what a command's environment has besides the basics, as KEY=value
}

// Outcome is what came of it.
type Outcome struct {
	Problem string // in words; empty: it succeeded
	Output  string // the end of what a command printed; of a unit, which prints to the journal, a remark on its start
}

// Run runs it and waits for its end, at most for the timeout. A command is killed then, or when the context ends, with
// all of its process group; a unit is merely no longer waited for.
func (h Hook) Run(ctx context.Context, o Options) Outcome {
	limited, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	var output tail
	var err error
	if h.Unit != "" {
		err = startUnit(limited, o.BusAddress, h.Unit, &output)
	} else {
		err = runCommand(limited, h.Command, o, &output)
	}
	var cut cutShort
	switch {
	case err == nil:
		return Outcome{Output: output.String()}
	case errors.As(err, &cut):
		return Outcome{Problem: h.whyCutShort(ctx) + string(cut), Output: output.String()}
	default:
		return Outcome{Problem: err.Error(), Output: output.String()}
	}
}

// cutShort tells that the end was not waited for, and what became of what was running. Why, it does not say.
type cutShort string

func (c cutShort) Error() string { return "not done" + string(c) }

func (h Hook) whyCutShort(ctx context.Context) string {
	if ctx.Err() != nil {
		return "not done when postflight was stopped"
	}
	return fmt.Sprintf("not done after %v", h.Timeout)
}
