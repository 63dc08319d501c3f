package schedule

import (
	"time"

	"postflight/probe"
)

// clock tells the time of day as it was once, counted on by monotonic time. So it does not jump when the time of day is
// set, and waits and lateness that are reckoned with it are true across that.
type clock struct {
	start time.Time // bears the monotonic reading
	day   time.Time // the time of day at start, without it
}

func (c clock) now() time.Time { return c.at(time.Now()) }

// at gives the clock's time at a moment that bears a monotonic reading.
func (c clock) at(moment time.Time) time.Time { return c.day.Add(moment.Sub(c.start)) }

// moment gives the moment, with its monotonic reading, at which the clock tells a time.
func (c clock) moment(day time.Time) time.Time { return c.start.Add(day.Sub(c.day)) }

// timeOfDay is what the wall clock tells at a moment.
func timeOfDay(moment time.Time) time.Time { return moment.Round(0) }

// drift is how far the time of day may come to differ from the scheduler's clock.
const drift = time.Second

// settling is how long after the time of day was set the new turns begin, and how much later than planned an entry may be
// released for it, rather than twice.
const settling = time.Second

// keepTime arranges everything anew when the time of day has been set, for that is what schedules are of. An entry that
// would wait too long for its place in the new turns is released once more as planned. Whoever calls it holds mu.
func (s *Scheduler) keepTime() {
	moment := time.Now()
	set := s.timeOfDay(moment).Sub(s.clock.at(moment))
	if set.Abs() <= drift {
		return
	}
	planned := s.planned()
	for key, at := range planned {
		planned[key] = at.Add(set)
	}
	s.dropWheels(nil)
	s.setClock(moment)
	s.arrange(nil, planned, settling)
}

// planned gives the time of every entry's next release; it may be overdue.
func (s *Scheduler) planned() map[probe.Key]time.Time {
	planned := s.pendingStarts()
	for _, w := range s.wheels {
		next := w.schedule.Next(w.beginning)
		for _, p := range w.places {
			if _, starting := planned[p.entry.Key]; !starting {
				planned[p.entry.Key] = w.firstRelease(p.offset, next)
			}
		}
	}
	return planned
}

// setClock sets the scheduler's clock by the time of day.
func (s *Scheduler) setClock(moment time.Time) {
	s.clock = clock{moment, s.timeOfDay(moment)}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
