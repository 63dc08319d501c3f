package state

import (
	"slices"
	"time"

	"postflight/probe"
)

const (
	// hindsight is for how long an event that no reading includes yet waits for one that does: readings take their time,
	// and each says whether it includes it. Where there is a gap, and nobody reads, it counts after that.
	hindsight = 15 * time.Second

	maxAhead = 1024 // events that wait
)

// ledger counts what happens to a unit, and holds what it counts from. It is what outlives the process. Readings and the
// events of the journal come in any order between them; each reading, and each event, is told once.
type ledger struct {
	Counted tally   `json:"counted,omitzero"` // but for what is in gaps
	Gaps    []gap   `json:"gaps,omitempty"`   // the oldest first; only the last may be open
	Ahead   []entry `json:"ahead,omitempty"`  // that the last reading does not include

	Last       sight     `json:"last,omitzero"`
	Run        string    `json:"run,omitempty"`      // the last invocation that there was
	RunBoot    string    `json:"run_boot,omitempty"` // and the boot in which it was seen
	Pending    uint64    `json:"pending,omitempty"`  // automatic restarts whose invocation has not been seen
	Ended      string    `json:"ended,omitempty"`    // the last invocation that was seen to end
	Told       string    `json:"told,omitempty"`     // the last invocation of whose start a subscriber was told
	MainExit   MainExit  `json:"main_exit,omitzero"`
	MainExitAt time.Time `json:"main_exit_at,omitzero"` // as the bus tells it
	Loop       crashLoop `json:"loop,omitzero"`

	begun  time.Time // when this process was first told something
	waited time.Time // when the unit was first seen, or seen again after a gap, if it is between two crashes since
}

// entry is a probe.UnitEvent as it is saved.
type entry struct {
	Kind         probe.UnitEventKind `json:"kind,omitempty"`
	Time         time.Time           `json:"time"`
	BootID       string              `json:"boot,omitempty"`
	InvocationID string              `json:"invocation,omitempty"`
	NRestarts    uint32              `json:"n_restarts,omitempty"`
	Result       string              `json:"result,omitempty"`
	ExitCode     string              `json:"exit_code,omitempty"`
	ExitStatus   int32               `json:"exit_status,omitempty"`
}

// seen reports whether there was a reading yet. On first sight there is nothing to count from.
func (l *ledger) seen() bool { return !l.Last.isZero() }

// total is all that happened since the first reading.
func (l *ledger) total() tally {
	total := l.Counted
	for i := range l.Gaps {
		total = total.plus(l.Gaps[i].tally())
	}
	return total
}

// look takes up a reading, and returns what caused the start that it shows, if it shows a new one.
func (l *ledger) look(r probe.Result, journal bool) (started Trigger) {
	now, first, since, before := sightOf(r).after(l.Last), !l.seen(), l.Last.End, l.total().Restarts
	if journal && l.endsWait(now) {
		l.openGap()
	}
	again := first || l.inGap()
	var told tally
	switch present := l.step(&told, now, r.Unit); {
	case first:
	case l.inGap():
		started = l.closeGap(now, told, present, journal)
	default:
		l.Counted, started = l.Counted.plus(told), present
	}
	switch {
	case !now.Waiting:
		l.waited = time.Time{}
	case again:
		l.waited = now.End
	}
	now.Due = now.Waiting && l.Pending > 0
	l.Ahead = slices.DeleteFunc(l.Ahead, func(e entry) bool { return now.has(probe.UnitEvent(e)) })
	l.Last = now
	if started != NotStarted {
		l.Told = now.InvocationID
	}
	l.Loop = l.Loop.after(loopReading{
		at: now.End, first: first, gap: now.End.Sub(since), unit: r.Unit,
		restarts: l.total().Restarts - before, manualStart: started == Manual,
	})
	if late := l.losePatience(now.End); started == NotStarted {
		started = late
	}
	return started
}

// lose takes up that nobody watches the bus any more: what happens from the last reading on is in a gap.
func (l *ledger) lose(at time.Time) (started Trigger) {
	l.openGap()
	l.catchUp(at)
	return l.losePatience(at)
}

// hear takes up an event from the journal, and returns Manual where it says that the run that was shown last was started by
// hand, and that was not known yet.
func (l *ledger) hear(e probe.UnitEvent) (started Trigger) {
	if !l.seen() {
		return NotStarted
	}
	for i := 0; i < len(l.Gaps) && !l.Gaps[i].isOpen(); {
		switch g := &l.Gaps[i]; {
		case g.has(e):
			l.recount(g, e)
			return l.tellLate(g)
		case e.Time.After(g.To.End) && !g.lasts(l.Last):
			if by := l.settle(i); by != NotStarted {
				started = by
			}
		default:
			i++
		}
	}
	counted := l.Last
	if l.inGap() {
		counted = l.Gaps[len(l.Gaps)-1].From
	}
	if !counted.has(e) {
		l.wait(e)
	}
	return started
}

// miss takes up that entries of the journal may be missing here. In Ahead an event of no kind stands for them.
func (l *ledger) miss() {
	for i := range l.Gaps {
		if g := &l.Gaps[i]; !g.isOpen() && !g.isTold() {
			g.Journal.miss()
		}
	}
	here := entry{Time: l.Last.End}
	if n := len(l.Ahead); n > 0 {
		here.Time = l.Ahead[n-1].Time
	}
	if n := len(l.Ahead); l.seen() && (n == 0 || l.Ahead[n-1] != here) {
		l.wait(probe.UnitEvent(here))
	}
}

// wait makes an event wait for a reading that includes it.
func (l *ledger) wait(e probe.UnitEvent) {
	if len(l.Ahead) == maxAhead {
		l.drop()
	}
	l.Ahead = append(l.Ahead, entry(e))
}

func (l *ledger) inGap() bool { return len(l.Gaps) > 0 && l.Gaps[len(l.Gaps)-1].isOpen() }

// openGap opens a gap after the last reading, if there is not one already, or the last one goes on.
func (l *ledger) openGap() {
	if !l.seen() || l.inGap() {
		return
	}
	if g := l.lasting(); g != nil {
		g.reopen()
		return
	}
	if len(l.Gaps) == maxGaps {
		l.settle(0) // a start as long ago is no news
	}
	l.Gaps = append(l.Gaps, gap{From: l.Last, Journal: chronicle{
		BootID: l.Last.BootID, Run: l.Run, Scheduled: l.Last.Due,
		Ended: l.Last.Ended || l.Run == l.Ended, Unbroken: true,
	}})
}

// lasting is the last gap, if it goes on.
func (l *ledger) lasting() *gap {
	if n := len(l.Gaps); n > 0 && l.Gaps[n-1].lasts(l.Last) {
		return &l.Gaps[n-1]
	}
	return nil
}

// endsWait reports whether a reading shows the start for which the last gap goes on, and does not tell what caused it.
func (l *ledger) endsWait(now sight) bool {
	return l.lasting() != nil && l.Pending == 0 && !now.Waiting && now.InvocationID != l.Run && now.NRestarts == l.Last.NRestarts
}

// closeGap closes the open gap with a reading and what that tells. A start in the gap is told only if it was by hand, and
// is the one of the run that is shown: a release was deployed, though nobody saw it.
func (l *ledger) closeGap(to sight, told tally, present Trigger, journal bool) (started Trigger) {
	g := &l.Gaps[len(l.Gaps)-1]
	if journal {
		if !to.Ended { // otherwise the journal tells of it, and rightly where a reset-failed came after it
			l.Counted = l.Counted.plus(tally{Exits: told.Exits})
		}
		told.Exits = nil
	}
	g.To, g.Bus, g.Waits = to, g.Bus.plus(told), journal
	g.To.Due = to.Waiting // Bus includes all that NRestarts shows
	for len(l.Ahead) > 0 && (l.Ahead[0].Kind == "" || g.has(probe.UnitEvent(l.Ahead[0]))) {
		g.Journal.read(probe.UnitEvent(l.Ahead[0]))
		l.Ahead = l.Ahead[1:]
	}
	l.MainExit = laterExit(l.MainExit, g.Journal.MainExit)
	by := g.Journal.trigger(to)
	if by == NotStarted {
		by = present
	}
	if by != Manual || to.InvocationID == l.Told || journal && !g.isTold() {
		return NotStarted
	}
	return Manual
}

// settle counts a gap of which nobody will tell more.
func (l *ledger) settle(i int) (started Trigger) {
	g := &l.Gaps[i]
	started = l.waitNoMore(g)
	l.Counted = l.Counted.plus(g.tally())
	l.Gaps = slices.Delete(l.Gaps, i, i+1)
	return started
}

// waitNoMore lets what the readings guess of a gap count where the journal does not know better. It returns Manual where they
// guess that the present run was started by hand.
func (l *ledger) waitNoMore(g *gap) (started Trigger) {
	if !g.Waits || g.isTold() {
		return NotStarted
	}
	g.Waits = false
	if g.Bus.Starts.Manual == 0 || g.To.NRestarts > 0 {
		return NotStarted
	}
	return l.byHand(g)
}

// byHand takes up, once, that the run that a gap ended with was started by hand. It is told if that is the present one.
func (l *ledger) byHand(g *gap) Trigger {
	if g.To.InvocationID != l.Run || l.Run == l.Told {
		return NotStarted
	}
	l.Told = l.Run
	if !l.Last.Ended {
		l.Loop.Mended = g.To.End
	}
	return Manual
}

// losePatience does so for gaps of which the journal has had its time to tell.
func (l *ledger) losePatience(now time.Time) (started Trigger) {
	if l.begun.IsZero() {
		l.begun = now
	}
	for i := range l.Gaps {
		if g := &l.Gaps[i]; !g.isOpen() && now.Sub(g.To.End) > hindsight && now.Sub(l.begun) > hindsight {
			if by := l.waitNoMore(g); by != NotStarted {
				started = by
			}
		}
	}
	return started
}

// catchUp counts the events of the open gap, if there is one, that have waited long enough.
func (l *ledger) catchUp(now time.Time) {
	for l.inGap() && len(l.Ahead) > 0 && now.Sub(l.Ahead[0].Time) > hindsight {
		l.drop()
	}
}

// drop makes the oldest event that waits, wait no more. With no gap to count it in, it is missing if there comes to be one.
func (l *ledger) drop() {
	oldest := probe.UnitEvent(l.Ahead[0])
	l.Ahead = l.Ahead[1:]
	if l.inGap() {
		l.recount(&l.Gaps[len(l.Gaps)-1], oldest)
	} else {
		l.Ahead[0] = entry{Time: l.Ahead[0].Time}
	}
}

// recount has a gap's chronicle take up an event.
func (l *ledger) recount(g *gap, e probe.UnitEvent) {
	before := g.tally().Restarts
	g.Journal.read(e)
	l.MainExit = laterExit(l.MainExit, g.Journal.MainExit)
	if g.tally().Restarts > before {
		l.Loop = l.Loop.restarted(e.Time)
	}
}

// tellLate returns Manual where a gap's chronicle has just told that the present run was started by hand.
func (l *ledger) tellLate(g *gap) Trigger {
	if g.Journal.trigger(g.To) != Manual {
		return NotStarted
	}
	return l.byHand(g)
}
