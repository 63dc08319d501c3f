// Package unitprobe watches systemd units over D-Bus: their state, and how often systemd had to start them again.
//
// Signals tell what happens as it happens, and with it states too short for any poll: a crash between two starts. A
// slow poll of a few properties reconciles what a signal cannot tell. Only the named units are asked for.
package unitprobe

import (
	"context"
	"math/rand/v2"
	"time"

	"postflight/probe"
)

const (
	defaultAddress  = "unix:path=/run/dbus/system_bus_socket"
	defaultInterval = 15 * time.Second

	// callTimeout bounds each exchange with the bus, and how long systemd may be away from it. systemd answers within a
	// millisecond; but daemon-reload and daemon-reexec take it some tenths of a second, and seconds on a busy machine
	// with many units.
	callTimeout = 5 * time.Second

	shortestPause = 100 * time.Millisecond // between two attempts to reach the bus …
	longestPause  = 5 * time.Second        // … doubled up to this
)

// Watcher tells the state of units over one connection to the bus.
type Watcher struct {
	address  string
	interval time.Duration
	units    []probe.Key
}

// Option changes how a Watcher works.
type Option func(*Watcher)

// Interval sets how often every unit is read anew although no signal came. The default is 15 s.
func Interval(d time.Duration) Option { return func(w *Watcher) { w.interval = d } }

// New makes a Watcher of the units that the keys name; see Name for what a name must be. The address is written as
// D-Bus writes addresses; empty means the system bus's usual socket.
func New(address string, units []probe.Key, opts ...Option) *Watcher {
	if address == "" {
		address = defaultAddress
	}
	w := &Watcher{address: address, interval: defaultInterval, units: units}
	for _, o := range opts {
		o(w)
	}
	return w
}

// Watch tells a reading of each unit as soon as the bus has answered, and from then on one at each change and at each
// poll. A reading has Outcome Pass whatever the unit's state: what to think of it is not decided here. Among the
// states are those that systemd only passes through, such as failed for a millisecond before each automatic restart.
//
// While the bus is out of reach it tells for each unit a Result with Outcome Error and no Unit, once when the bus is
// lost and once at each attempt that fails, and goes on trying. So it does for a single unit that cannot be read.
//
// It returns nil when the context has ended, and an error only for an address that cannot be one.
func (w *Watcher) Watch(ctx context.Context, tell func(probe.Result)) error {
	sockets, err := sockets(w.address)
	if err != nil {
		w.blind(tell, time.Now(), err)
		return err
	}
	pause := shortestPause
	for {
		start := time.Now()
		s := newSession(w.units, tell)
		err := s.run(ctx, sockets, w.interval)
		if ctx.Err() != nil {
			return nil
		}
		if s.served {
			pause, start = shortestPause, time.Now()
		}
		w.blind(tell, start, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, longestPause)
	}
}

// blind tells that no unit can be observed.
func (w *Watcher) blind(tell func(probe.Result), start time.Time, err error) {
	for _, key := range w.units {
		tell(unobserved(key, start, err))
	}
}
