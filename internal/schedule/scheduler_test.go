package schedule

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
)

// diary notes when each check was released. Releases come from the scheduler's goroutine, questions from the test's.
type diary struct {
	mu       sync.Mutex
	releases map[string][]time.Time
	lateness []time.Duration
}

func (d *diary) late(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lateness = append(d.lateness, by)
}

func (d *diary) entry(t testing.TB, check, schedule string) Entry {
	return Entry{Key: probe.Key{Service: "shop", Check: check}, Schedule: parse(t, schedule), Run: func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.releases[check] = append(d.releases[check], time.Now())
	}}
}

// entries makes n checks of one schedule, named check-0 and on.
func (d *diary) entries(t testing.TB, n int, schedule string) []Entry {
	var entries []Entry
	for i := range n {
		entries = append(entries, d.entry(t, fmt.Sprintf("check-%d", i), schedule))
	}
	return entries
}

// sinceStart gives the check's releases as time since the bubble's clock began.
func (d *diary) sinceStart(check string) []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var since []time.Duration
	for _, release := range d.releases[check] {
		since = append(since, release.Sub(bubbleStart))
	}
	return since
}

// bubbleStart is when time begins in a synctest bubble.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// inBubble runs the test with a scheduler that has been started with what entries gives.
func inBubble(t *testing.T, entries func(*diary) []Entry, test func(*Scheduler, *diary)) {
	t.Helper()
	inBubbleAt(t, timeOfDay, entries, test)
}

// inBubbleAt does so with a wall clock of its own.
func inBubbleAt(t *testing.T, timeOfDay func(time.Time) time.Time, entries func(*diary) []Entry, test func(*Scheduler, *diary)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{releases: map[string][]time.Time{}}
		s := New(d.late)
		s.timeOfDay = timeOfDay
		s.Set(entries(d))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		test(s, d)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		for _, by := range d.lateness {
			if by != 0 {
				t.Errorf("late by %v in a bubble", by)
			}
		}
	})
}

// place is where the key's hash puts it within the spread.
func placeOf(check string, spread time.Duration) time.Duration {
	return offset(hash(probe.Key{Service: "shop", Check: check}), spread)
}

func TestEveryReleasesOnItsPlaceOfTheGrid(t *testing.T) {
	for _, d := range []time.Duration{100 * time.Millisecond, time.Second, 1500 * time.Millisecond, 5 * time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			inBubble(t, func(d2 *diary) []Entry { return d2.entries(t, 20, "@every "+d.String()) }, func(_ *Scheduler, diary *diary) {
				time.Sleep(10*d - time.Nanosecond)
				phase := time.Duration(-bubbleStart.UnixNano() % int64(d)) // of the epoch's grid against the bubble's clock
				for i := range 20 {
					check := fmt.Sprintf("check-%d", i)
					first := (placeOf(check, d) + phase + d) % d
					var want []time.Duration
					for n := range 10 {
						want = append(want, first+time.Duration(n)*d)
					}
					if diff := cmp.Diff(want, diary.sinceStart(check)); diff != "" {
						t.Errorf("%s: %s", check, diff)
					}
				}
			})
		})
	}
}

func TestCronReleasesAfterItsTickOverItsShortestGap(t *testing.T) {
	for _, tc := range []struct {
		schedule string
		spread   time.Duration
		ticks    []time.Duration // in the first three hours
	}{
		{"*/20 * * * * *", 20 * time.Second, nil},
		{"30 * * * *", time.Minute, []time.Duration{30 * time.Minute, 90 * time.Minute, 150 * time.Minute}},
		{"0,10 30 1 * * *", 10 * time.Second, []time.Duration{90 * time.Minute, 90*time.Minute + 10*time.Second}},
		{"CRON_TZ=Asia/Kolkata 0 * * * *", time.Minute, []time.Duration{30 * time.Minute, 90 * time.Minute, 150 * time.Minute}},
	} {
		t.Run(tc.schedule, func(t *testing.T) {
			if tc.ticks == nil {
				for tick := 20 * time.Second; tick < 3*time.Hour; tick += 20 * time.Second {
					tc.ticks = append(tc.ticks, tick)
				}
			}
			inBubble(t, func(d *diary) []Entry { return d.entries(t, 5, tc.schedule) }, func(_ *Scheduler, diary *diary) {
				time.Sleep(3*time.Hour - time.Nanosecond)
				for i := range 5 {
					check := fmt.Sprintf("check-%d", i)
					var want []time.Duration
					for _, tick := range tc.ticks {
						want = append(want, tick+placeOf(check, tc.spread))
					}
					want = slices.DeleteFunc(want, func(at time.Duration) bool { return at >= 3*time.Hour })
					got := slices.DeleteFunc(diary.sinceStart(check), func(at time.Duration) bool { return at < 20*time.Second }) // its start
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s: %s", check, diff)
					}
				}
			})
		})
	}
}

func TestEveryCheckRunsOnceAtStart(t *testing.T) {
	for _, tc := range []struct {
		schedule string
		within   time.Duration
	}{
		{"@every 1s", time.Second},
		{"@every 3s", 3 * time.Second},
		{"@every 15s", 5 * time.Second},
		{"@every 1h", 5 * time.Second},
		{"*/2 * * * * *", 2 * time.Second},
		{"0 0 29 2 *", 5 * time.Second},
	} {
		t.Run(tc.schedule, func(t *testing.T) {
			inBubble(t, func(d *diary) []Entry { return d.entries(t, 200, tc.schedule) }, func(_ *Scheduler, diary *diary) {
				time.Sleep(tc.within)
				synctest.Wait()
				var earliest, latest = time.Hour, time.Duration(0)
				for check, releases := range diary.releases {
					if len(releases) > 1 && diary.sinceStart(check)[1] < tc.within {
						t.Errorf("%s ran %d times at start", check, len(releases))
					}
					earliest, latest = min(earliest, diary.sinceStart(check)[0]), max(latest, diary.sinceStart(check)[0])
				}
				if len(diary.releases) != 200 {
					t.Errorf("%d of 200 checks ran within %v", len(diary.releases), tc.within)
				}
				if latest-earliest < tc.within*9/10 {
					t.Errorf("the first runs lie within %v of each other, of %v", latest-earliest, tc.within)
				}
			})
		})
	}
}

func TestPlacesAreSpreadEvenly(t *testing.T) {
	const checks, spread = 10_000, time.Second
	var tenths [10]int
	for i := range checks {
		key := probe.Key{Service: "shop", Target: fmt.Sprintf("http://10.0.%d.%d:8000", i/250, i%250), Check: "health"}
		tenths[offset(hash(key), spread)*10/spread]++
	}
	for i, n := range tenths {
		if n < checks/10*8/10 || n > checks/10*12/10 {
			t.Errorf("%d of %d checks are released in tenth %d", n, checks, i)
		}
	}
}

func TestSchedulesThatAreTheSameShareAWheel(t *testing.T) {
	inBubble(t, func(d *diary) []Entry {
		return []Entry{d.entry(t, "a", "@every 60s"), d.entry(t, "b", "@every 1m"), d.entry(t, "c", "@hourly"), d.entry(t, "d", "0 * * * *")}
	}, func(s *Scheduler, _ *diary) {
		if got := len(s.cron.Entries()); got != 2 {
			t.Errorf("cron has %d entries, want one for each of 2 schedules", got)
		}
	})
}

func TestLatenessDoesNotAddUp(t *testing.T) {
	const turn, held = 10 * time.Second, 1500 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		d := &diary{releases: map[string][]time.Time{}}
		s := New(d.late)
		entries := d.entries(t, 40, "@every 10s")
		slices.SortFunc(entries, func(a, b Entry) int { return int(placeOf(a.Key.Check, turn) - placeOf(b.Key.Check, turn)) })
		slow := &entries[20]
		from := turn + placeOf(slow.Key.Check, turn) // in the second turn: the first has the runs at start besides
		note := slow.Run
		slow.Run = func() {
			note()
			if time.Since(bubbleStart) == from {
				time.Sleep(held) // what a run must not do
			}
		}
		s.Set(entries)
		ctx, cancel := context.WithTimeout(t.Context(), 3*turn-time.Nanosecond)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		heldUp := 0
		for _, e := range entries {
			planned := turn + placeOf(e.Key.Check, turn)
			want := []time.Duration{planned, planned + turn}
			if planned > from && planned < from+held {
				want[0] = from + held
				heldUp++
			}
			got := d.sinceStart(e.Key.Check)
			if diff := cmp.Diff(want, got[len(got)-2:]); diff != "" {
				t.Errorf("%s: %s", e.Key.Check, diff)
			}
		}
		lateTold := 0
		for _, by := range d.lateness {
			if by > 0 && by < held {
				lateTold++
			}
		}
		if heldUp == 0 || lateTold != heldUp {
			t.Errorf("%d checks were held up, %d were told to be late", heldUp, lateTold)
		}
	})
}

func TestSetKeepsWhatDidNotChange(t *testing.T) {
	undisturbed := map[string][]time.Duration{}
	schedules := []string{"@every 1s", "@every 7s", "*/3 * * * * *", "@every 30s"}
	all := func(d *diary) []Entry {
		var entries []Entry
		for i, schedule := range schedules {
			for n := range 5 {
				entries = append(entries, d.entry(t, fmt.Sprintf("check-%d-%d", i, n), schedule))
			}
		}
		return entries
	}
	inBubble(t, all, func(_ *Scheduler, d *diary) {
		time.Sleep(time.Minute - time.Nanosecond)
		synctest.Wait()
		for check := range d.releases {
			undisturbed[check] = d.sinceStart(check)
		}
	})
	inBubble(t, all, func(s *Scheduler, d *diary) {
		for i := range 600 { // a storm: a set each 100 ms, half of them with checks that come and go
			time.Sleep(100*time.Millisecond - time.Nanosecond)
			entries := all(d)
			if i%2 == 0 {
				entries = append(entries, d.entry(t, "passing", schedules[i/2%4]), d.entry(t, "passing-too", "@every 11s"))
			}
			s.Set(entries)
			time.Sleep(time.Nanosecond)
		}
		for check, want := range undisturbed {
			if diff := cmp.Diff(want, slices.DeleteFunc(d.sinceStart(check), func(at time.Duration) bool { return at >= time.Minute })); diff != "" {
				t.Errorf("%s: %s", check, diff)
			}
		}
	})
}

func TestSetRunsNewChecksSoonAndOldOnesNoMore(t *testing.T) {
	inBubble(t, func(d *diary) []Entry {
		return []Entry{d.entry(t, "old", "@every 1s"), d.entry(t, "kept", "@every 1h")}
	}, func(s *Scheduler, d *diary) {
		time.Sleep(20*time.Second + 3*time.Millisecond)
		s.Set([]Entry{d.entry(t, "kept", "@every 1h"), d.entry(t, "new", "@every 1h")})
		old := len(d.sinceStart("old"))
		time.Sleep(10 * time.Second)
		if got := len(d.sinceStart("old")); got != old {
			t.Errorf("the removed check was released %d times more", got-old)
		}
		start := 20*time.Second + 10*time.Millisecond
		if diff := cmp.Diff([]time.Duration{start + placeOf("new", 5*time.Second)}, d.sinceStart("new")); diff != "" {
			t.Errorf("new: %s", diff)
		}
		if diff := cmp.Diff([]time.Duration{placeOf("kept", 5*time.Second)}, d.sinceStart("kept")); diff != "" {
			t.Errorf("kept: %s", diff)
		}
	})
}

func TestSetGivesAKnownCheckItsNewScheduleAndRun(t *testing.T) {
	inBubble(t, func(d *diary) []Entry { return []Entry{d.entry(t, "check", "@every 1h")} }, func(s *Scheduler, d *diary) {
		time.Sleep(10 * time.Second)
		changed := d.entry(t, "check", "@every 1s")
		replaced := 0
		changed.Run = func() { replaced++ }
		s.Set([]Entry{changed})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := len(d.sinceStart("check")); got != 1 {
			t.Errorf("the old run was called %d times, want once, at start", got)
		}
		if replaced != 10 {
			t.Errorf("the new run was called %d times in 10 s", replaced)
		}
	})
}

func TestSetRunsAnotherEditionSoonAndOnce(t *testing.T) {
	inBubble(t, func(d *diary) []Entry { return []Entry{d.entry(t, "check", "@every 1h")} }, func(s *Scheduler, d *diary) {
		time.Sleep(20 * time.Second)
		changed := d.entry(t, "check", "@every 1h")
		changed.Edition = "second"
		for range 3 {
			s.Set([]Entry{changed})
			time.Sleep(10 * time.Second)
		}
		want := []time.Duration{placeOf("check", 5*time.Second), 20*time.Second + placeOf("check", 5*time.Second)}
		if diff := cmp.Diff(want, d.sinceStart("check")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNothingToDoAndNothingLeft(t *testing.T) {
	inBubble(t, func(d *diary) []Entry { return nil }, func(s *Scheduler, d *diary) {
		time.Sleep(48 * time.Hour)
		s.Set(d.entries(t, 3, "@every 1s"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.Set(nil)
		before := len(d.lateness)
		time.Sleep(48 * time.Hour)
		if before != 6 || len(d.lateness) != before {
			t.Errorf("%d releases before all was taken away, %d after", before, len(d.lateness)-before)
		}
	})
}

func TestRunOnlyOnce(t *testing.T) {
	s := New(func(time.Duration) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Errorf("first: %v", err)
	}
	if err := s.Run(ctx); err == nil {
		t.Error("a second run was let pass")
	}
}

// Sets come from other goroutines than releases: the race detector reads along.
func TestSetWhileReleasing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{releases: map[string][]time.Time{}}
		s := New(d.late)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		for n := range 4 {
			wg.Go(func() {
				for i := range 50 {
					s.Set(d.entries(t, 20, schedulesOfStorm[(i+n)%len(schedulesOfStorm)]))
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		time.Sleep(time.Second)
		cancel()
		wg.Wait()
		if len(d.releases) != 20 {
			t.Errorf("%d of 20 checks were released", len(d.releases))
		}
	})
}

var schedulesOfStorm = []string{"@every 100ms", "@every 200ms", "* * * * * *", "@every 100ms"}
