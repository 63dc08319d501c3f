package state

import "maps"

// tally counts what happened to a unit in some time.
type tally struct {
	Restarts uint64            `json:"restarts,omitempty"`
	Starts   Starts            `json:"starts,omitzero"`
	Exits    map[string]uint64 `json:"exits,omitempty"` // by result
}

// Starts counts a unit's starts by what caused them.
type Starts struct {
	Automatic uint64 `json:"automatic,omitempty"` // Restart=
	Manual    uint64 `json:"manual,omitempty"`    // a person, a script, another unit
	Boot      uint64 `json:"boot,omitempty"`      // the machine's start
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

func (s *Starts) count(t Trigger) {
	switch t {
	case Automatic:
		s.Automatic++
	case Manual:
		s.Manual++
	case Boot:
		s.Boot++
	}
}

func (t *tally) countExit(result string) {
	if t.Exits == nil {
		t.Exits = map[string]uint64{}
	}
	t.Exits[result]++
}

// plus is what happened in two times that do not overlap.
func (t tally) plus(o tally) tally {
	return t.merge(o, func(a, b uint64) uint64 { return a + b })
}

// atLeast is what happened in a time of which two witnesses tell, neither of whom invents anything.
func (t tally) atLeast(o tally) tally {
	return t.merge(o, func(a, b uint64) uint64 { return max(a, b) })
}

func (t tally) merge(o tally, of func(a, b uint64) uint64) tally {
	merged := tally{
		Restarts: of(t.Restarts, o.Restarts),
		Starts: Starts{
			Automatic: of(t.Starts.Automatic, o.Starts.Automatic),
			Manual:    of(t.Starts.Manual, o.Starts.Manual),
			Boot:      of(t.Starts.Boot, o.Starts.Boot),
		},
		Exits: t.Exits,
	}
	if len(o.Exits) > 0 {
		merged.Exits = maps.Clone(o.Exits)
		for result, n := range t.Exits {
			merged.Exits[result] = of(n, o.Exits[result])
		}
	}
	return merged
}
