package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestAFloodOfLinesIsCountedInLittleMemory(t *testing.T) {
	const lines, most = 100_000, 60 << 10 // kB
	// journald tells of what it dropped with the next line that it takes, and may be behind for a while.
	const last = 8
	m := boot(t)
	m.write("run/systemd/journald.conf.d/rate.conf", "[Journal]\nRateLimitIntervalSec=1s\nRateLimitBurst=5000\n", 0o644)
	m.Exec("systemctl", "restart", "systemd-journald")
	m.WriteUnit("flood.service", fmt.Sprintf("[Service]\nType=oneshot\nExecStart=sh -c 'seq -f \"%%%%.0f %s\" %d; for i in $$(seq %d); do sleep 1.1; echo over; done'\n", strings.Repeat("word ", 40), lines-last, last))
	m.watchUnits("flood.service")

	m.Exec("systemctl", "start", "flood.service")
	e := m.eventually(func(e exposition) error {
		read, dropped := e.must(t, "postflight_log_lines_total"), e.must(t, "postflight_log_dropped_total")
		if read+dropped > lines {
			t.Fatalf("%v lines are counted and %v dropped, more than there were", read, dropped)
		}
		if read+dropped < lines || read < 5000 {
			return fmt.Errorf("%v lines are counted and %v dropped of %d", read, dropped, lines)
		}
		return nil
	})
	peak := m.peakMemory()
	t.Logf("%v lines, %v dropped, %d kB", e.must(t, "postflight_log_lines_total"), e.must(t, "postflight_log_dropped_total"), peak)
	if peak > most {
		t.Errorf("postflight took %d kB of memory, want %d at most", peak, most)
	}
}

// peakMemory is the most that postflight's process has taken, in kB.
func (m *machine) peakMemory() int {
	m.t.Helper()
	status := m.Exec("cat", "/proc/"+m.Exec("systemctl", "show", "--value", "-p", "MainPID", "postflight")+"/status")
	_, after, _ := strings.Cut(status, "VmHWM:")
	kB, err := strconv.Atoi(strings.Fields(after + " ?")[0])
	if err != nil {
		m.t.Fatalf("the peak of memory: %v in %s", err, status)
	}
	return kB
}
