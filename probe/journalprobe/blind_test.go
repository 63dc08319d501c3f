package journalprobe_test

import (
	"path/filepath"
	"strings"
	"testing"

	"postflight/probe"
	"postflight/probe/journalprobe"
)

// as reads the journal as a user of that name, of whom journald keeps some lines of his own if he wrote any.
func (m *machine) as(user string) journalprobe.Options {
	o := m.options
	o.Journalctl = inside(m.t, m.Host, "setpriv", "--reuid", user, "--regid", user, "--init-groups", "journalctl")
	return o
}

func TestWhoMayReadTheJournal(t *testing.T) {
	m := boot(t)
	m.counting()
	for _, tc := range []struct {
		user     string
		groups   []string
		journal  bool // he has one of his own
		readable bool
	}{
		{"nobody-of-note", nil, false, false},
		{"writer", nil, true, false},
		{"reader", []string{"--groups", "systemd-journal"}, false, true},
		{"admin", []string{"--groups", "adm"}, true, true},
	} {
		t.Run(tc.user, func(t *testing.T) {
			m.Exec(append([]string{"useradd", "--no-create-home", tc.user}, tc.groups...)...)
			if tc.journal {
				m.Exec("setpriv", "--reuid", tc.user, "--regid", tc.user, "--init-groups", "sh", "-c", "echo mine | systemd-cat")
				m.Exec("journalctl", "--sync")
			}
			w := watch(t, m.as(tc.user))
			if tc.readable {
				w.following("count.service")
				m.count(1, 10)
				eachOnce(t, w.lines("count.service", 10), 10)
				return
			}
			if got := w.blind("count.service"); !strings.Contains(got, "add the user that postflight runs as to the group systemd-journal") {
				t.Errorf("it does not say what to do: %q", got)
			}
			for _, r := range w.told() {
				if r.Outcome != probe.Error || r.Reason != probe.ReasonInternal || r.Log == nil || r.Log.Lines != 0 {
					t.Errorf("told of a log that cannot be read: %+v", r)
				}
			}
		})
	}
}

func TestAJournalThatIsNotKept(t *testing.T) {
	m := boot(t)
	m.counting()
	m.configure("Storage=none\n")
	m.Exec("sh", "-c", "rm -rf /var/log/journal/* /run/log/journal/*")
	w := watch(t, m.options)
	if got := w.blind("count.service"); !strings.Contains(got, "there is no journal") {
		t.Errorf("it says %q", got)
	}
	m.configure("Storage=volatile\n")
	w.following("count.service")
	m.count(1, 10)
	eachOnce(t, w.lines("count.service", 10), 10)
}

// What is dropped journald tells with a later line of the unit's, and a line may be dropped, too, while journald has its hands
// full: so they go on coming.
func TestWhatJournaldDropsIsTold(t *testing.T) {
	m := boot(t, "flood.service")
	m.configure("RateLimitIntervalSec=2s\nRateLimitBurst=1000\n")
	m.WriteUnit("flood.service", "[Service]\nExecStart=/bin/sh -c 'seq 100000; while sleep 2.1; do echo >>/run/later; echo later; done'\n")
	m.write("run/later", "")
	w := watch(t, m.options).following("flood.service")
	m.Exec("systemctl", "start", "flood.service")
	w.log("flood.service", "100,000 lines and the later ones, told or dropped", func(l probe.Log) bool {
		later := len(read(t, filepath.Join(m.Root, "run/later")))
		return l.Lines > 0 && l.Dropped > 0 && l.Lines+l.Dropped == 100_000+uint64(later)
	})
}
