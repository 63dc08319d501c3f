package latency

import "time"

// generation is how many durations a generation holds.
const generation = 500

// Recent keeps the newest 500 to 1000 durations, or all where there have not been as many: when the younger of its two
// generations is full, the older one goes. The zero Recent is of none.
type Recent struct {
	younger, older Sketch
}

// Add takes one duration.
func (r *Recent) Add(d time.Duration) {
	if r.younger.count == generation {
		r.younger, r.older = Sketch{}, r.younger
	}
	r.younger.Add(d)
}

// Summary tells of both generations together.
func (r *Recent) Summary() Summary {
	if r.older.count == 0 {
		return r.younger.Summary()
	}
	both := Sketch{counts: new([buckets]uint32), count: r.younger.count + r.older.count}
	for i := range both.counts {
		both.counts[i] = r.younger.counts[i] + r.older.counts[i]
	}
	return both.Summary()
}
