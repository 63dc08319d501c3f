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

	// failedGrace is how long a unit has to stay failed to count as failed: before each automatic restart it shows
	// failed for a moment, until v254 without a SubState that tells it apart.
	failedGrace = 2 * time.Second
)

// crashLoop judges whether a unit is restarted again and again. It is a value: after returns the next one.
type crashLoop struct {
	recent  [loopRestarts]time.Time // of the last automatic restarts, the newest last; zero: none
	looping bool
	lastBad time.Time // the last automatic restart, or the last sight of the failed unit
	mended  time.Time // when it was started by hand and has stayed up since; zero: it was or has not
	failed  time.Time // since when it is failed, after automatic restarts; zero: it is not
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
	case l.stayedFailed(now):
		return true
	case !l.looping, now.Sub(l.lastBad) >= loopWindow:
		return false
	case l.mended.IsZero():
		return true
	default:
		return now.Sub(l.mended) < loopRecovery
	}
}

// stayedFailed reports whether the unit has been failed for longer than the moment before an automatic restart.
func (l crashLoop) stayedFailed(now time.Time) bool {
	return !l.failed.IsZero() && now.Sub(l.failed) >= failedGrace
}

func (l crashLoop) after(r loopReading) crashLoop {
	if l.stayedFailed(r.at) {
		l.looping, l.lastBad = true, r.at
	}
	if l.looping && !l.holds(r.at) {
		l = crashLoop{}
	}
	for range min(r.restartsOfLate(), loopRestarts) {
		copy(l.recent[:], l.recent[1:])
		l.recent[loopRestarts-1] = r.at
		l.lastBad = r.at
	}
	switch {
	case r.restarts > 0 || r.down():
		l.mended = time.Time{}
	case r.manualStart:
		l.mended = r.at
	}
	switch {
	case r.unit.ActiveState != "failed" || r.betweenCrashes() || r.unit.NRestarts == 0:
		l.failed = time.Time{}
	case l.failed.IsZero():
		l.failed = r.at
	}
	if !l.recent[0].IsZero() && r.at.Sub(l.recent[0]) < loopWindow {
		l.looping = true
	}
	if r.first && r.betweenCrashes() && r.unit.NRestarts >= loopRestarts {
		l.looping, l.lastBad = true, r.at
	}
	return l
}

// down reports whether the unit neither runs nor is on the way there.
func (r loopReading) down() bool {
	switch r.unit.ActiveState {
	case "active", "reloading", "refreshing":
		return false
	case "activating":
		return r.betweenCrashes()
	default:
		return true
	}
}

// betweenCrashes reports whether systemd is about to restart the unit. In the last of these states, which lasts for a
// moment only, ActiveState is failed already.
func (r loopReading) betweenCrashes() bool {
	switch r.unit.SubState {
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
