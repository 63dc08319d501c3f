package state

import (
	"time"

	"postflight/probe"
)

// wellness is what the last look at a critical check, or at a unit, means to its service.
type wellness uint8

const (
	unknown wellness = iota // not looked at yet, not to be seen, or neither of the others, as a unit that somebody stopped
	well
	failing
)

// outage is the time in which a service fails: from the first of its critical checks or units that does until all of them
// are well again. In between some may be out of sight: that neither begins nor ends it.
type outage struct {
	since time.Time           // zero: the service does not fail
	of    [3]int              // how many there are of each wellness
	units map[string]wellness // by name
}

// move takes up that one of them is now otherwise than before, or as before. over: the service is well again, and how long
// that took.
func (o *outage) move(before, now wellness, at time.Time) (took time.Duration, over bool) {
	o.of[before]--
	o.of[now]++
	switch {
	case o.since.IsZero() && o.of[failing] > 0:
		o.since = at
	case !o.since.IsZero() && o.of[failing]+o.of[unknown] == 0:
		took, over = at.Sub(o.since), true
		o.since = time.Time{}
	}
	return took, over
}

// recount takes up what is configured now. A service of which nothing can fail does not.
func (o *outage) recount(checks []*checkEntry, units []*unitEntry) {
	before := o.units
	o.of, o.units = [3]int{}, map[string]wellness{}
	for _, c := range checks {
		if c.state.Check.Critical {
			o.of[c.state.wellness()]++
		}
	}
	for _, u := range units {
		name := u.state.Key.Unit
		o.units[name] = before[name]
		o.of[before[name]]++
	}
	if o.of == [3]int{} {
		o.since = time.Time{}
	}
}

func (c *CheckState) wellness() wellness {
	switch {
	case !c.HasRun():
		return unknown
	case c.Last.Outcome.Up():
		return well
	case c.Last.Outcome == probe.Fail:
		return failing
	default:
		return unknown
	}
}

func (u *UnitState) wellness(now time.Time) wellness {
	seen := u.Last.Unit
	switch {
	case seen == nil:
		return unknown
	case seen.ActiveState == "failed", betweenCrashes(seen), u.CrashLooping(now):
		return failing
	case seen.ActiveState == "active", seen.ActiveState == "reloading", seen.ActiveState == "refreshing":
		return well
	default:
		return unknown
	}
}

// foldCheck takes up that a check of the service has run.
func (s *serviceEntry) foldCheck(before, now *CheckState) (changed bool) {
	if !now.Check.Critical {
		return false
	}
	return s.record.foldWellness(before.wellness(), now.wellness(), now.Last.End())
}

// foldUnit takes up that a unit of the service has been looked at.
func (s *serviceEntry) foldUnit(u *UnitState) (changed bool) {
	units, name, at := s.record.outage.units, u.Key.Unit, u.Last.End()
	before := units[name]
	units[name] = u.wellness(at)
	return s.record.foldWellness(before, units[name], at)
}

func (r *record) foldWellness(before, now wellness, at time.Time) (changed bool) {
	since := r.outage.since
	if took, over := r.outage.move(before, now, at); over {
		r.deployments.Recovery.observe(took)
	}
	return !since.Equal(r.outage.since)
}
