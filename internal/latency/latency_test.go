package latency_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"postflight/internal/latency"
)

const (
	shortest = 100 * time.Microsecond
	longest  = time.Minute
)

// durations are of every magnitude, and beyond what is told apart.
func durations() *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		exponent := rapid.Float64Range(3, 12).Draw(t, "nanoseconds, as a power of ten")
		return time.Duration(math.Pow(10, exponent))
	})
}

// exact is the quantile of the samples themselves, clamped as a sketch does.
func exact(samples []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(samples))
	rank := max(1, int(math.Ceil(q*float64(len(sorted)))))
	return min(max(sorted[rank-1], shortest), longest)
}

// within reports whether got is no further from want than 5 %.
func within(got, want time.Duration) bool {
	return math.Abs(float64(got-want)) <= 0.05*float64(want)+1 // a nanosecond is lost in rounding
}

func TestQuantilesAreRightToWithinFivePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(durations(), 1, 300).Draw(t, "samples")
		q := rapid.Float64Range(0, 1).Draw(t, "quantile")
		var s latency.Sketch
		for _, d := range samples {
			s.Add(d)
		}
		if s.Count() != len(samples) {
			t.Fatalf("counted %d of %d", s.Count(), len(samples))
		}
		if got, want := s.Quantile(q), exact(samples, q); !within(got, want) {
			t.Fatalf("quantile %v is %v, want %v", q, got, want)
		}
		sum := s.Summary()
		if sum.Count != len(samples) || sum.P50 != s.Quantile(0.5) || sum.P95 != s.Quantile(0.95) || sum.P99 != s.Quantile(0.99) {
			t.Fatalf("%+v does not sum it up", sum)
		}
	})
}

func TestEveryDurationHasItsBucket(t *testing.T) {
	for d := shortest; d <= longest; d += d / 1000 {
		var s latency.Sketch
		s.Add(d)
		if got := s.Quantile(0.5); !within(got, d) {
			t.Fatalf("%v comes back as %v", d, got)
		}
	}
}

func TestTheEndsOfTheScale(t *testing.T) {
	for _, row := range []struct{ added, lower, upper time.Duration }{
		{-time.Second, shortest, shortest},
		{0, shortest, shortest},
		{shortest, shortest, shortest},
		{longest, longest * 95 / 100, longest},
		{math.MaxInt64, longest * 95 / 100, longest},
	} {
		var s latency.Sketch
		s.Add(row.added)
		if got := s.Quantile(1); got < row.lower || got > row.upper {
			t.Errorf("%v comes back as %v, want %v to %v", row.added, got, row.lower, row.upper)
		}
	}
}

func TestNothingHasNoQuantiles(t *testing.T) {
	var s latency.Sketch
	var r latency.Recent
	if none := (latency.Summary{}); s.Summary() != none || r.Summary() != none {
		t.Errorf("of none: %+v, %+v", s.Summary(), r.Summary())
	}
}

// What is older than the newest 1000 says nothing any more, and the newest 500 always count.
func TestRecentForgets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(durations(), 1, 2600).Draw(t, "samples")
		var r latency.Recent
		for _, d := range samples {
			r.Add(d)
		}
		sum := r.Summary()
		if least, most := min(500, len(samples)), min(1000, len(samples)); sum.Count < least || sum.Count > most {
			t.Fatalf("%d of %d are kept, want %d to %d", sum.Count, len(samples), least, most)
		}
		kept := samples[len(samples)-sum.Count:]
		for q, got := range map[float64]time.Duration{0.5: sum.P50, 0.95: sum.P95, 0.99: sum.P99} {
			if want := exact(kept, q); !within(got, want) {
				t.Fatalf("quantile %v of the newest %d is %v, want %v", q, len(kept), got, want)
			}
		}
	})
}

// A sketch takes less than a kilobyte, and that only once; a Recent a new one each 500 durations.
func TestMemoryIsBounded(t *testing.T) {
	var s latency.Sketch
	s.Add(time.Second)
	if n := testing.AllocsPerRun(1000, func() { s.Add(time.Second) }); n != 0 {
		t.Errorf("%v allocations for each duration", n)
	}
	took := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var s latency.Sketch
			s.Add(time.Second)
		}
	})
	if bytes := took.AllocedBytesPerOp(); bytes > 1024 {
		t.Errorf("a sketch takes %d bytes", bytes)
	}
}
