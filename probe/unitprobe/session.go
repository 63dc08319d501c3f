package unitprobe

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"postflight/probe"
)

const (
	busName     = "org.freedesktop.DBus"
	systemdName = "org.freedesktop.systemd1"
	systemdPath = "/org/freedesktop/systemd1"

	managerInterface    = "org.freedesktop.systemd1.Manager"
	managerPrefix       = managerInterface + "."
	propertiesInterface = "org.freedesktop.DBus.Properties"

	// batchSize is how many units are read at once: their calls stay below the 128 unanswered ones that dbus-daemon
	// allows a connection to the system bus (max_replies_per_connection).
	batchSize = 8
)

// session is the life of one connection and all that is known through it. Everything but the inbox belongs to the
// goroutine that calls run.
type session struct {
	tell   func(probe.Result)
	units  []*unit
	inbox  *inbox
	served bool // every unit was asked for once, and the bus answered

	bus     *bus
	systemd string // systemd's own name on the bus; signals from anybody else are not believed
	machine machine
	byPath  map[dbus.ObjectPath][]*unit
	matched map[dbus.ObjectPath]bool // there is a match rule
	polled  int                      // units before this one were read by the poll under way

	// What signals have made necessary:
	stale    []*unit // to be read again
	allStale bool
	returned bool // systemd has come to the bus anew, or may have
	booted   bool // the machine has started
}

func newSession(keys []probe.Key, tell func(probe.Result)) *session {
	return &session{
		tell: tell, units: unitsOf(keys), inbox: newInbox(),
		machine: machine{bootID: readBootID()},
		byPath:  map[dbus.ObjectPath][]*unit{}, matched: map[dbus.ObjectPath]bool{},
	}
}

// run connects, reads every unit, and then follows signals and polls, until the context or the connection ends.
func (s *session) run(ctx context.Context, sockets []string, interval time.Duration) (err error) {
	if s.bus, err = dial(ctx, sockets, s.inbox); err != nil {
		return err
	}
	defer s.bus.close()
	if err := s.settle(ctx, s.begin(ctx)); err != nil {
		return err
	}
	s.served = true
	batches := (len(s.units) + batchSize - 1) / batchSize
	poll := time.NewTicker(interval / time.Duration(max(batches, 1)))
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.bus.Context().Done():
			return errLost
		case <-s.inbox.filled:
			s.takeSignals(math.MaxUint64)
			err = s.catchUp(ctx)
		case <-poll.C:
			err = s.read(ctx, s.nextBatch())
		}
		if err := s.settle(ctx, err); err != nil {
			return err
		}
	}
}

// begin asks for the signals that concern all units and reads everything.
func (s *session) begin(ctx context.Context) error {
	rules := []string{
		"type='signal',sender='" + busName + "',member='NameOwnerChanged',arg0='" + systemdName + "'",
		"type='signal',sender='" + systemdName + "',path='" + systemdPath + "',member='Reloading'",
		"type='signal',sender='" + systemdName + "',path='" + systemdPath + "',member='StartupFinished'",
	}
	if len(s.units) > maxPathRules {
		rules = append(rules, allUnitsRule)
	}
	if err := s.match(ctx, rules); err != nil {
		return err
	}
	return s.subscribe(ctx)
}

// subscribe makes systemd send signals and reads everything. systemd sends none to those who have not subscribed.
func (s *session) subscribe(ctx context.Context) error {
	if err := s.call(ctx, s.bus.BusObject(), busName+".GetNameOwner", systemdName).Store(&s.systemd); err != nil {
		return err
	}
	manager := s.bus.Object(systemdName, systemdPath)
	if err := s.call(ctx, manager, managerPrefix+"Subscribe").Err; err != nil && !alreadySubscribed(err) {
		return err
	}
	if err := s.readMachine(ctx); err != nil {
		return err
	}
	return s.readAll(ctx)
}

// settle waits for systemd where it has left the bus, as in daemon-reexec, and reads everything. If that fails too, it
// is the end.
func (s *session) settle(ctx context.Context, err error) error {
	if !away(err) {
		return err
	}
	for enough := time.After(callTimeout); !s.returned; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.bus.Context().Done():
			return errLost
		case <-s.inbox.filled:
			s.takeSignals(math.MaxUint64)
		case <-enough:
			s.returned = true
		}
	}
	return s.catchUp(ctx)
}

// catchUp reads what signals have said to be out of date.
func (s *session) catchUp(ctx context.Context) error {
	switch {
	case s.returned:
		s.returned = false
		return s.subscribe(ctx)
	case s.booted:
		if err := s.readMachine(ctx); err != nil {
			return err
		}
		return s.catchUp(ctx)
	case s.allStale:
		return s.readAll(ctx)
	default:
		stale := s.stale
		s.stale = nil
		return s.readInBatches(ctx, stale)
	}
}

func (s *session) readAll(ctx context.Context) error {
	s.allStale, s.stale = false, nil
	return s.readInBatches(ctx, s.units)
}

func (s *session) readInBatches(ctx context.Context, units []*unit) error {
	for batch := range slices.Chunk(units, batchSize) {
		if err := s.read(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// nextBatch is what the poll reads next. The batches of a poll are spread over its interval.
func (s *session) nextBatch() []*unit {
	if s.polled >= len(s.units) {
		s.polled = 0
	}
	batch := s.units[s.polled:min(s.polled+batchSize, len(s.units))]
	s.polled += len(batch)
	return batch
}
