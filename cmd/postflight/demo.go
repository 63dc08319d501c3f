package main

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/term"

	"postflight/internal/demo"
)

type demoCommand struct {
	Script bool `help:"Play it through without a terminal; exits 0 if every fault was seen and the broken release taken back, else 1."`
	listening
	logging
}

func (c demoCommand) Run(inv *invocation) error {
	if err := c.listening.validate(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, closeLog, err := c.logger(inv.stderr)
	if err != nil {
		return asUsage(err)
	}
	defer closeLog()
	options := demo.Options{
		Log:             log,
		Out:             inv.stdout,
		Script:          c.Script,
		BackendCommand:  []string{self, "demo-backend"},
		RollbackCommand: []string{self, "demo-rollback"},
		Build:           buildInfo(),
		ListenAddresses: c.ListenAddress,
		WebConfigFile:   c.WebConfig,
	}
	if terminal, ok := inv.stdin.(*os.File); ok && !c.Script && term.IsTerminal(int(terminal.Fd())) {
		before, err := term.MakeRaw(int(terminal.Fd())) // a key counts without Enter
		if err != nil {
			return err
		}
		defer term.Restore(int(terminal.Fd()), before)
		options.Keys, options.Out = terminal, rawScreen{inv.stdout}
	}
	seen, err := demo.Run(inv.ctx, options)
	if err != nil {
		return err
	}
	if !seen {
		return exitCode(exitFailed)
	}
	return nil
}

// rawScreen writes for a terminal in raw mode, which does not go back to the first column by itself.
type rawScreen struct{ to io.Writer }

func (s rawScreen) Write(p []byte) (int, error) {
	if _, err := s.to.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// demoBackendCommand is the demo's backend: what the demo starts as a process of its own.
type demoBackendCommand struct{}

func (demoBackendCommand) Run(inv *invocation) error {
	return exitCode(demo.RunBackend(inv.stdin, inv.stderr))
}

// demoRollbackCommand is what the demo has run after a failed deployment.
type demoRollbackCommand struct {
	Socket string `arg:""`
}

func (c demoRollbackCommand) Run(inv *invocation) error {
	return exitCode(demo.RunRollback(c.Socket, inv.stdout))
}
