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

	// Waits says that the starts are left to the journal, which knows what caused them: the readings only guess.
	Waits bool `json:"waits,omitempty"`
}

func (g *gap) isOpen() bool { return g.To.isZero() }

// has reports whether an event happened in the gap, which must be closed. One about another run than the one that was shown,
// while that was looked at, was before, unless the journal has come to that run already. Where none was shown, what began then
// was after it.
func (g *gap) has(e probe.UnitEvent) bool {
	before := g.Journal.Run != g.To.InvocationID
	if g.To.InvocationID == "" {
		before = g.Journal.Run == e.InvocationID
	}
	return !g.From.has(e) && (g.To.has(e) || before && !e.Time.After(g.To.End) && !g.To.shows(e))
}

func (g *gap) tally() tally {
	journal := g.Journal.tally(g.To)
	all := g.Bus.atLeast(journal)
	if g.Waits {
		all.Starts = journal.Starts
	}
	return all
}

// isTold reports whether the journal has told of all starts in the gap.
func (g *gap) isTold() bool { return !g.Journal.Holes && g.Journal.Run == g.To.InvocationID }

// reopen lets the gap go on.
func (g *gap) reopen() {
	g.Journal.decide(g.To)
	g.To = sight{}
}

// lasts reports whether the unit has waited for its restart ever since the gap. Then the gap goes on: only the journal knows
// whether systemd had counted that restart before it ended.
func (g *gap) lasts(now sight) bool {
	return g.Waits && g.To.Waiting && now.Waiting && !now.Due &&
		g.To.InvocationID == now.InvocationID && g.To.NRestarts == now.NRestarts
}
