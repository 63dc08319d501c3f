package state

import (
	"time"

	"postflight/probe"
)

// step counts what a reading, and the one before, tell of the time between them, and returns what caused the start of the
// run that it shows, if that is a new one.
func (l *ledger) step(told *tally, now sight, unit *probe.Unit) (present Trigger) {
	if l.seen() {
		told.Restarts = l.restarts(now)
		present = l.start(told, now)
	}
	if now.InvocationID != "" {
		l.Run, l.RunBoot = now.InvocationID, now.BootID
	}
	l.exit(told, unit)
	return present
}

// restarts returns by how much the automatic restarts grew. systemd's own figure goes back to 0 with reset-failed, stop,
// restart and reboot: then what it shows has come since.
func (l *ledger) restarts(now sight) uint64 {
	last, n := l.Last.NRestarts, now.NRestarts
	switch {
	case sameBoot(now.BootID, l.Last.BootID) && n >= last && !l.wasReset(now):
		l.await(now, n-last)
		return uint64(n - last)
	case now.InvocationID == l.Run && now.Waiting: // reset-failed: the restart that was due still is
		l.await(now, n)
	default:
		l.Pending = uint64(n)
	}
	return uint64(n)
}

// wasReset reports whether there was a reset-failed while the unit waited for its restart. No signal tells of it, but when the
// restart is due its figure may be what it was before; the result of the run then is no longer.
func (l *ledger) wasReset(now sight) bool {
	failed := l.Last.Result != "" && l.Last.Result != "success"
	return l.Last.Waiting && now.Waiting && now.InvocationID == l.Run && failed && now.Result == "success"
}

// await adds restarts to those whose run is awaited. After one run there is one at most, but daemon-reload can make systemd
// count it again.
func (l *ledger) await(now sight, restarts uint32) {
	l.Pending += uint64(restarts)
	if now.InvocationID != "" && now.InvocationID == l.Run {
		l.Pending = min(l.Pending, 1)
	}
}

// start counts the starts since the last reading. Where there were several by hand, it shows but one.
func (l *ledger) start(told *tally, now sight) (present Trigger) {
	if now.InvocationID == "" || now.InvocationID == l.Run {
		return NotStarted
	}
	first, automatic := l.Run == "" || !sameBoot(now.BootID, l.RunBoot), l.Pending
	doubtful := automatic > 0 && now.Failed && l.inGap() // the last restart may have met the start limit
	if doubtful {
		automatic--
	}
	l.Pending, told.Starts.Automatic = 0, automatic
	switch {
	case l.wasDue(now):
		return Automatic
	case first && (now.AtBoot || now.NRestarts > 0 && !sameBoot(now.BootID, l.Last.BootID)):
		present = Boot
	case first, automatic == 0 && !doubtful:
		present = Manual
	}
	told.Starts.count(present)
	if automatic > 0 {
		present = Automatic
	}
	return present
}

// dispatch is how long systemd takes at most to begin a restart that it has counted.
const dispatch = 200 * time.Millisecond

// wasDue reports whether the new run is the restart that systemd had counted, and not begun, when the unit was first seen,
// or seen again after a gap, between two crashes.
func (l *ledger) wasDue(now sight) bool {
	return now.NRestarts > 0 && now.NRestarts == l.Last.NRestarts && now.Start.Sub(l.waited) < dispatch
}

// exit takes up how a run ended: by the exit of the main process, or before there was one, as by a failing
// ExecStartPre=. systemd forgets it at the next start, so it is kept here. What ended before the first sight is shown
// but not counted.
func (l *ledger) exit(told *tally, unit *probe.Unit) {
	kind := exitKind(unit.ExecMainCode)
	switch {
	case kind != "" && !unit.ExecMainExit.IsZero() && !unit.ExecMainExit.Equal(l.MainExitAt):
		l.MainExitAt = unit.ExecMainExit
		l.MainExit = laterExit(l.MainExit, MainExit{Kind: kind, Status: unit.ExecMainStatus, At: unit.ExecMainExit})
	case !failedWithoutMain(unit), unit.InvocationID == l.Ended:
		return
	}
	l.Ended = unit.InvocationID
	told.countExit(unit.Result)
}

// failedWithoutMain reports whether a run is over and went wrong, and no exit of a main process tells so.
func failedWithoutMain(unit *probe.Unit) bool {
	return ended(unit) && unit.InvocationID != "" && unit.Result != "" && unit.Result != "success" && unit.ExecMainExit.IsZero()
}

// MainExit is how the main process ended; Kind is empty where it never did.
type MainExit struct {
	Kind   string    `json:"kind"`   // exited, killed, dumped
	Status int32     `json:"status"` // exit status, or the signal
	At     time.Time `json:"at"`
}

func laterExit(a, b MainExit) MainExit {
	if b.At.After(a.At) {
		return b
	}
	return a
}

// exitKind names siginfo's code, see waitid(2).
func exitKind(code int32) string {
	switch code {
	case 1:
		return "exited"
	case 2:
		return "killed"
	case 3:
		return "dumped"
	default:
		return ""
	}
}
