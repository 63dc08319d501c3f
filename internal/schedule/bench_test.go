package schedule

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"postflight/probe"
)

// manyEntries makes n checks of one schedule that count their releases.
func manyEntries(t testing.TB, n int, schedule string, released *atomic.Int64) []Entry {
	parsed := parse(t, schedule)
	entries := make([]Entry, n)
	for i := range entries {
		key := probe.Key{Service: "shop", Target: fmt.Sprintf("http://10.0.%d.%d:8000", i/250, i%250), Check: "health"}
		entries[i] = Entry{Key: key, Schedule: parsed, Run: func() { released.Add(1) }}
	}
	return entries
}

// BenchmarkRelease is the cost of releasing one check of ten that share their place.
func BenchmarkRelease(b *testing.B) {
	var released atomic.Int64
	turn := newTurn()
	now := time.Now()
	turn.restart(now)
	places := make([]place, 1000)
	entries := manyEntries(b, len(places), "@every 1s", &released)
	for i := range entries {
		places[i] = place{time.Duration(i/10) * grid, &entries[i]}
	}
	turn.put(places)
	queue := turns{}
	late := func(time.Time) {}
	b.ReportAllocs()
	for b.Loop() {
		turn.restart(now)
		queue.update(&turn)
		for !turn.over() {
			turn.releaseNext(late)
			queue.update(&turn)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(released.Load()), "ns/check")
}

// BenchmarkSet is a reload of 10,000 checks of which none changed.
func BenchmarkSet(b *testing.B) {
	var released atomic.Int64
	s := New(func(time.Duration) {})
	entries := manyEntries(b, 10_000, "@every 1h", &released)
	s.Set(entries)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	b.ReportAllocs()
	for b.Loop() {
		s.Set(slices.Clone(entries))
	}
	cancel()
	<-ended
}

// BenchmarkLateness runs 1000 checks each second for real and tells how late they were released.
func BenchmarkLateness(b *testing.B) {
	const checks, seconds = 1000, 5
	for b.Loop() {
		var released atomic.Int64
		late := make([]time.Duration, 0, checks*(seconds+1))
		s := New(func(by time.Duration) { late = append(late, by) })
		s.Set(manyEntries(b, checks, "@every 1s", &released))
		ctx, cancel := context.WithTimeout(b.Context(), seconds*time.Second)
		if err := s.Run(ctx); err != nil {
			b.Fatal(err)
		}
		cancel()
		slices.Sort(late)
		b.ReportMetric(float64(late[len(late)*99/100])/1e6, "p99-ms")
		b.ReportMetric(float64(late[len(late)-1])/1e6, "max-ms")
		b.ReportMetric(float64(checks*seconds)-float64(len(late)), "missed")
	}
}
