package journalprobe

import (
	"time"

	"postflight/internal/logpattern"
	"postflight/probe"
)

// unit is one unit of one service, and what has been read of it and not been told.
type unit struct {
	key    probe.Key
	reader *logpattern.Reader // nil: nothing is looked for in its lines
	since  time.Time          // entries up to then have been told by an earlier Watcher; zero: none of those that come
	log    probe.Log          // its Until is zero where there is nothing to tell
}

// units are all that are watched.
type units struct {
	all    []*unit
	byName map[string][]*unit // a unit may be that of several services
	tell   func(probe.Result)
}

func newUnits(o Options, now time.Time, tell func(probe.Result)) *units {
	us := &units{byName: map[string][]*unit{}, tell: tell}
	for _, key := range o.Units {
		u := &unit{key: key}
		// A time that is yet to come is from before the clock was set back. It would hide all that comes until then.
		if since := o.Since[key]; !since.After(now) {
			u.since = since
		}
		if set := o.Patterns[key.Service]; set != nil {
			u.reader = set.Reader()
		}
		us.all = append(us.all, u)
		us.byName[key.Unit] = append(us.byName[key.Unit], u)
	}
	return us
}

// known is until when anything has been told by an earlier Watcher; zero: nothing has.
func (us *units) known() time.Time {
	var latest time.Time
	for _, u := range us.all {
		if u.since.After(latest) {
			latest = u.since
		}
	}
	return latest
}

// observable tells that the units' logs can be read.
func (us *units) observable() {
	for _, u := range us.all {
		us.tell(probe.Result{Key: u.key, Start: time.Now(), Outcome: probe.Pass, Log: new(probe.Log)})
	}
}

// blind tells that they cannot be read now, and why.
func (us *units) blind(start time.Time, why error) { us.fail(start, why, false) }

// missed tells that entries may be gone that were never read, and why.
func (us *units) missed(start time.Time, why error) { us.fail(start, why, true) }

func (us *units) fail(start time.Time, why error, missed bool) {
	for _, u := range us.all {
		us.tell(probe.Result{
			Key: u.key, Start: start, Duration: time.Since(start), Outcome: probe.Error, Reason: probe.ReasonInternal,
			Wanted: "the unit's log in the journal", Got: why.Error(), Log: &probe.Log{Missed: missed},
		})
	}
}

// take takes up an entry for those units that it concerns, and returns how much there is to tell because of it.
func (us *units) take(e *entry) (findings int) {
	for _, u := range us.byName[string(e[fieldUnit].text)] {
		if u.isNew(e) {
			findings += u.line(e)
		}
	}
	if e.is(fieldPID, "1") && len(e[fieldAboutUnit].text) > 0 {
		findings += us.event(e)
	}
	if dropped := droppedOf(e); dropped > 0 {
		for _, u := range us.byName[string(e[fieldObjectUnit].text)] {
			if u.isNew(e) {
				u.log.Dropped += dropped
			}
		}
	}
	return findings
}

func (us *units) event(e *entry) (findings int) {
	event, ok := eventOf(e)
	if !ok {
		return 0
	}
	for _, u := range us.byName[string(e[fieldAboutUnit].text)] {
		if u.isNew(e) {
			u.log.Events = append(u.log.Events, event)
			findings++
		}
	}
	return findings
}

// isNew reports whether an entry that concerns the unit has not been told yet. If so, there is something to tell.
func (u *unit) isNew(e *entry) bool {
	at := e.time(fieldStamp)
	if !at.After(u.since) {
		return false
	}
	u.since = time.Time{} // from here on nothing is, also when the clock is set back
	u.log.Until = at
	return true
}

// line takes up what the unit wrote.
func (u *unit) line(e *entry) (findings int) {
	u.log.Lines += e[fieldMessage].lines()
	if u.reader == nil {
		return 0
	}
	matches := u.reader.Line(int(e.number(fieldPID)), u.log.Until, e[fieldMessage].text)
	u.log.Matches = append(u.log.Matches, matches...)
	return len(matches)
}

// flush tells what has been read since the time at which it was begun.
func (us *units) flush(began time.Time) {
	for _, u := range us.all {
		if u.log.Until.IsZero() {
			continue
		}
		log := u.log
		u.log = probe.Log{}
		us.tell(probe.Result{Key: u.key, Start: began, Duration: time.Since(began), Outcome: probe.Pass, Log: &log})
	}
}
