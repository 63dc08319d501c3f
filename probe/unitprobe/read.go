package unitprobe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

// maxPathRules is for how many units signals are asked by path. dbus-daemon allows a connection to the system bus 512
// match rules (max_match_rules_per_connection); with more units than this, one rule asks for the signals of all.
const maxPathRules = 400

const (
	propertiesRule = "type='signal',sender='" + systemdName + "',interface='" + propertiesInterface + "'," +
		"member='PropertiesChanged',"
	allUnitsRule = propertiesRule + "path_namespace='/org/freedesktop/systemd1/unit'"
)

// read reads the units and tells a reading of each: where it is, its signals from now on, its properties. In each of
// the three steps the calls for all units are under way at once.
func (s *session) read(ctx context.Context, units []*unit) error {
	for _, u := range units {
		u.start, u.failure = time.Now(), nil
	}
	if err := s.locate(ctx, units); err != nil {
		return err
	}
	located := slices.DeleteFunc(slices.Clone(units), func(u *unit) bool { return u.failure != nil })
	if err := s.matchUnits(ctx, located); err != nil {
		return err
	}
	return s.getProperties(ctx, located)
}

// locate asks for the units' objects. LoadUnit, unlike GetUnit, also tells of a unit that is not in use, or not there
// at all. The answer can change with a daemon-reload, when a name becomes an alias.
func (s *session) locate(ctx context.Context, units []*unit) error {
	manager := s.bus.Object(systemdName, systemdPath)
	return exchange(ctx, s, units, func(ctx context.Context, u *unit, replies chan *dbus.Call) *dbus.Call {
		return manager.GoWithContext(ctx, managerPrefix+"LoadUnit", dbus.FlagNoAutoStart, replies, u.name)
	}, func(u *unit, reply *dbus.Call) {
		var path dbus.ObjectPath
		if err := reply.Store(&path); err != nil {
			u.fail(err)
			u.tellFailure(s.tell)
			return
		}
		s.place(u, path)
	})
}

func (s *session) place(u *unit, path dbus.ObjectPath) {
	if u.path == path {
		return
	}
	s.byPath[u.path] = slices.DeleteFunc(s.byPath[u.path], func(other *unit) bool { return other == u })
	u.path, u.whole = path, false
	s.byPath[path] = append(s.byPath[path], u)
}

// matchUnits asks the bus for the units' signals, where it has not yet been asked.
func (s *session) matchUnits(ctx context.Context, units []*unit) error {
	if len(s.units) > maxPathRules {
		return nil
	}
	var rules []string
	for _, u := range units {
		if !s.matched[u.path] {
			s.matched[u.path] = true
			rules = append(rules, propertiesRule+"path='"+string(u.path)+"'")
		}
	}
	return s.match(ctx, rules)
}

func (s *session) match(ctx context.Context, rules []string) (err error) {
	exchangeErr := exchange(ctx, s, rules, func(ctx context.Context, rule string, replies chan *dbus.Call) *dbus.Call {
		return s.bus.BusObject().GoWithContext(ctx, busName+".AddMatch", 0, replies, rule)
	}, func(_ string, reply *dbus.Call) {
		if reply.Err != nil {
			err = reply.Err
		}
	})
	if exchangeErr != nil {
		return exchangeErr
	}
	return err
}

type get struct {
	*unit
	*property
}

func (s *session) getProperties(ctx context.Context, units []*unit) error {
	var gets []get
	for _, u := range units {
		u.awaited = 0
		for i := range properties {
			if properties[i].has(u.name) {
				u.awaited++
				gets = append(gets, get{u, &properties[i]})
			}
		}
	}
	return exchange(ctx, s, gets, func(ctx context.Context, g get, replies chan *dbus.Call) *dbus.Call {
		return s.bus.Object(systemdName, g.path).GoWithContext(ctx, propertiesInterface+".Get",
			dbus.FlagNoAutoStart, replies, g.of, g.property.name)
	}, s.takeProperty)
}

func (s *session) takeProperty(g get, reply *dbus.Call) {
	var value dbus.Variant
	if err := reply.Store(&value); err != nil {
		g.fail(err)
	} else {
		g.keep(g.property, value)
	}
	g.awaited--
	switch {
	case g.awaited > 0:
	case g.failure != nil:
		g.tellFailure(s.tell)
	default:
		g.whole = true
		g.tellReading(s.tell, s.machine, g.start, time.Since(g.start))
	}
}

// exchange sends a call for each item, all at once, and takes the replies in the order in which they arrive, signals
// that arrived in between before the reply after them: so what is known is at any moment what systemd last said. A
// refusal is a reply; it returns an error when the connection or systemd is out of reach.
func exchange[T any](ctx context.Context, s *session, items []T,
	send func(context.Context, T, chan *dbus.Call) *dbus.Call, take func(T, *dbus.Call),
) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	replies := make(chan *dbus.Call, len(items))
	item := make(map[*dbus.Call]T, len(items))
	for _, it := range items {
		item[send(ctx, it, replies)] = it
	}
	for range items {
		reply := <-replies
		s.takeSignals(reply.ResponseSequence)
		reply.Err = inWords(reply)
		if reply.Err != nil && !refused(reply.Err) {
			return reply.Err
		}
		take(item[reply], reply)
	}
	return nil
}

// call makes a single call.
func (s *session) call(ctx context.Context, on dbus.BusObject, method string, args ...any) (reply *dbus.Call) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	reply = on.CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
	reply.Err = inWords(reply)
	return reply
}

func wrongType(p *property, value dbus.Variant) error {
	return fmt.Errorf("%s %v: %w", p.name, value, errProtocol)
}
