package unitprobe

import (
	"slices"

	"github.com/godbus/dbus/v5"
)

// takeSignals deals with the signals that arrived before the message with that sequence. It asks nothing: what has to
// be read because of them is read by catchUp.
func (s *session) takeSignals(before dbus.Sequence) {
	signals, dropped := s.inbox.take(before)
	s.returned = s.returned || dropped // of what was dropped, this would need the most doing
	for _, signal := range signals {
		switch {
		case signal.Name == busName+".NameOwnerChanged" && signal.Sender == busName:
			s.ownerChanged(signal)
		case signal.Sender != s.systemd:
		case signal.Name == managerPrefix+"Reloading":
			s.reloading(signal)
		case signal.Name == managerPrefix+"StartupFinished":
			s.booted = true
		case signal.Name == propertiesInterface+".PropertiesChanged":
			s.changed(signal)
		}
	}
}

func (s *session) ownerChanged(signal arrival) {
	var name, before, now string
	if dbus.Store(signal.Body, &name, &before, &now) == nil && now != "" {
		s.returned = true
	}
}

// reloading makes all units stale after a daemon-reload: any of them may have come, gone or changed.
func (s *session) reloading(signal arrival) {
	var begins bool
	if dbus.Store(signal.Body, &begins) == nil && !begins {
		s.allStale = true
	}
}

// changed takes the values that a signal carries. systemd always sends two, first the service's and then the unit's,
// so that clients can take both as one change (bus_unit_send_change_signal): the second is what is told.
func (s *session) changed(signal arrival) {
	var of string
	var values map[string]dbus.Variant
	var invalidated []string
	if dbus.Store(signal.Body, &of, &values, &invalidated) != nil {
		return
	}
	for _, u := range s.byPath[signal.Path] {
		stale := u.merge(of, values, invalidated)
		switch {
		case stale || u.known.LoadState != "loaded": // no signal tells LoadState
			s.markStale(u)
		case u.whole && of == unitInterface:
			u.tellSignal(s.tell, s.machine, signal.at)
		}
	}
}

func (s *session) markStale(u *unit) {
	if u.whole && !slices.Contains(s.stale, u) {
		s.stale = append(s.stale, u)
	}
}

// merge takes a signal's values, and reports whether it says of others only that they have changed.
func (u *unit) merge(of string, values map[string]dbus.Variant, invalidated []string) (stale bool) {
	if changed, ok := values["StateChangeTimestamp"]; ok {
		timestamp(&u.known.changed, changed.Value())
	}
	for i := range properties {
		p := &properties[i]
		if p.of != of || !p.has(u.name) {
			continue
		}
		if value, ok := values[p.name]; ok {
			stale = !p.set(&u.known, value.Value()) || stale
		}
		stale = stale || slices.Contains(invalidated, p.name)
	}
	return stale
}
