package state

import (
	"time"

	"postflight/probe"
)

// When a unit is crash looping, and when it is no longer.
const (
	loopRestarts = 3
	loopWindow   = 5 * time.Minute // that many restarts within; and quiet for as long before it is over
	loopRecovery = time.Minute     // or up for so long after a start by hand

	// moment is how long a unit has to stay failed to count as failed, or inactive to count as stopped: before each
	// automatic restart and each new start it shows one of them for a moment, until v254 without a SubState that tells
	// it apart.
	moment = 2 * time.Second
)

// crashLoop judges whether a unit is restarted again and again. It is a value: after returns the next one.
type crashLoop struct {
	Recent  [loopRestarts]time.Time `json:"recent,omitzero"` // of the last automatic restarts, the newest last; zero: none
	Looping bool                    `json:"looping,omitempty"`
	LastBad time.Time               `json:"last_bad,omitzero"` // the last automatic restart, or the last sight of the failed unit
	Mended  time.Time               `json:"mended,omitzero"`   // when it was started by hand and has stayed up since; zero: it was or has not
	Failed  time.Time               `json:"failed,omitzero"`   // since when it is failed, after automatic restarts; zero: it is not
	Stopped time.Time               `json:"stopped,omitzero"`  // since when it is inactive; zero: it is not
}

// loopReading is what one look at a unit means to the judgement.
type loopReading struct {
	at          time.Time
	first       bool
	gap         time.Duration // since the last look
	unit        *probe.Unit
	restarts    uint64
	manualStart bool
}

func (l crashLoop) holds(now time.Time) bool {
	switch {
	case stayed(l.Failed, now):
		return true
	case !l.Looping, stayed(l.Stopped, now), now.Sub(l.LastBad) >= loopWindow:
		return false
	case l.Mended.IsZero():
		return true
	default:
		return now.Sub(l.Mended) < loopRecovery
	}
}

// since is when a state began that holds now or does not; it was known to have begun before, if it had.
func since(before time.Time, holds bool, now time.Time) time.Time {
	switch {
	case !holds:
		return time.Time{}
	case before.IsZero():
		return now
	default:
		return before
	}
}

// stayed reports whether a unit has been in a state since then for longer than a moment.
func stayed(since, now time.Time) bool { return !since.IsZero() && now.Sub(since) >= moment }

func (l crashLoop) after(r loopReading) crashLoop {
	if stayed(l.Failed, r.at) {
		l.Looping, l.LastBad = true, r.at
	}
	if r.forgotten() || stayed(l.Stopped, r.at) || l.Looping && !l.holds(r.at) {
		l = crashLoop{}
	}
	for range min(r.restartsOfLate(), loopRestarts) {
		l = l.restarted(r.at)
	}
	switch {
	case r.down():
		l.Mended = time.Time{}
	case r.manualStart:
		l.Mended = r.at
	}
	failed := r.unit.ActiveState == "failed" && !betweenCrashes(r.unit) && r.unit.NRestarts > 0
	l.Failed = since(l.Failed, failed, r.at)
	l.Stopped = since(l.Stopped, r.unit.ActiveState == "inactive", r.at)
	if r.first && betweenCrashes(r.unit) && r.unit.NRestarts >= loopRestarts {
		l.Looping, l.LastBad = true, r.at
	}
	return l
}

// restarted takes up an automatic restart, which may have been before others that were taken up already.
func (l crashLoop) restarted(at time.Time) crashLoop {
	i := 0
	for i < loopRestarts-1 && at.After(l.Recent[i+1]) {
		i++
	}
	if at.After(l.Recent[0]) {
		copy(l.Recent[:i], l.Recent[1:i+1])
		l.Recent[i] = at
	}
	if at.After(l.LastBad) {
		l.LastBad = at
	}
	if at.After(l.Mended) {
		l.Mended = time.Time{}
	}
	if !l.Recent[0].IsZero() && l.Recent[loopRestarts-1].Sub(l.Recent[0]) < loopWindow {
		l.Looping = true
	}
	return l
}

// down reports whether the unit neither runs nor is on the way there.
func (r loopReading) down() bool {
	switch r.unit.ActiveState {
	case "active", "reloading", "refreshing":
		return false
	case "activating":
		return betweenCrashes(r.unit)
	default:
		return !begins(r.unit)
	}
}

// forgotten reports whether systemd knows of no run of the unit: nobody started it, or it was stopped and unloaded. A
// unit that an enabled one wants stays loaded, and shows its last run for as long as it is stopped.
func (r loopReading) forgotten() bool {
	return r.unit.ActiveState == "inactive" && r.unit.Result == "success" && r.unit.InvocationID == "" && r.unit.NRestarts == 0
}

// betweenCrashes reports whether systemd is about to restart the unit. In the last of these states, which lasts for a
// moment only, ActiveState is failed already.
func betweenCrashes(unit *probe.Unit) bool {
	switch unit.SubState {
	case "auto-restart", "auto-restart-queued", "failed-before-auto-restart":
		return true
	default:
		return false
	}
}

// restartsOfLate is how many of the restarts lie within the window. Where nobody looked for longer than that, they are
// taken to be spread evenly.
func (r loopReading) restartsOfLate() uint64 {
	if r.gap <= loopWindow {
		return r.restarts
	}
	return uint64(float64(r.restarts) * loopWindow.Seconds() / r.gap.Seconds())
}
