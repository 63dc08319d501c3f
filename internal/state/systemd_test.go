package state_test

import (
	"fmt"
	"maps"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

// phase is where systemd has a unit.
type phase int

const (
	stopped phase = iota
	running
	stopping
	waiting // for the restart timer
	failed
)

// counts is what truly happened to a unit.
type counts struct {
	Restarts uint64
	Starts   state.Starts
	Exits    map[string]uint64
}

func (c counts) clone() counts {
	c.Exits = maps.Clone(c.Exits)
	return c
}

// systemd does to one unit what the real one does: what it shows on the bus, and what it writes in the journal.
type systemd struct {
	now   time.Time
	boot  int
	phase phase

	n          uint32
	flush      bool   // n, at the next start
	invocation string // empty: none
	runs       int
	atBoot     bool
	result     string
	due        bool      // the restart for which it waits
	exit       time.Time // of the main process; zero: it runs
	changed    time.Time // the phase

	truth   counts
	manual  map[string]bool // runs
	journal []probe.UnitEvent
	signal  func() // called whenever the bus would tell a change
}

func newSystemd() *systemd {
	return &systemd{now: noon, truth: counts{Exits: map[string]uint64{}}, manual: map[string]bool{}, signal: func() {}}
}

func (s *systemd) pass(d time.Duration) { s.now = s.now.Add(d) }

func (s *systemd) write(kind probe.UnitEventKind) {
	s.pass(100 * time.Microsecond)
	e := probe.UnitEvent{Kind: kind, Time: s.now, BootID: s.bootID(), InvocationID: s.invocation}
	switch kind {
	case probe.RestartScheduled:
		e.NRestarts = s.n
	case probe.ProcessExited:
		e.ExitCode, e.ExitStatus = "exited", 1
	case probe.UnitFailed:
		e.Result = s.result
	}
	s.journal = append(s.journal, e)
}

func (s *systemd) become(p phase) {
	s.pass(100 * time.Microsecond)
	if s.phase != p {
		s.phase, s.changed = p, s.now
	}
	s.pass(100 * time.Microsecond)
	s.signal()
}

func (s *systemd) bootID() string { return fmt.Sprint("boot-", s.boot) }

func (s *systemd) start(by *uint64) {
	if s.flush {
		s.n, s.flush = 0, false
	}
	s.runs++
	*by++
	s.invocation, s.atBoot, s.exit, s.result = fmt.Sprint("run-", s.runs), by == &s.truth.Starts.Boot, time.Time{}, "success"
	s.manual[s.invocation] = by == &s.truth.Starts.Manual
	s.begin()
	s.write(probe.UnitStarted)
	s.become(running)
}

// begin tells of a run that has its invocation, and no process yet: the unit is then still inactive, or failed.
func (s *systemd) begin() {
	if s.phase == failed {
		s.become(failed)
	} else {
		s.become(stopped)
	}
}

func (s *systemd) end(result string) {
	s.pass(100 * time.Microsecond)
	s.exit, s.result = s.now, result
	s.truth.Exits[result]++
	if result == "success" {
		s.write(probe.UnitSucceeded)
	}
}

func (s *systemd) crash() {
	s.crashSlowly()
	s.over()
}

// crashSlowly is a crash of a unit that has something to do afterwards.
func (s *systemd) crashSlowly() {
	if s.phase == running {
		s.end("exit-code")
		s.write(probe.ProcessExited)
		s.become(stopping)
	}
}

// over is when what is under way is done.
func (s *systemd) over() {
	switch {
	case s.due:
		s.due = false
		s.start(&s.truth.Starts.Automatic)
	case s.phase == stopping:
		s.write(probe.UnitFailed)
		s.become(failed)
		s.become(waiting)
	}
}

// endWell is the exit of a process that wants to be restarted.
func (s *systemd) endWell() {
	if s.phase == running {
		s.end("success")
		s.become(waiting)
	}
}

func (s *systemd) schedule() {
	s.n++
	s.truth.Restarts++
	s.write(probe.RestartScheduled)
	s.become(waiting)
}

func (s *systemd) timer() {
	s.fire()
	s.over()
}

// fire is the timer's half of it: the restart is due.
func (s *systemd) fire() {
	if s.phase == waiting && !s.due {
		s.schedule()
		s.due = true
	}
}

// scheduleTwice is a daemon-reload just when the timer fires.
func (s *systemd) scheduleTwice() {
	if s.phase == waiting && !s.due {
		s.schedule()
		s.timer()
	}
}

// limit is the timer with a start limit that is hit.
func (s *systemd) limit() {
	if s.phase == waiting && !s.due {
		s.schedule()
		s.write(probe.UnitFailed)
		s.write(probe.StartFailed)
		s.flush = true
		s.become(failed)
	}
}

func (s *systemd) stopRun() {
	s.write(probe.UnitStopping)
	s.end("success")
	s.flush = true
	s.become(stopping)
}

// restart also starts what does not run.
func (s *systemd) restart() {
	if s.over(); s.phase == running {
		s.stopRun()
	}
	s.start(&s.truth.Starts.Manual)
}

func (s *systemd) stop() {
	switch s.over(); s.phase {
	case failed:
		return
	case running:
		s.stopRun()
	}
	s.become(stopped)
}

// unload forgets a unit that is not in use. Nobody is told.
func (s *systemd) unload() {
	if s.phase == stopped {
		s.n, s.flush, s.invocation, s.result, s.exit = 0, false, "", "success", time.Time{}
	}
}

// cancel is a stop that comes when the restart timer has fired.
func (s *systemd) cancel() {
	if s.phase == waiting && !s.due {
		s.schedule()
		s.stop()
		s.unload()
	}
}

// resetFailed tells nobody of what it resets in a unit that has not failed.
func (s *systemd) resetFailed() {
	s.over()
	s.n, s.flush, s.result = 0, false, "success"
	if s.phase == failed {
		s.become(stopped)
	}
}

// reboot comes with or without the unit. Nobody watches.
func (s *systemd) reboot(enabled bool) {
	s.over()
	s.boot++
	s.pass(10 * time.Second)
	s.phase, s.n, s.flush, s.invocation, s.exit = stopped, 0, false, "", time.Time{}
	if enabled {
		s.start(&s.truth.Starts.Boot)
	}
}

// shown is what the bus says now.
func (s *systemd) shown() *probe.Unit {
	u := &probe.Unit{
		LoadState: "loaded", Result: s.result, NRestarts: s.n, InvocationID: s.invocation, BootID: s.bootID(), AtBoot: s.atBoot,
		ExecMainExit: s.exit,
	}
	if !s.exit.IsZero() {
		u.ExecMainCode = 1
	}
	u.ActiveState, u.SubState, _ = cut([...]string{
		stopped: "inactive/dead", running: "active/running", stopping: "deactivating/stop-sigterm",
		waiting: "activating/auto-restart", failed: "failed/failed",
	}[s.phase])
	return u
}
