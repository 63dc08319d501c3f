package verdict

import (
	"fmt"
	"slices"
	"time"

	"postflight/probe"
)

const (
	// grace is how long a unit may be missing or failed: while systemd reloads, it knows no units, and before each
	// automatic restart a unit is failed for a moment.
	grace = 2 * time.Second
	// givenUpAfter is how long a unit that was restarted automatically is failed before it counts as given up. To be restarted
	// it leaves that state at once.
	givenUpAfter = 500 * time.Millisecond
	// loopAtFirstSight is how many automatic restarts make a crash loop of a unit that is first seen between two crashes.
	loopAtFirstSight = 3
	// reconnect is how long a unit out of sight is waited for at the window's end: who watches units tries at least every
	// five seconds to reach systemd again, and one try may fail.
	reconnect = 10 * time.Second
)

// unitTally is what is known of one unit since it was first seen, or last started by hand.
type unitTally struct {
	name        string
	maxRestarts uint64

	observable bool
	why        string // where it is not observable

	// Of the last reading. at is zero as long as there was none.
	at     time.Time
	now    probe.Unit
	total  uint64 // automatic restarts as told
	manual uint64 // starts by hand as told

	counted   time.Time // when restarts began to be counted
	base      uint64    // the total by then
	looping   bool      // first seen in the middle of a crash loop
	loopSince time.Time // it restarts too often; zero: it does not
	lostSince time.Time // missing or failed; zero: it is neither
	exit      exit

	begun      bool // for the deployment, by hand
	diedBefore bool // the deployment: it was failed, or between two crashes

	log logTally
}

// exit is how a unit's last run ended. It is latched, since systemd forgets it at the next start.
type exit struct {
	at     time.Time // zero: none was seen
	result string
	code   int32
	status int32
}

// fold takes a reading and reports whether the unit was started by hand since the reading before.
func (t *unitTally) fold(seen UnitSeen) (byHand bool) {
	t.observable, t.why = seen.Reading != nil, seen.Why
	if !t.observable {
		return false
	}
	u, first := *seen.Reading, t.at.IsZero()
	byHand = !first && seen.ManualStarts > t.manual
	if first || byHand {
		t.counted, t.base, t.exit = seen.Time, seen.Restarts, exit{}
		n := uint64(u.NRestarts)
		t.looping = first && !seen.Known && betweenCrashes(u) && n >= loopAtFirstSight && n > t.maxRestarts
	}
	if first && seen.Known && !t.begun {
		t.diedBefore = u.ActiveState == "failed" || betweenCrashes(u)
	}
	if byHand {
		t.begun = true
		t.log.beginAnew(t.startedBy(u, seen.Time))
		t.loopSince = time.Time{}
	}
	t.at, t.now, t.total, t.manual = seen.Time, u, seen.Restarts, seen.ManualStarts
	t.latchExit()
	if t.loopSince.IsZero() && t.crashLooping() {
		t.loopSince = seen.Time
	}
	switch {
	case !missing(u) && !t.failed():
		t.lostSince = time.Time{}
	case t.lostSince.IsZero():
		t.lostSince = seen.Time
	}
	return byHand
}

// startedBy is when the run began, at the latest, that was seen to have been started since the last reading: it may write
// its first lines before that is seen.
func (t *unitTally) startedBy(u probe.Unit, seen time.Time) time.Time {
	if u.ActiveEnter.After(t.at) {
		return earlier(u.ActiveEnter, seen)
	}
	return seen
}

func (t *unitTally) latchExit() {
	exited, failed := t.now.ExecMainCode != 0, t.now.Result != "" && t.now.Result != "success"
	if !exited && !failed {
		return
	}
	if t.now.Result == startLimitHit && !t.exit.at.IsZero() {
		return // that is no exit
	}
	at := t.now.ExecMainExit
	if at.IsZero() {
		at = t.at
	}
	t.exit = exit{at: at, result: t.now.Result, code: t.now.ExecMainCode, status: t.now.ExecMainStatus}
}

// standing is how the unit stands now. end is that of the window, zero as long as it is not over.
func (t *unitTally) standing(now, end time.Time) standing {
	switch {
	case t.crashLooping():
		return broken
	case !t.observable && now.Before(end.Add(reconnect)):
		return short
	case !t.observable:
		return unseen
	case t.down():
		return broken
	default:
		return fine
	}
}

// down reports whether the unit was seen, and not active.
func (t *unitTally) down() bool { return t.observable && !active(t.now) }

func (t *unitTally) restarts() uint64 { return t.total - t.base }

// crashLooping reports whether the unit restarted more often than it may. Waiting does not take restarts back.
func (t *unitTally) crashLooping() bool { return t.looping || t.restarts() > t.maxRestarts }

// startLimitHit is the Result of a start that systemd refuses.
const startLimitHit = "start-limit-hit"

func (t *unitTally) failed() bool { return t.now.ActiveState == "failed" }

// lostAt is when the grace of a unit ends that is missing or has failed; zero where it is neither, as far as can be
// seen. One that had failed before the deployment has all the time to be started for it.
func (t *unitTally) lostAt() time.Time {
	if t.lostSince.IsZero() || !t.observable || t.awaitsStart() {
		return time.Time{}
	}
	return t.lostSince.Add(grace)
}

// awaitsStart reports whether the unit had failed before the deployment, and nothing has started it since.
func (t *unitTally) awaitsStart() bool {
	return t.diedBefore && !t.begun && t.failed() && t.restarts() == 0
}

// lost reports whether the unit is missing or has failed, and not just for a moment.
func (t *unitTally) lost(now time.Time) bool {
	lost := t.lostAt()
	return !lost.IsZero() && !now.Before(lost)
}

// givenUpAt is when a crash loop is given up: once its log has said why, or that is not to be expected. Zero where there
// is no loop.
func (t *unitTally) givenUpAt() time.Time {
	if !t.loopSince.IsZero() && t.log.awaited() {
		return t.loopSince.Add(wordOfLog)
	}
	return t.loopSince
}

// givenUp reports whether systemd will not restart the unit any more. What it restarted before is failed for a moment only
// before it is restarted again; after a crash loop Result tells of the last crash, and not of the limit.
func (t *unitTally) givenUp(now time.Time) bool {
	if !t.observable || !t.failed() {
		return false
	}
	return t.now.Result == startLimitHit || t.now.NRestarts > 0 && now.Sub(t.lostSince) >= givenUpAfter
}

// hopeless reports whether waiting cannot help the unit.
func (t *unitTally) hopeless(now time.Time) bool {
	if t.now.Result == startLimitHit && t.givenUp(now) && !t.log.awaited() && !t.awaitsStart() {
		return true
	}
	if until := t.givenUpAt(); !until.IsZero() && !now.Before(until) {
		return true
	}
	return t.lost(now)
}

// dying reports whether the unit's process was seen to end by itself.
func (t *unitTally) dying() bool {
	return t.restarts() > 0 || t.observable && (t.failed() || betweenCrashes(t.now))
}

// state is the unit's state in a word of systemd's: why it is not loaded, else its ActiveState.
func (t *unitTally) state() string {
	switch {
	case !t.observable:
		return "unobservable"
	case missing(t.now):
		return t.now.LoadState
	default:
		return t.now.ActiveState
	}
}

func active(u probe.Unit) bool { return runs(u.ActiveState) }

// runs reports whether a unit in this state is up.
func runs(activeState string) bool {
	return slices.Contains([]string{"active", "reloading", "refreshing"}, activeState)
}

// missing reports whether systemd has nothing to start. A unit whose file was taken away or masked while it runs goes on.
func missing(u probe.Unit) bool {
	return u.LoadState != "loaded" && u.LoadState != "" && !active(u)
}

func betweenCrashes(u probe.Unit) bool {
	return u.SubState == "auto-restart" || u.SubState == "auto-restart-queued"
}

// Exit codes of a unit's main process, as sigaction(2) numbers them.
const (
	exited = 1
	killed = 2
	dumped = 3
)

func (e exit) String() string {
	switch e.code {
	case exited:
		return fmt.Sprintf("exit status %d", e.status)
	case killed:
		return fmt.Sprintf("ended by signal %d", e.status)
	case dumped:
		return fmt.Sprintf("ended by signal %d with a core dump", e.status)
	default:
		return "result " + e.result
	}
}
