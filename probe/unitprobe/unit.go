package unitprobe

import (
	"time"

	"github.com/godbus/dbus/v5"

	"postflight/probe"
)

// unit is what a session knows of one unit.
type unit struct {
	name string
	keys []probe.Key // of the services that have it
	path dbus.ObjectPath

	known known
	whole bool // known holds every property

	// Of the reading under way:
	start   time.Time
	awaited int // replies
	failure error
}

// unitsOf makes a unit of each name among the keys, in their order.
func unitsOf(keys []probe.Key) []*unit {
	var units []*unit
	byName := map[string]*unit{}
	for _, key := range keys {
		u := byName[key.Unit]
		if u == nil {
			u = &unit{name: key.Unit}
			byName[u.name] = u
			units = append(units, u)
		}
		u.keys = append(u.keys, key)
	}
	return units
}

// keep stores one property's value. The first that cannot be stored makes the reading fail.
func (u *unit) keep(p *property, value dbus.Variant) {
	if !p.set(&u.known, value.Value()) {
		u.fail(wrongType(p, value))
	}
}

func (u *unit) fail(err error) {
	if u.failure == nil {
		u.failure = err
	}
}

// tellReading tells what is known of the unit, which the whole of it must be, to each service that has it.
func (u *unit) tellReading(tell func(probe.Result), in machine, start time.Time, took time.Duration) {
	u.tellAsOf(time.Time{}, tell, in, start, took)
}

// tellSignal tells what a signal that has just arrived made known. A bus that hangs for a while delivers it late.
func (u *unit) tellSignal(tell func(probe.Result), in machine, arrived time.Time) {
	u.tellAsOf(u.known.changed, tell, in, arrived, 0)
}

func (u *unit) tellAsOf(changed time.Time, tell func(probe.Result), in machine, start time.Time, took time.Duration) {
	for _, key := range u.keys {
		reading := u.known.Unit
		reading.Changed = changed
		reading.BootID, reading.AtBoot = in.bootID, reading.InvocationID != "" && in.startedBy(u.known.started)
		tell(probe.Result{Key: key, Start: start, Duration: took, Outcome: probe.Pass, Unit: &reading})
	}
}

// tellFailure tells that the unit could not be read; until it can be, its signals are kept and not told.
func (u *unit) tellFailure(tell func(probe.Result)) {
	u.whole = false
	for _, key := range u.keys {
		tell(unobserved(key, u.start, u.failure))
	}
}
