package schedule

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"time"
)

// turn is one pass over some entries, each at its offset from the turn's beginning. The entries are kept in the order
// of their offsets, so that to release some is to walk on.
type turn struct {
	beginning time.Time
	places    []place
	next      int           // index of the first place still to be released
	passed    time.Duration // no place up to this offset is released in this turn any more
	index     int           // in turns; -1: not there
}

// place is an entry and how long after the turn's beginning it is released.
type place struct {
	offset time.Duration
	entry  *Entry
}

// newTurn makes a turn that is over.
func newTurn() turn { return turn{passed: math.MaxInt64, index: -1} }

func (t *turn) over() bool     { return t.next == len(t.places) }
func (t *turn) queued() bool   { return t.index >= 0 }
func (t *turn) due() time.Time { return t.beginning.Add(t.places[t.next].offset) }

// restart begins the turn anew.
func (t *turn) restart(beginning time.Time) {
	t.beginning, t.next, t.passed = beginning, 0, math.MinInt64
}

// put gives the turn other places, without releasing what it has passed.
func (t *turn) put(places []place) {
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.offset, b.offset) })
	t.places = places
	t.next = 0
	for !t.over() && t.places[t.next].offset <= t.passed {
		t.next++
	}
}

// catchUp releases what is overdue, and passes everything up to now.
func (t *turn) catchUp(now time.Time, late func(due time.Time)) {
	for !t.over() && !t.due().After(now) {
		t.releaseNext(late)
	}
	t.passed = max(t.passed, now.Sub(t.beginning))
}

// releaseNext runs every entry of the next offset, and tells late when each was due.
func (t *turn) releaseNext(late func(due time.Time)) {
	due, offset := t.due(), t.places[t.next].offset
	for !t.over() && t.places[t.next].offset == offset {
		late(due)
		t.places[t.next].entry.Run()
		t.next++
	}
	t.passed = offset
}

// turns is a heap of the turns that are not over: what is due first comes first.
type turns []*turn

// update puts the turn where it belongs after a change.
func (h *turns) update(t *turn) {
	switch {
	case t.over() && t.queued():
		heap.Remove(h, t.index)
	case t.over():
	case t.queued():
		heap.Fix(h, t.index)
	default:
		heap.Push(h, t)
	}
}

func (h turns) Len() int           { return len(h) }
func (h turns) Less(i, j int) bool { return h[i].due().Before(h[j].due()) }

func (h turns) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is called by container/heap.
func (h *turns) Push(x any) {
	t := x.(*turn)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop is called by container/heap.
func (h *turns) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	t.index = -1
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}
