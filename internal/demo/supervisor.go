package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"time"

	"postflight/internal/logpattern"
	"postflight/probe"
)

// SupervisorOptions says what is supervised and how.
type SupervisorOptions struct {
	Key          probe.Key       // of the unit that it shows
	Command      []string        // a program and arguments that call RunBackend on their standard input
	Listen       string          // where the backend serves
	Secret       []byte          // that tokens are signed with
	Release      string          // at first
	RestartDelay time.Duration   // as RestartSec=
	Log          io.Writer       // takes what the backend writes, of one process at a time
	Patterns     *logpattern.Set // that are looked for in it
}

// Supervisor runs the backend in a process of its own and starts it again whenever it exits, as systemd does with
// Restart=always and StartLimitIntervalSec=0. As a probe.Watcher it shows the unit as systemd would, and its log as the
// journal would.
type Supervisor struct {
	options  SupervisorOptions
	readings *readings
	commands chan command

	// The rest is Run's own.
	child   *child           // nil while it waits for the restart
	restart <-chan time.Time // nil while the child runs
	release string
	fault   string
}

// command is for Run to carry out. carried is closed when it has been.
type command struct {
	release string // empty: as before, without a restart
	fault   string
	carried chan struct{}
}

// NewSupervisor makes a supervisor. Nothing runs before Run is called.
func NewSupervisor(o SupervisorOptions) *Supervisor {
	return &Supervisor{
		options:  o,
		readings: newReadings(o.Key),
		commands: make(chan command),
		release:  o.Release,
		fault:    Mended,
	}
}

// Watch tells the unit's present state, and then each change and what is logged, until ctx ends.
func (s *Supervisor) Watch(ctx context.Context, tell func(probe.Result)) error {
	s.readings.watch(ctx, tell)
	return nil
}

// FreeAddress is a port of this machine that nobody listens on.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// Deploy starts another release by hand, as `systemctl restart` does. It returns when it runs.
func (s *Supervisor) Deploy(ctx context.Context, release, fault string) error {
	return s.send(ctx, command{release: release, fault: fault})
}

// Fault breaks the backend, or mends it with Mended. A backend that crashes is mended by its next automatic restart.
func (s *Supervisor) Fault(ctx context.Context, fault string) error {
	return s.send(ctx, command{fault: fault})
}

func (s *Supervisor) send(ctx context.Context, c command) error {
	if !known(c.fault) {
		return fmt.Errorf("no such fault: %s", c.fault)
	}
	c.carried = make(chan struct{})
	select {
	case s.commands <- c:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-c.carried
	return nil
}

// Run supervises the backend until ctx ends. No process is left when it returns.
func (s *Supervisor) Run(ctx context.Context) error {
	err := s.start(byHand)
	for err == nil {
		var exited chan struct{}
		if s.child != nil {
			exited = s.child.exited
		}
		select {
		case <-ctx.Done():
			s.stop()
			return nil
		case <-exited:
			s.awaitRestart()
		case <-s.restart:
			err = s.start(automatically)
		case c := <-s.commands:
			err = s.carryOut(c)
			close(c.carried)
		}
	}
	return fmt.Errorf("starting the demo's backend: %w", err)
}

func (s *Supervisor) carryOut(c command) error {
	s.fault = c.fault
	if c.release != "" {
		s.release = c.release
		s.stop()
		return s.start(byHand)
	}
	if s.child != nil {
		s.child.tell(order{Fault: s.fault})
	}
	return nil
}

type trigger bool

const (
	automatically trigger = false
	byHand        trigger = true
)

// start starts a process. systemd counts an automatic restart when its timer fires, before the start.
func (s *Supervisor) start(t trigger) error {
	s.restart = nil
	first := order{Listen: s.options.Listen, Release: s.release, Key: s.options.Secret, Fault: s.fault}
	written := &processLog{to: s.options.Log, key: s.options.Key, reader: s.options.Patterns.Reader(), tell: s.readings.tell}
	started, err := startChild(s.options.Command, written, first)
	if err != nil {
		return err
	}
	s.child = started
	s.readings.change(func(u *probe.Unit) {
		if t == automatically {
			u.NRestarts++
		}
		u.InvocationID = newInvocation()
		u.ActiveState, u.SubState, u.Result = "active", "running", "success"
		u.ExecMainCode, u.ExecMainStatus, u.ExecMainExit = 0, 0, time.Time{}
		u.ActiveEnter = time.Now()
	})
	return nil
}

// awaitRestart notes that the process has exited.
func (s *Supervisor) awaitRestart() {
	s.child.orders.Close()
	result, code, status := s.child.ending()
	s.child, s.restart = nil, time.After(s.options.RestartDelay)
	s.readings.change(func(u *probe.Unit) {
		u.ActiveState, u.SubState = "activating", "auto-restart"
		u.Result, u.ExecMainCode, u.ExecMainStatus, u.ExecMainExit = result, code, status, time.Now()
	})
}

// stop stops what runs. Stopping an active unit sets systemd's counter back; one that waits for its restart keeps it.
func (s *Supervisor) stop() {
	if s.child == nil {
		s.restart = nil
		return
	}
	s.readings.change(func(u *probe.Unit) { u.ActiveState, u.SubState = "deactivating", "stop-sigterm" })
	s.child.stop()
	_, code, status := s.child.ending()
	s.child = nil
	s.readings.change(func(u *probe.Unit) {
		u.ActiveState, u.SubState, u.Result = "inactive", "dead", "success"
		u.ExecMainCode, u.ExecMainStatus, u.ExecMainExit = code, status, time.Now()
		u.NRestarts, u.InvocationID = 0, ""
	})
}

func newInvocation() string {
	id := make([]byte, 16)
	rand.Read(id) // never fails
	return hex.EncodeToString(id)
}
