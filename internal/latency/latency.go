// Package latency keeps how long requests took, as quantiles, in memory that is bounded. Of libraries that do so, the exact
// ones keep samples or many kilobytes, and the small ones bring protobuf: docs/decisions/0009-baseline.md.
package latency

import "time"

// Summary is what is known of many durations. The zero Summary: of none.
type Summary struct {
	Count         int
	P50, P95, P99 time.Duration
}
