package state

import (
	"slices"
	"time"

	"postflight/probe"
)

// UnitState is what is known of one systemd unit. It is never changed.
type UnitState struct {
	Key  probe.Key
	Last probe.Result // its Unit is what systemd said; nil: out of reach

	Restarts uint64 // automatic restarts since the unit was first seen; only grows
	Starts   Starts // likewise
	Exits    []Exits
	MainExit MainExit  // the last one
	Log      *LogState // nil: it is not watched

	loop crashLoop
}

// Trigger is what caused a start of a unit.
type Trigger string

// The triggers.
const (
	NotStarted Trigger = ""
	Automatic  Trigger = "automatic" // Restart=
	Manual     Trigger = "manual"    // a person, a script, another unit
	Boot       Trigger = "boot"      // the machine's start
)

// Starts counts a unit's starts by what caused them.
type Starts struct {
	Automatic uint64 // Restart=
	Manual    uint64 // a person, a script, another unit
	Boot      uint64 // the machine's start
}

// Exits counts how often the unit's run ended with one of systemd's results.
type Exits struct {
	Result string
	Count  uint64
}

// MainExit is how the main process ended; Kind is empty where it never did.
type MainExit struct {
	Kind   string // exited, killed, dumped
	Status int32  // exit status, or the signal
	At     time.Time
}

// UnitResults are systemd's values for the Result of a service, see systemd.exec(5), $SERVICE_RESULT.
var UnitResults = [...]string{
	"success", "protocol", "timeout", "exit-code", "signal", "core-dump", "watchdog", "exec-condition", "oom-kill",
	"start-limit-hit", "resources",
}

// UnitStates are systemd's values of ActiveState, and the two values of LoadState which say that a unit is no unit: an
// ActiveState of theirs would tell nothing.
var UnitStates = [...]string{
	"active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing",
	"not-found", "masked",
}

// HasRun reports whether there is a result yet, be it that the unit is out of reach.
func (u *UnitState) HasRun() bool { return !u.Last.Start.IsZero() }

// Observable reports whether the last look saw the unit.
func (u *UnitState) Observable() bool { return u.Last.Unit != nil }

// State is one of UnitStates, or empty while the unit is out of reach.
func (u *UnitState) State() string {
	switch seen := u.Last.Unit; {
	case seen == nil:
		return ""
	case seen.LoadState == "not-found" || seen.LoadState == "masked":
		return seen.LoadState
	default:
		return seen.ActiveState
	}
}

// CrashLooping reports whether the unit is being restarted again and again, or has failed after it was.
func (u *UnitState) CrashLooping(now time.Time) bool { return u.loop.holds(now) }

// unitEntry belongs to the Store and is guarded by its lock; state alone is shared.
type unitEntry struct {
	state      *UnitState
	seen       bool // at least once; what is below means nothing before
	seenAt     time.Time
	nRestarts  uint32 // as last read
	invocation string // the last that was not empty
	pending    uint64 // automatic restarts whose new invocation has not been seen
	ended      string // the last invocation that was seen to end
}

// configured returns the entry, a new one if there was none.
func (e *unitEntry) configured(key probe.Key, patterns []probe.Pattern) *unitEntry {
	if e != nil {
		next := *e.state
		next.Log = next.Log.configured(patterns)
		e.state = &next
		return e
	}
	exits := make([]Exits, len(UnitResults))
	for i, result := range UnitResults {
		exits[i].Result = result
	}
	var none *LogState
	return &unitEntry{state: &UnitState{Key: key, Exits: exits, Log: none.configured(patterns)}}
}

func (e *unitEntry) foldLog(r probe.Result) {
	next := *e.state
	next.Log = next.Log.after(r)
	e.state = &next
}

func (e *unitEntry) fold(r probe.Result) {
	next := *e.state
	next.Last = r
	if unit := r.Unit; unit != nil {
		at := r.End()
		restarts, manual := e.restarts(unit.NRestarts), false
		if e.started(unit.InvocationID) {
			automatic := e.pending
			manual = automatic == 0
			if manual {
				next.Starts.Manual++
			}
			next.Starts.Automatic += automatic
			e.pending = 0
		}
		next.Restarts += restarts
		e.exit(&next, unit)
		next.loop = next.loop.after(loopReading{
			at: at, first: !e.seen, gap: at.Sub(e.seenAt), unit: unit, restarts: restarts, manualStart: manual,
		})
		e.seen, e.seenAt = true, at
	}
	e.state = &next
}

// restarts returns by how much the automatic restarts grew. systemd's own figure goes back to 0 with reset-failed, stop
// and restart: then what it shows has come since. On first sight it is only where to count from.
func (e *unitEntry) restarts(n uint32) uint64 {
	last := e.nRestarts
	e.nRestarts = n
	switch {
	case !e.seen:
		return 0
	case n >= last:
		e.pending += uint64(n - last)
		return uint64(n - last)
	default:
		e.pending = uint64(n) // a restart that was due has been cancelled
		return uint64(n)
	}
}

// started reports whether the unit was started since it was last seen.
func (e *unitEntry) started(invocation string) bool {
	if invocation == "" || invocation == e.invocation {
		return false
	}
	e.invocation = invocation
	return e.seen
}

// exit takes up how a run ended: by the exit of the main process, or before there was one, as by a failing
// ExecStartPre=. systemd forgets it at the next start, so it is kept here. What ended before the first sight is shown
// but not counted.
func (e *unitEntry) exit(next *UnitState, unit *probe.Unit) {
	kind := exitKind(unit.ExecMainCode)
	switch {
	case kind != "" && !unit.ExecMainExit.IsZero() && !unit.ExecMainExit.Equal(next.MainExit.At):
		next.MainExit = MainExit{Kind: kind, Status: unit.ExecMainStatus, At: unit.ExecMainExit}
	case !failedWithoutMain(unit), unit.InvocationID == e.ended:
		return
	}
	e.ended = unit.InvocationID
	if e.seen {
		next.countExit(unit.Result)
	}
}

// failedWithoutMain reports whether a run is over and went wrong, and no exit of a main process tells so.
func failedWithoutMain(unit *probe.Unit) bool {
	over := unit.ActiveState == "failed" || unit.ActiveState == "inactive" || betweenCrashes(unit)
	return over && unit.InvocationID != "" && unit.Result != "" && unit.Result != "success" && unit.ExecMainExit.IsZero()
}

func (u *UnitState) countExit(result string) {
	u.Exits = slices.Clone(u.Exits)
	i := slices.IndexFunc(u.Exits, func(e Exits) bool { return e.Result == result })
	if i < 0 {
		i = len(u.Exits)
		u.Exits = append(u.Exits, Exits{Result: result})
	}
	u.Exits[i].Count++
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
