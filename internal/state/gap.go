package state

import "postflight/probe"

// maxGaps is how many gaps a unit has at most for which the journal has not told all yet; the oldest then count as they
// are.
const maxGaps = 16

// gap is the time between two readings in which nobody watched the bus, or postflight did not run. Two witnesses tell of
// it, in any order and neither perhaps of everything: the two readings, and the journal. What both tell of counts once.
type gap struct {
	From    sight     `json:"from"`
	To      sight     `json:"to,omitzero"` // zero: the gap is open
	Bus     tally     `json:"bus,omitzero"`
	Journal chronicle `json:"journal,omitzero"`
}

func (g *gap) isOpen() bool { return g.To.isZero() }

// has reports whether an event happened in the gap, which must be closed.
func (g *gap) has(e probe.UnitEvent) bool { return !g.From.has(e) && g.To.has(e) }

func (g *gap) tally() tally { return g.Bus.atLeast(g.Journal.tally(g.To)) }
