package state

import "time"

// mark is another one whenever what is worth saving of a ledger is. When the last reading was is not: counting goes on as
// well from an earlier one that told the same.
type mark struct {
	restarts, exits           uint64
	starts                    Starts
	gaps, ahead               int
	last                      sight
	run, runBoot, ended, told string
	pending                   uint64
	mainExit                  MainExit
	loop                      crashLoop
}

func (l *ledger) mark() mark {
	total := l.total()
	m := mark{
		restarts: total.Restarts, starts: total.Starts, gaps: len(l.Gaps), ahead: len(l.Ahead), last: l.Last,
		run: l.Run, runBoot: l.RunBoot, ended: l.Ended, told: l.Told, pending: l.Pending, mainExit: l.MainExit, loop: l.Loop,
	}
	m.last.Start, m.last.End = time.Time{}, time.Time{}
	for _, n := range total.Exits {
		m.exits += n
	}
	return m
}
