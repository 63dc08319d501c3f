package state

import (
	"slices"
	"time"
)

// Histogram counts durations by DurationBounds.
type Histogram struct {
	Counts [len(DurationBounds) + 1]uint64 `json:"counts"` // not cumulated; the last: beyond all bounds
	Sum    float64                         `json:"sum"`    // in seconds
}

// DurationBounds are the upper bounds of a Histogram, in seconds: from one to one hour.
var DurationBounds = [...]float64{1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600}

// observe counts a duration. One that a clock which was set has made negative counts as none.
func (h *Histogram) observe(d time.Duration) {
	seconds := max(d, 0).Seconds()
	i, _ := slices.BinarySearch(DurationBounds[:], seconds)
	h.Counts[i]++
	h.Sum += seconds
}
