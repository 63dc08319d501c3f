package unitprobe

import (
	"context"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"
)

// machine is what is known of the machine's present run.
type machine struct {
	bootID   string // as the journal writes it; empty: not known
	starting bool   // it has not started yet
	started  uint64 // when it had, in µs of the monotonic clock; 0: not known
}

// startedBy reports whether a unit's run that began at that time did so while the machine started.
func (m machine) startedBy(run uint64) bool { return m.starting || run != 0 && run <= m.started }

// readBootID gives the kernel's id of the machine's present run, without its dashes. Where there is no /proc, there is none.
func readBootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.TrimSpace(string(id)), "-", "")
}

// readMachine asks when the machine had started. That never changes afterwards, and when it comes to be so a signal of its
// own tells.
func (s *session) readMachine(ctx context.Context) error {
	s.booted = false
	reply := s.call(ctx, s.bus.Object(systemdName, systemdPath), propertiesInterface+".Get",
		managerInterface, "FinishTimestampMonotonic")
	var value dbus.Variant
	if err := reply.Store(&value); err != nil && !refused(err) {
		return err
	}
	finished, known := value.Value().(uint64)
	s.machine.starting, s.machine.started = known && finished == 0, finished
	return nil
}
