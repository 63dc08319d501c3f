package state

import (
	"maps"
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
	Run      string    // invocation of the present run, or of the last one that was seen
	Log      *LogState // nil: it is not watched

	loop crashLoop
}

// Exits counts how often the unit's run ended with one of systemd's results.
type Exits struct {
	Result string
	Count  uint64
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
	state  *UnitState
	ledger ledger
}

// configured returns the entry with what is configured now. A new one begins with what was saved of the unit, if anything
// was.
func (e *unitEntry) configured(key probe.Key, patterns []probe.Pattern, before *savedUnit) *unitEntry {
	next := UnitState{Key: key}
	switch {
	case e != nil:
		next = *e.state
	case before != nil:
		e = &unitEntry{ledger: before.ledger}
		next.Log = before.Log.state()
	default:
		e = &unitEntry{}
	}
	next.Log = next.Log.configured(patterns)
	e.show(next)
	return e
}

func (e *unitEntry) fold(r probe.Result) (started Trigger) {
	if r.Unit != nil {
		started = e.ledger.look(r, e.state.Log.expected())
	} else {
		started = e.ledger.lose(r.End())
	}
	next := *e.state
	next.Last = r
	e.show(next)
	return started
}

func (e *unitEntry) foldLog(r probe.Result) (started Trigger) {
	for _, event := range r.Log.Events {
		if by := e.ledger.hear(event); by != NotStarted {
			started = by
		}
	}
	if r.Log.Missed {
		e.ledger.miss()
	}
	next := *e.state
	next.Log = next.Log.after(r)
	e.show(next)
	return started
}

// show makes next the state, with what the ledger holds.
func (e *unitEntry) show(next UnitState) {
	total := e.ledger.total()
	next.Restarts, next.Starts = total.Restarts, total.Starts
	next.Run, next.MainExit, next.loop = e.ledger.Run, e.ledger.MainExit, e.ledger.Loop
	next.Exits = listed(total.Exits)
	e.state = &next
}

// listed lists exits by result: UnitResults first, and then what systemd may come to call otherwise.
func listed(counted map[string]uint64) []Exits {
	exits := make([]Exits, len(UnitResults), len(UnitResults)+len(counted))
	for i, result := range UnitResults {
		exits[i] = Exits{Result: result, Count: counted[result]}
	}
	for _, result := range slices.Sorted(maps.Keys(counted)) {
		if !slices.Contains(UnitResults[:], result) {
			exits = append(exits, Exits{Result: result, Count: counted[result]})
		}
	}
	return exits
}
