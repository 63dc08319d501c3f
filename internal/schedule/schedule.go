// Package schedule says when checks run. Parse reads a schedule as people write it, and the Scheduler releases each
// check at its own moment of each of the schedule's turns.
package schedule

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are known also where the host has no zoneinfo

	"github.com/robfig/cron/v3"
)

// The limits of @every.
const (
	minEvery = 100 * time.Millisecond
	maxEvery = 365 * 24 * time.Hour
)

// grid is what every release keeps to, counted from the epoch. Checks whose releases fall on the same point share one
// wake-up.
const grid = 10 * time.Millisecond

// maxCronSpread is over how much time a cron expression's checks are spread at most: who writes "at 3 o'clock" means
// about 3 o'clock.
const maxCronSpread = time.Minute

// Schedule is a valid schedule: it fires. Make one with Parse; the zero Schedule never fires.
type Schedule struct {
	text     string
	timing   cron.Schedule
	identity string // the same however it is written
	shortest time.Duration
	spread   time.Duration
}

// String gives the schedule as it was written.
func (s Schedule) String() string { return s.text }

// IsZero reports whether s is no schedule at all.
func (s Schedule) IsZero() bool { return s.timing == nil }

// Equal reports whether both are the same schedule, however they were written.
func (s Schedule) Equal(other Schedule) bool { return s.identity == other.identity }

// Next gives the first time after t at which the schedule fires.
func (s Schedule) Next(t time.Time) time.Time { return s.timing.Next(t.UTC().Round(0)) }

// Interval gives the time between the next two firings after now.
func (s Schedule) Interval(now time.Time) time.Duration {
	next := s.Next(now)
	return s.Next(next).Sub(next)
}

// Shortest gives the shortest time that ever lies between two firings. Of a cron expression it is taken from the time
// of day, as if it fired every day: never more than 24 h.
func (s Schedule) Shortest() time.Duration { return s.shortest }

// every fires each time that a whole number of its durations has passed since the epoch, so that a restart or a reload
// keeps the phase. robfig's own @every counts from its start, in whole seconds.
type every time.Duration

// Next gives the first such time after t.
func (e every) Next(t time.Time) time.Time {
	d := int64(e)
	since := t.UnixNano()
	return time.Unix(0, since-((since%d)+d)%d+d).UTC()
}

// Parse reads a schedule: a cron expression of five fields, or six with seconds in front; @hourly, @daily and the
// like; or @every with a duration. Times are UTC unless the text begins with CRON_TZ=. Its errors say what to write
// instead.
func Parse(text string) (Schedule, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Schedule{}, fmt.Errorf("the schedule is empty; write one such as %q", "@every 15s")
	}
	if len(text) > 256 {
		return Schedule{}, fmt.Errorf("the schedule is %d characters long; write at most 256", len(text))
	}
	zone, expression, err := splitZone(text)
	if err != nil {
		return Schedule{}, err
	}
	if rest, ok := strings.CutPrefix(expression, "@every"); ok {
		if zone != nil {
			return Schedule{}, fmt.Errorf("@every knows no time zone; leave the zone out of %q", text)
		}
		return parseEvery(text, strings.TrimSpace(rest))
	}
	if zone == nil {
		zone = time.UTC
	}
	return parseCron(text, expression, zone)
}

// Every gives the schedule "@every d", with d rounded up to the grid of 10 ms and kept within the limits of @every.
func Every(d time.Duration) Schedule {
	d = min(max((d+grid-1).Truncate(grid), minEvery), maxEvery)
	text := "@every " + d.String()
	return Schedule{text: text, timing: every(d), identity: text, shortest: d, spread: d}
}

func parseEvery(text, duration string) (Schedule, error) {
	d, err := time.ParseDuration(duration)
	switch {
	case err != nil:
		return Schedule{}, fmt.Errorf("%q is not a duration; write @every with a number and its unit, such as %q, %q or %q",
			duration, "@every 500ms", "@every 15s", "@every 1h30m")
	case d < minEvery:
		return Schedule{}, fmt.Errorf("@every %s is too often; write %q or more", duration, "@every 100ms")
	case d > maxEvery:
		return Schedule{}, fmt.Errorf("@every %s is too seldom; write %q or less", duration, "@every 8760h")
	case d%grid != 0:
		return Schedule{}, fmt.Errorf("@every %s is not a whole number of 10 ms; write %q", duration, "@every "+d.Round(grid).String())
	}
	s := Every(d)
	s.text = text
	return s, nil
}
