package state

import "postflight/probe"

// maxGaps is how many gaps a unit has at most for which the journal has not told all yet; the oldest then count as they
// are.
const maxGaps = 16

// gap is the time between two readings in which nobody watched the bus, or postflight did not run; or of which the two do
// not tell enough. Two witnesses tell of it, in any order and neither perhaps of everything: the two readings, and the
// journal. What both tell of counts once.
type gap struct {
	From    sight     `json:"from"`
	To      sight     `json:"to,omitzero"` // zero: the gap is open
	Bus     tally     `json:"bus,omitzero"`
	Journal chronicle `json:"journal,omitzero"`

	// Waits says that the journal is to tell what caused the starts: the readings only guess.
	Waits bool `json:"waits,omitempty"`
}

func (g *gap) isOpen() bool { return g.To.isZero() }

// has reports whether an event happened in the gap, which must be closed.
func (g *gap) has(e probe.UnitEvent) bool {
	switch {
	case g.From.has(e) || !g.To.has(e):
		return false
	case !e.Time.After(g.To.Start) || g.To.shows(e):
		return true
	default:
		return g.Journal.Run != g.To.InvocationID // otherwise it came after the run that is shown, while that was looked at
	}
}

// close is told what the last reading tells.
func (g *gap) close(to sight, told tally) {
	g.To, g.Bus = to, told
	if len(told.Exits) == 0 {
		return
	}
	if run := to.InvocationID; run != "" && g.Journal.Counts == run {
		g.Bus.Exits = nil
	} else {
		g.Journal.Spared = run
	}
}

func (g *gap) tally() tally {
	journal := g.Journal.tally(g.To)
	all := g.Bus.atLeast(journal)
	if g.Journal.Spared != "" {
		all.Exits = g.Bus.plus(journal).Exits
	}
	if g.Waits {
		all.Starts = journal.Starts
	}
	return all
}

// isTold reports whether the journal has told of all starts in the gap.
func (g *gap) isTold() bool { return !g.Journal.Holes && g.Journal.Run == g.To.InvocationID }
