package schedule

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wallClock goes with the bubble's clock until it is set.
type wallClock struct{ ahead atomic.Int64 }

func (w *wallClock) set(by time.Duration) { w.ahead.Add(int64(by)) }
func (w *wallClock) timeOfDay(moment time.Time) time.Time {
	return moment.Add(time.Duration(w.ahead.Load()))
}

// settings of the wall clock: for each schedule some are whole turns, some nearly, and some are not.
var settings = []time.Duration{
	-100 * 24 * time.Hour, -time.Hour, -25 * time.Minute, -time.Hour - 2*time.Millisecond, -time.Hour + 2*time.Millisecond, -7 * time.Second, -1001 * time.Millisecond,
	7 * time.Second, 25 * time.Minute, time.Hour - 2*time.Millisecond, time.Hour, time.Hour + 2*time.Millisecond, 36 * time.Hour, 26 * 365 * 24 * time.Hour,
}

// Once the wall clock has been set every check goes on, in turns of the new time of day. Between, its next run comes at most
// 1 s later than it would have (or its interval, if that is shorter), and no check runs twice within that time.
func TestChecksGoOnWhenTheWallClockIsSet(t *testing.T) {
	for _, text := range []string{"@every 100ms", "@every 1s", "@every 15s", "@every 10m", "*/20 * * * * *", "0 * * * *"} {
		for _, by := range settings {
			t.Run(fmt.Sprint(text, " ", by), func(t *testing.T) {
				schedule := parse(t, text)
				interval := schedule.Shortest()
				little := min(time.Second, interval)
				var wall wallClock
				inBubbleAt(t, wall.timeOfDay, func(d *diary) []Entry { return d.entries(t, 10, text) }, func(_ *Scheduler, d *diary) {
					time.Sleep(2*interval + interval*4/10 + time.Millisecond)
					synctest.Wait()
					set := time.Since(bubbleStart)
					wall.set(by)
					time.Sleep(4*interval + 2*time.Second) // it may take a second to be noticed
					synctest.Wait()
					for i := range 10 {
						check := fmt.Sprintf("check-%d", i)
						releases := d.sinceStart(check)[1:] // without its start
						for n := 1; n < len(releases); n++ {
							if gap := releases[n] - releases[n-1]; gap > interval+little || gap < little*9/10 {
								t.Errorf("%s was released %v after its last release, at %v", check, gap, releases[n])
							}
						}
						after := slices.DeleteFunc(slices.Clone(releases), func(at time.Duration) bool { return at < set })
						if most := 6 + int(2*time.Second/interval); len(after) < 4 || len(after) > most {
							t.Errorf("%s was released %d times in 4 turns and 2 s", check, len(after))
						}
						for _, at := range after {
							day := bubbleStart.Add(at + by - placeOf(check, schedule.spread))
							if at > set+interval+time.Second && !schedule.Next(day.Add(-1)).Equal(day) {
								t.Errorf("%s was released at %v, which is not on its place", check, at)
							}
						}
					}
				})
			})
		}
	}
}

// Where the wall clock is set by whole turns, or by no more than a second, nothing changes.
func TestPhaseIsKeptWhenTheWallClockIsSetByWholeTurns(t *testing.T) {
	for _, by := range []time.Duration{0, -time.Hour, time.Hour, 24 * time.Hour, time.Second, -time.Second} {
		t.Run(by.String(), func(t *testing.T) {
			entries := func(d *diary) []Entry {
				return append(d.entries(t, 20, "@every 15s"), d.entry(t, "cron", "*/20 * * * * *"), d.entry(t, "slow", "@every 1h"))
			}
			releases := func(by time.Duration) map[string][]time.Time {
				var wall wallClock
				var found map[string][]time.Time
				inBubbleAt(t, wall.timeOfDay, entries, func(_ *Scheduler, d *diary) {
					time.Sleep(3*time.Second + 3*time.Millisecond) // some have not had their start
					wall.set(by)
					time.Sleep(2 * time.Hour)
					synctest.Wait()
					found = d.releases
				})
				return found
			}
			if diff := cmp.Diff(releases(0), releases(by)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A reload soon after the wall clock was set, before that is noticed, does no harm.
func TestSetWhenTheWallClockWasSet(t *testing.T) {
	var wall wallClock
	entries := func(d *diary) []Entry { return d.entries(t, 20, "@every 15s") }
	inBubbleAt(t, wall.timeOfDay, entries, func(s *Scheduler, d *diary) {
		time.Sleep(time.Minute + 3*time.Millisecond)
		synctest.Wait()
		before := len(d.lateness)
		wall.set(-time.Hour)
		s.Set(append(entries(d), d.entry(t, "new", "@every 1h")))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := len(d.lateness) - before; got != 4*20+1 {
			t.Errorf("%d releases in a minute, want 4 of each of 20 checks and the new one's start", got)
		}
	})
}

// A bubble's clock cannot be set, so this is how it is known that cron goes on waiting when the real one is.
func TestCronWaitsByMonotonicTime(t *testing.T) {
	moment := time.Now()
	c := clock{moment, timeOfDay(moment).Add(-time.Hour)}
	ticks := ticks{schedule: parse(t, "@every 15s"), clock: c, from: c.now()}
	for range 3 {
		next := ticks.Next(moment)
		if next == next.Round(0) {
			t.Errorf("%v bears no monotonic reading", next)
		}
		if wait := next.Sub(moment); wait <= 0 || wait > 15*time.Second {
			t.Errorf("cron is to wait %v", wait)
		}
		if planned := ticks.take(); !planned.Equal(c.at(next)) {
			t.Errorf("the tick of %v is remembered for %v", c.at(next), planned)
		}
		moment = next
	}
}
