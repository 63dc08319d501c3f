package latency

import (
	"math"
	"time"
)

// What is told apart. Durations beyond count as the nearest of these.
const (
	shortest = 100 * time.Microsecond
	longest  = time.Minute
)

const (
	// accuracy is how far a quantile may be from the duration it stands for, as a part of that.
	accuracy = 0.05
	// growth is how much longer each bucket's longest duration is than that of the one before.
	growth = (1 + accuracy) / (1 - accuracy)
	// buckets are as many as it takes from shortest to longest: 1 + log(600000)/log(growth).
	buckets = 134
)

// Sketch counts durations in buckets that grow by the same factor, so that quantiles are right to within 5 %. The zero Sketch
// is of none, and takes its half kilobyte with the first.
type Sketch struct {
	counts *[buckets]uint32
	count  int
}

// Add takes one duration.
func (s *Sketch) Add(d time.Duration) {
	if s.counts == nil {
		s.counts = new([buckets]uint32)
	}
	s.counts[bucketOf(d)]++
	s.count++
}

// Count is how many durations there are.
func (s *Sketch) Count() int { return s.count }

// Quantile is the shortest duration that at least this part of all do not exceed; 0 where there are none.
func (s *Sketch) Quantile(q float64) time.Duration {
	if s.count == 0 {
		return 0
	}
	rank := min(max(1, int(math.Ceil(q*float64(s.count)))), s.count)
	bucket := 0
	for seen := int(s.counts[0]); seen < rank; seen += int(s.counts[bucket]) {
		bucket++
	}
	return middleOf(bucket)
}

// Summary tells the quantiles that people ask for.
func (s *Sketch) Summary() Summary {
	return Summary{Count: s.count, P50: s.Quantile(0.5), P95: s.Quantile(0.95), P99: s.Quantile(0.99)}
}

// bucketOf is the bucket of a duration: the first holds the shortest, and each other one those above the bucket before.
func bucketOf(d time.Duration) int {
	if d <= shortest {
		return 0
	}
	ratio := float64(min(d, longest)) / float64(shortest)
	return min(int(math.Ceil(math.Log(ratio)/math.Log(growth))), buckets-1)
}

// middleOf is the duration from which none in the bucket is further away than accuracy, as a part of itself.
func middleOf(bucket int) time.Duration {
	if bucket == 0 {
		return shortest
	}
	top := float64(shortest) * math.Pow(growth, float64(bucket))
	return min(time.Duration(top*(1-accuracy)), longest)
}
