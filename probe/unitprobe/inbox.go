package unitprobe

import (
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// maxSignals is how many signals wait at most. A crash loop sends some 14 a cycle.
const maxSignals = 1024

// inbox takes signals from the goroutine that reads the connection, which must never wait, and keeps them in order for
// the watcher's. When too many wait they are all dropped: then only a reading of everything helps.
type inbox struct {
	filled chan struct{} // holds a token when there is something to take

	mu      sync.Mutex
	signals []arrival
	dropped bool
}

type arrival struct {
	*dbus.Signal
	at time.Time
}

func newInbox() *inbox { return &inbox{filled: make(chan struct{}, 1)} }

// DeliverSignal makes the inbox a dbus.SignalHandler.
func (b *inbox) DeliverSignal(_, _ string, signal *dbus.Signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.signals) == maxSignals {
		b.signals, b.dropped = nil, true
	}
	b.signals = append(b.signals, arrival{signal, time.Now()})
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

// take removes the signals that arrived before the message with that sequence, and reports whether any were dropped.
func (b *inbox) take(before dbus.Sequence) (signals []arrival, dropped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(b.signals) && b.signals[n].Sequence < before {
		n++
	}
	signals, b.signals = b.signals[:n:n], b.signals[n:]
	dropped, b.dropped = b.dropped, false
	return signals, dropped
}
