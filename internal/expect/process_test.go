package expect_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
)

// A process' start is known as well as its answer prints the time that it has been running.
func TestProcessOf(t *testing.T) {
	sent := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	a := expect.Answer{Sent: sent, Answered: sent.Add(3 * time.Millisecond)}
	tests := []struct {
		runtime float64
		start   time.Duration // before it was sent
		digit   time.Duration
	}{
		{100.5, 100500 * time.Millisecond, 100 * time.Millisecond},
		{100.25, 100250 * time.Millisecond, 10 * time.Millisecond},
		{100, 100 * time.Second, 100 * time.Millisecond}, // printed as 100.0, or as 100: nobody can tell
		{0.123456789, 123456789, 1},
		{0, 0, 100 * time.Millisecond},
	}
	for _, tt := range tests {
		want := probe.Process{Earliest: sent.Add(-tt.start - tt.digit), Latest: a.Answered.Add(-tt.start + tt.digit)}
		got, known := expect.ProcessOf(a, tt.runtime)
		if diff := cmp.Diff(want, got); diff != "" || !known {
			t.Errorf("runtime %v: %v (-want +got):\n%s", tt.runtime, known, diff)
		}
	}
	for _, runtime := range []float64{-1, -0.001, 1e10, 1e300, math.Inf(1), math.Inf(-1), math.NaN()} {
		if got, known := expect.ProcessOf(a, runtime); known || !got.IsZero() {
			t.Errorf("runtime %v: %v", runtime, got)
		}
	}
}
