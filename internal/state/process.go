package state

import (
	"hash/maphash"
	"math"
	"slices"
	"time"

	"postflight/probe"
)

// Counter is how far a backend's counter was seen to grow, summed over its worker processes.
type Counter struct {
	Metric string
	Label  string
	Total  float64
}

// Worker processes behind one port answer by turns, each with totals of its own. They are told apart by when they
// started. A reading says in which interval that lies, so two readings can be of the same process when their intervals
// meet.
const (
	maxProcesses = 64
	// widestStart is how wide that interval may be for a reading to count at all. It leaves room for an answer that took
	// 0.1 s and rounds to 0.1 s. A wider one can hold the starts of siblings: workers of one server start within
	// seconds of each other.
	widestStart = 300 * time.Millisecond
	// startSlack is by how much two readings of one process may miss each other: clocks have a granularity.
	startSlack = 5 * time.Millisecond
	// driftRatio is how fast a backend's clock may run away from ours: adjtimex(2) slews by at most 500 ppm.
	driftRatio = 2000
)

// counters sums up the growth of a check's counters. It belongs to the Store and is guarded by its lock.
type counters struct {
	labels    labelSet
	totals    []Counter // shared: replaced, not changed
	processes []*process
	lone      []reading // of the only process that there is, as far as the answers say; by index in totals
	seed      maphash.Seed
}

// process is what is known of one worker process.
type process struct {
	start probe.Process
	seen  time.Time
	last  []reading // by index in totals
	// shared: what looks like one process is proven to be several that started too close to each other. Their
	// readings cannot be assigned and add nothing.
	shared bool
}

// reading is the value of one counter in one answer.
type reading struct {
	known   bool
	number  float64
	members uint64 // tells which label values it sums up: the growth of a sum means nothing when those change
}

// fold takes up the counters of one answer, which all are of the same process, and returns the totals.
func (c *counters) fold(at time.Time, read []probe.Value) []Counter {
	start, any := processOf(read)
	if !any {
		return c.totals
	}
	readings := c.readings(read)
	if start.IsZero() {
		c.assignToLone(readings)
		return c.totals
	}
	c.lone = nil
	if start.Latest.Sub(start.Earliest) > widestStart {
		return c.totals // nothing is lost: the next quick answer has the growth of this one too
	}
	switch fitting := c.fitting(start, exact); len(fitting) {
	case 0:
		c.begin(start, at, readings)
	case 1:
		c.assign(fitting[0], start, at, readings)
	default:
		// Of which of them it is cannot be said. Nothing is lost: the next clear reading of each has its growth.
	}
	return c.totals
}

// processOf is the process that an answer's counters are of, the zero one where it does not say; and whether it has
// counters.
func processOf(read []probe.Value) (start probe.Process, any bool) {
	for _, v := range read {
		if isCounter(v) {
			any = true
			if start.IsZero() {
				start = v.Process
			}
		}
	}
	return start, any
}

func isCounter(v probe.Value) bool {
	if v.Own != nil {
		return v.Own.Counter
	}
	return !v.Process.IsZero()
}

// readings lists what an answer says by index in totals, where a counter seen for the first time gets its place.
func (c *counters) readings(read []probe.Value) []reading {
	readings := make([]reading, len(c.totals))
	totals := slices.Clip(c.totals)
	for _, v := range read {
		if !isCounter(v) || math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
			continue
		}
		slot := c.labels.slot(v.Metric, v.Label)
		if slot.at >= len(totals) || totals[slot.at].Metric != v.Metric || totals[slot.at].Label != slot.label {
			slot.at = len(totals)
			totals = append(totals, Counter{Metric: v.Metric, Label: slot.label})
			readings = append(readings, reading{})
		}
		r := &readings[slot.at]
		r.known = true
		r.number += v.Number
		if v.Label != slot.label || slot.label == otherLabel {
			r.members += c.hash(v.Label)
		}
	}
	c.totals = totals
	return readings
}

func (c *counters) hash(label string) uint64 {
	if c.seed == (maphash.Seed{}) {
		c.seed = maphash.MakeSeed()
	}
	return maphash.String(c.seed, label)
}

// fitting returns the processes that a reading may be of.
func (c *counters) fitting(start probe.Process, slack slack) []*process {
	var fitting []*process
	for _, p := range c.processes {
		if meet(widen(p.start, slack(p)), start) {
			fitting = append(fitting, p)
		}
	}
	return fitting
}

// slack is by how much a reading may miss what is known of a process and still be of it.
type slack func(*process) time.Duration

func exact(*process) time.Duration { return startSlack }

func drifted(at time.Time) slack {
	return func(p *process) time.Duration { return startSlack + max(0, at.Sub(p.seen))/driftRatio }
}

// begin takes readings that fit no known process to be the first of a new one. After a long time it may as well be a
// known one and the clocks have drifted apart, or a sibling of that: so it adds nothing, and takes the place of those
// that it may be. Were they kept, growth would be counted twice once the clocks drift back.
func (c *counters) begin(start probe.Process, at time.Time, readings []reading) {
	p := &process{start: start, seen: at, last: readings}
	for _, old := range c.fitting(start, drifted(at)) {
		if old.shared {
			p.shared, p.start, p.last = true, hull(p.start, old.start), nil
		}
		c.forget(old)
	}
	if len(c.processes) == maxProcesses {
		c.forget(slices.MinFunc(c.processes, func(a, b *process) int { return a.seen.Compare(b.seen) }))
	}
	c.processes = append(c.processes, p)
}

func (c *counters) forget(p *process) {
	c.processes = slices.DeleteFunc(c.processes, func(other *process) bool { return other == p })
}

// forgetMetrics takes the counters of these metrics away.
func (c *counters) forgetMetrics(gone map[string]bool) {
	var kept []int
	var totals []Counter
	for i, t := range c.totals {
		if !gone[t.Metric] {
			kept, totals = append(kept, i), append(totals, t)
		}
	}
	c.totals = totals
	c.lone = pick(c.lone, kept)
	for _, p := range c.processes {
		p.last = pick(p.last, kept)
	}
	c.labels.forget(gone)
	for i, t := range totals {
		c.labels.slot(t.Metric, t.Label).at = i
	}
}

// pick returns the readings at these places, as far as there are so many.
func pick(readings []reading, places []int) []reading {
	var picked []reading
	for _, i := range places {
		if i < len(readings) {
			picked = append(picked, readings[i])
		}
	}
	return picked
}

// assign takes readings to be of p, unless they prove that p is more than one.
func (c *counters) assign(p *process, start probe.Process, at time.Time, readings []reading) {
	switch {
	case p.shared:
		p.start = hull(p.start, start)
	case fellBack(p.last, readings):
		p.shared, p.start, p.last = true, hull(p.start, start), nil
	default:
		p.last = c.add(p.last, readings)
		p.start = intersection(widen(p.start, startSlack), start)
	}
	p.seen = at
}

func fellBack(before, now []reading) bool {
	for i, b := range before {
		if sameSum(b, now[i]) && now[i].number < b.number {
			return true
		}
	}
	return false
}

func sameSum(a, b reading) bool { return a.known && b.known && a.members == b.members }

// assignToLone takes readings that name no process to be of the only one there is. It has started anew where a counter
// fell. Had the answers named processes until now, it cannot be said of which of them it is: it counts from here.
func (c *counters) assignToLone(readings []reading) {
	c.processes = nil
	if fellBack(c.lone, readings) {
		c.lone = readings
	} else {
		c.lone = c.add(c.lone, readings)
	}
}

// add adds what grew since the last readings of a process, and returns what is known of it now.
func (c *counters) add(last, readings []reading) []reading {
	totals := slices.Clone(c.totals)
	for i, b := range last {
		switch {
		case sameSum(b, readings[i]):
			totals[i].Total += readings[i].number - b.number
		case !readings[i].known:
			readings[i] = b
		}
	}
	c.totals = totals
	return readings
}
