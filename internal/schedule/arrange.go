package schedule

import (
	"time"

	"github.com/robfig/cron/v3"

	"postflight/probe"
)

// arrange gives every entry its place: in its schedule's wheel, and outside its turns at the time in starts. One that is
// not there, and not known in this edition, runs once soon. New wheels begin to turn after the pause, or after their shortest interval; by as
// much later than its start an entry may be released in its turn, and then needs no start. Whoever calls it holds mu.
func (s *Scheduler) arrange(known map[probe.Key]any, starts map[probe.Key]time.Time, pause time.Duration) {
	now := s.clock.now()
	groups := map[string][]*Entry{}
	for i := range s.entries {
		e := &s.entries[i]
		groups[e.Schedule.identity] = append(groups[e.Schedule.identity], e)
	}
	s.dropWheels(groups)
	begin := now.Add(grid - 1).Truncate(grid)
	var extra []place
	for identity, group := range groups {
		schedule := group[0].Schedule
		pause, spread := min(pause, schedule.shortest), min(startSpread, schedule.shortest)
		w := s.wheel(identity, schedule, now.Add(pause))
		next := schedule.Next(latest(now, w.beginning))
		places := make([]place, len(group))
		for i, e := range group {
			h := hash(e.Key)
			places[i] = place{offset(h, schedule.spread), e}
			release := w.firstRelease(places[i].offset, next)
			start, there := starts[e.Key]
			edition, before := known[e.Key]
			isNew := !before || edition != e.Edition
			switch {
			case there && release.Sub(start) > pause:
				extra = append(extra, place{start.Sub(begin), e})
			case !there && isNew && release.Sub(now) > spread:
				extra = append(extra, place{offset(h, spread), e})
			}
		}
		w.put(places)
		s.due.update(&w.turn)
	}
	s.starts.restart(begin)
	s.starts.put(extra)
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
	w := newWheel(schedule, s.clock, now)
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

// pendingStarts gives the times of the runs outside the turns that are still to come, or overdue.
func (s *Scheduler) pendingStarts() map[probe.Key]time.Time {
	pending := map[probe.Key]time.Time{}
	for _, p := range s.starts.places[s.starts.next:] {
		pending[p.entry.Key] = s.starts.beginning.Add(p.offset)
	}
	return pending
}
