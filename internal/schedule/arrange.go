package schedule

import (
	"time"

	"github.com/robfig/cron/v3"

	"postflight/probe"
)

// arrange gives every entry its place: in its schedule's wheel, and for its first run unless its key is known. Whoever
// calls it holds mu.
func (s *Scheduler) arrange(known map[probe.Key]bool) {
	now := time.Now().Round(0)
	groups := map[string][]*Entry{}
	for i := range s.entries {
		e := &s.entries[i]
		groups[e.Schedule.identity] = append(groups[e.Schedule.identity], e)
	}
	s.dropWheels(groups)
	pending := s.pendingStarts(now)
	var starts []place
	begin := now.Add(grid - 1).Truncate(grid)
	for identity, group := range groups {
		w := s.wheel(identity, group[0].Schedule, now)
		next := w.schedule.Next(now)
		places := make([]place, len(group))
		for i, e := range group {
			h := hash(e.Key)
			places[i] = place{offset(h, w.schedule.spread), e}
			at, starting := pending[e.Key]
			spread := min(startSpread, w.schedule.shortest)
			if !starting && !known[e.Key] && w.firstRelease(places[i].offset, next).Sub(now) > spread {
				at, starting = begin.Add(offset(h, spread)), true
			}
			if starting {
				starts = append(starts, place{at.Sub(begin), e})
			}
		}
		w.put(places)
		s.due.update(&w.turn)
	}
	s.starts.restart(begin)
	s.starts.put(starts)
	s.due.update(&s.starts)
}

// dropWheels forgets the wheels whose schedule nobody has any more.
func (s *Scheduler) dropWheels(groups map[string][]*Entry) {
	for identity, w := range s.wheels {
		if _, wanted := groups[identity]; wanted {
			continue
		}
		w.put(nil)
		s.due.update(&w.turn)
		s.cron.Remove(w.entryID)
		delete(s.wheels, identity)
	}
}

// wheel gives the schedule's wheel with its turn brought up to now, or a new one.
func (s *Scheduler) wheel(identity string, schedule Schedule, now time.Time) *wheel {
	if w := s.wheels[identity]; w != nil {
		w.catchUp(now, s.late)
		return w
	}
	w := newWheel(schedule, now)
	w.entryID = s.cron.Schedule(&w.ticks, cron.FuncJob(func() { s.begin(w) }))
	s.wheels[identity] = w
	return w
}

// firstRelease tells when a new entry at the offset is first released, if the wheel turns next at next.
func (w *wheel) firstRelease(offset time.Duration, next time.Time) time.Time {
	if offset > w.passed {
		return w.beginning.Add(offset)
	}
	return next.Add(offset)
}

// pendingStarts gives the times of the first runs that are still to come.
func (s *Scheduler) pendingStarts(now time.Time) map[probe.Key]time.Time {
	s.starts.catchUp(now, s.late)
	s.due.update(&s.starts)
	pending := map[probe.Key]time.Time{}
	for _, p := range s.starts.places[s.starts.next:] {
		pending[p.entry.Key] = s.starts.beginning.Add(p.offset)
	}
	return pending
}
