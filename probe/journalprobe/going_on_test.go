package journalprobe_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"postflight/probe"
)

func TestNothingIsLostOrToldTwice(t *testing.T) {
	m := boot(t)
	m.counting()
	for _, tc := range []struct {
		name    string
		happens func(*machine)
	}{
		{"nothing happens", func(*machine) {}},
		{"journalctl is killed", func(m *machine) { m.kill("journalctl") }},
		{"journald is restarted", func(m *machine) { m.Exec("systemctl", "restart", "systemd-journald") }},
		{"journald is killed", func(m *machine) { m.kill("systemd-journald") }},
		{"the journal is rotated", func(m *machine) { m.Exec("journalctl", "--rotate") }},
		{"the journal is cleared", func(m *machine) { m.Exec("journalctl", "--rotate", "--vacuum-time=1us") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := watch(t, m.options).following("count.service")
			m.count(1, 100)
			w.lines("count.service", 100)
			tc.happens(m)
			m.count(101, 200)
			w.lines("count.service", 200) // what is cleared before anybody could read it is lost
			tc.happens(m)
			m.count(201, 300)
			log := w.lines("count.service", 300)
			w.stop()
			eachOnce(t, log, 300)
		})
	}
}

func TestWhatWasWrittenMeanwhileIsToldLater(t *testing.T) {
	m := boot(t)
	m.counting()
	for _, tc := range []struct {
		name      string
		meanwhile func(*machine)
	}{
		{"nothing happens", func(*machine) {}},
		{"the journal is rotated", func(m *machine) { m.Exec("journalctl", "--rotate") }},
		{"the journal is moved to another place and back", func(m *machine) {
			m.Exec("journalctl", "--relinquish-var")
			m.Exec("journalctl", "--flush")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := watch(t, m.options).following("count.service")
			m.count(1, 100)
			log := w.lines("count.service", 100)
			w.stop()
			m.count(101, 110)
			tc.meanwhile(m)
			m.count(111, 120)

			o := m.options
			o.Cursor = w.position()
			again := watch(t, o)
			log.Matches = append(log.Matches, again.lines("count.service", 20).Matches...)
			again.stop()
			eachOnce(t, log, 120)
			if blind := blindOf(again.told(), "count.service"); len(blind) > 0 {
				t.Errorf("it was told to have missed something: %+v", blind)
			}
		})
	}
}

func TestTheCursorMayBeOfAUnitThatIsNoLongerWatched(t *testing.T) {
	m := boot(t)
	m.counting()
	m.oneshot("gone.service", "echo good bye")
	both := m.options
	both.Units = keys("count.service", "gone.service")
	w := watch(t, both).following("gone.service")
	m.count(1, 10)
	m.Exec("systemctl", "start", "gone.service")
	w.lines("gone.service", 1)
	before := w.lines("count.service", 10)
	w.stop()
	m.count(11, 20)

	m.options.Cursor = w.position()
	again := watch(t, m.options)
	before.Matches = append(before.Matches, again.lines("count.service", 10).Matches...)
	again.stop()
	eachOnce(t, before, 20)
	if blind := blindOf(again.told(), "count.service"); len(blind) > 0 {
		t.Errorf("it was told to have missed something: %+v", blind)
	}
}

func TestWhereTheCursorIsWorthNothing(t *testing.T) {
	m := boot(t)
	m.counting()
	foreign := func(at time.Time) string {
		return "s=17bc1315a9c44e3eb5ba1b04b205d4d0;i=4b;b=88c741444728449c867d39686680108b;m=37342cafa;t=" +
			strconv.FormatInt(at.UnixMicro(), 16) + ";x=1069a886e0122fda"
	}
	for _, tc := range []struct {
		name    string
		cursor  func(began time.Time, own string) string
		since   bool // it is known until when lines have been told
		cleared bool // the journal, before the line 11
		told    int  // the first line that is told
		lost    string
	}{
		{"garbage, and nothing else is known", func(time.Time, string) string { return "garbage" }, false, false, 21, "the place where reading stopped:"},
		{"garbage, but it is known when", func(time.Time, string) string { return "garbage" }, true, false, 11, "the place where reading stopped:"},
		{"another machine's", func(began time.Time, _ string) string { return foreign(began) }, true, false, 11, "another machine's"},
		{"another machine's that is ahead", func(began time.Time, _ string) string { return foreign(began.AddDate(1, 0, 0)) }, true, false, 11, "another machine's"},
		{"cleared", func(_ time.Time, own string) string { return own }, false, true, 11, "it has been cleared since"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			began := time.Now().Add(-time.Hour)
			w := watch(t, m.options).following("count.service")
			m.count(1, 10)
			log := w.lines("count.service", 10)
			w.stop()
			if tc.cleared {
				m.Exec("sh", "-c", "echo what comes next | systemd-cat")
				m.Exec("journalctl", "--rotate", "--vacuum-time=1us")
			}
			m.count(11, 20)

			o := m.options
			o.Cursor = tc.cursor(began, w.position())
			if tc.since {
				o.Since = map[probe.Key]time.Time{keys("count.service")[0]: log.Until}
			}
			again := watch(t, o).following("count.service")
			m.count(21, 30)
			told := again.lines("count.service", uint64(31-tc.told))
			again.stop()
			if first := int(told.Matches[0].Value); first != tc.told || len(told.Matches) != 31-tc.told {
				t.Errorf("it went on with line %d, want %d; %d lines in all", first, tc.told, len(told.Matches))
			}
			if got := again.blind("count.service"); !strings.Contains(got, tc.lost) {
				t.Errorf("what was lost is %q, want %q", got, tc.lost)
			}
		})
	}
}

func TestWhatHasBeenToldBeforeIsNotToldAgain(t *testing.T) {
	m := boot(t)
	m.counting()
	w := watch(t, m.options).following("count.service")
	start := w.position()
	m.count(1, 10)
	log := w.lines("count.service", 10)
	w.stop()
	m.count(11, 20)

	for _, tc := range []struct {
		name  string
		since time.Time
		first float64
	}{
		{"until then", log.Until, 11},
		{"nothing", time.Time{}, 1},
		{"a time to come: the clock has been set back", time.Now().Add(time.Hour), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := m.options
			o.Cursor, o.Since = start, map[probe.Key]time.Time{keys("count.service")[0]: tc.since}
			w := watch(t, o)
			told := w.lines("count.service", uint64(21-tc.first))
			w.stop()
			if told.Matches[0].Value != tc.first || len(told.Matches) != int(21-tc.first) {
				t.Errorf("it went on with line %v and told %d", told.Matches[0].Value, len(told.Matches))
			}
		})
	}
}
