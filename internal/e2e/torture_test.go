package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	tortureSeed   = flag.Uint64("torture.seed", 1, "what happens in which order")
	tortureRounds = flag.Int("torture.rounds", 3, "how often everything is compared")
)

// TestRestartsAreTrueWhateverHappens has units crash, and people start and stop them, while the bus, the journal, systemd
// and postflight itself come and go. Each round ends with a comparison with systemd's own journal.
func TestRestartsAreTrueWhateverHappens(t *testing.T) {
	tt := newTorture(t, *tortureSeed)
	tt.watchCounters()
	for round := range *tortureRounds {
		t.Logf("round %d", round)
		tt.round()
		tt.compare()
		if t.Failed() {
			return
		}
	}
}

type torture struct {
	*machine
	rand     *rand.Rand
	reexec   sync.RWMutex
	crashers []*crasher
	dead     bool // postflight
	away     bool // the bus
	log      []string
}

const restartAlways = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\n"

func newTorture(t *testing.T, seed uint64) *torture {
	tt := &torture{machine: boot(t), rand: rand.New(rand.NewPCG(seed, 0))}
	tt.Exec("mkdir", "/"+runs, "/"+results)
	tt.crasher("exact.service", restartAlways+"RestartSec=100ms", "exec sleep infinity",
		crashes, crashes, restarts, stops, resets, startsAgain)
	tt.crasher("slow.service", restartAlways+"RestartSec=800ms", "exec sleep infinity",
		crashes, restartsInBetween, startsInBetween, stopsInBetween, resetsInBetween)
	tt.crasher("loop@odd\\x20one.service", restartAlways+"RestartSec=50ms", "sleep 0.05; exit 3", interferes)
	tt.crasher("limited.service", "[Unit]\nStartLimitIntervalSec=2\nStartLimitBurst=4\n[Service]\nRestart=on-failure\nRestartSec=100ms",
		"exit 4", forgives)
	tt.configureUnits(tt.names()...)
	tt.Exec("systemctl", "start", "postflight")
	tt.sees()
	return tt
}

// sees waits until postflight sees the units and their logs.
func (tt *torture) sees() {
	tt.t.Helper()
	tt.eventually(func(e exposition) error {
		for _, c := range tt.crashers {
			if err := e.check(wants{
				`postflight_unit_observable{unit="` + c.series() + `"}`: 1,
				`postflight_log_observable{unit="` + c.series() + `"}`:  1,
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// configureUnits makes a service of units alone.
func (m *machine) configureUnits(units ...string) {
	m.t.Helper()
	m.write(strings.TrimPrefix(configFile, "/"), "services:\n  - name: units\n    units: ['"+strings.Join(units, "', '")+"']\n", 0o644)
}

func (tt *torture) crasher(name, section, commands string, habits ...func(*crasher)) {
	tt.t.Helper()
	c := &crasher{
		machine: tt.machine, name: name, rand: rand.New(rand.NewPCG(tt.rand.Uint64(), 0)), reexec: &tt.reexec, habits: habits,
	}
	c.install(section, commands)
	tt.crashers = append(tt.crashers, c)
}

func (tt *torture) names() []string {
	var names []string
	for _, c := range tt.crashers {
		names = append(names, c.name)
	}
	return names
}

// series is the unit's name as it is written in an exposition.
func (c *crasher) series() string { return strings.ReplaceAll(c.name, `\`, `\\`) }

// round has everything happen for a while, and brings all back that has gone.
func (tt *torture) round() {
	tt.t.Helper()
	ctx, stop := context.WithCancel(tt.t.Context())
	var tormented sync.WaitGroup
	for _, c := range tt.crashers {
		tormented.Go(func() {
			if len(c.runsOf(c.name)) == 0 {
				c.begin("start")
			}
			c.torment(ctx)
		})
	}
	happenings := []func(){
		tt.toggleBus, tt.toggleBus, tt.togglePostflight, tt.togglePostflight, tt.killPostflight,
		tt.reload, tt.reexecute, tt.killBus, tt.hangBus, tt.killJournald, tt.restartJournald, tt.rotate, tt.killJournalctl, tt.restartPostflight,
	}
	for range 14 {
		happenings[tt.rand.IntN(len(happenings))]()
		pause(time.Duration(tt.rand.IntN(600)) * time.Millisecond)
	}
	stop()
	tormented.Wait()
	if tt.away {
		tt.toggleBus()
	}
	if tt.dead {
		tt.togglePostflight()
	}
}

func (tt *torture) do(args ...string) {
	tt.t.Helper()
	tt.log = append(tt.log, time.Now().Format("15:04:05.000000 ")+strings.Join(args, " "))
	tt.Exec(args...)
}

// forgive lets systemd start one of its own anew however often it was started before.
func (tt *torture) forgive(unit string) {
	tt.do("sh", "-c", "systemctl reset-failed "+unit+" 2>/dev/null || true")
}

func (tt *torture) toggleBus() {
	if tt.away = !tt.away; tt.away {
		tt.do("systemctl", "stop", "dbus.socket", "dbus.service")
	} else {
		tt.do("systemctl", "start", "dbus.socket", "dbus.service")
	}
}

func (tt *torture) killBus() {
	if !tt.away {
		tt.do("systemctl", "kill", "--signal=KILL", "dbus")
		pause(100 * time.Millisecond)
		tt.forgive("dbus.service")
		tt.do("systemctl", "start", "dbus.socket", "dbus.service")
	}
}

func (tt *torture) hangBus() {
	if !tt.away {
		tt.do("systemctl", "kill", "--signal=STOP", "dbus")
		pause(time.Duration(tt.rand.IntN(1000)) * time.Millisecond)
		tt.do("systemctl", "kill", "--signal=CONT", "dbus")
	}
}

func (tt *torture) togglePostflight() {
	if tt.dead = !tt.dead; tt.dead {
		tt.do("systemctl", "kill", "--signal=KILL", "--kill-whom=all", "postflight")
		tt.do("systemctl", "stop", "postflight")
	} else {
		tt.forgive("postflight.service")
		tt.do("systemctl", "start", "postflight")
	}
}

func (tt *torture) killPostflight() {
	tt.togglePostflight()
	if tt.dead {
		tt.togglePostflight()
	}
}

func (tt *torture) restartPostflight() {
	if !tt.dead {
		tt.forgive("postflight.service")
		tt.do("systemctl", "restart", "postflight")
	}
}

func (tt *torture) reload() { tt.do("systemctl", "daemon-reload") }

func (tt *torture) reexecute() {
	tt.reexec.Lock()
	defer tt.reexec.Unlock()
	tt.do("systemctl", "daemon-reexec")
}

func (tt *torture) killJournald()    { tt.takeJournald("kill", "--signal=KILL") }
func (tt *torture) restartJournald() { tt.takeJournald("restart") }

// takeJournald takes journald away for a moment, in which systemd writes to the kernel's log. If nobody watches the bus
// then, nobody is left who could tell.
func (tt *torture) takeJournald(how ...string) {
	if !tt.dead && !tt.away {
		tt.sees()
		tt.forgive("systemd-journald.service")
		tt.do(append(append([]string{"systemctl"}, how...), "systemd-journald")...)
	}
}

func (tt *torture) rotate() { tt.do("journalctl", "--rotate") }

func (tt *torture) killJournalctl() {
	if !tt.dead {
		tt.do("sh", "-c", "pkill -KILL -u postflight journalctl || true")
	}
}

// compare compares what postflight has counted with the truth, once both are quiet.
func (tt *torture) compare() {
	tt.t.Helper()
	for _, c := range tt.crashers {
		if len(c.habits) == 1 { // it goes on by itself
			tt.Exec("systemctl", "stop", c.name)
		}
	}
	for _, c := range tt.crashers {
		var truth truth
		tt.eventually(func(e exposition) error {
			truth = tt.truthOf(c.name)
			if err := truth.check(e, c.name); err != nil {
				return tt.explained(c, err)
			}
			return nil
		})
		e := tt.eventually(func(e exposition) error { return nil })
		u := `unit="` + c.series() + `"`
		manual, automatic := e.must(tt.t, `postflight_unit_starts_total{`+u+`,trigger="manual"}`), e.must(tt.t, `postflight_unit_starts_total{`+u+`,trigger="automatic"}`)
		if exact := len(c.habits) > 1; exact && manual != float64(c.started) {
			tt.t.Errorf("%s: %v starts by hand and %v automatic ones; in truth %d and %d", c.name, manual, automatic, c.started, truth.starts-c.started)
		}
		tt.t.Logf("%s: %+v; by hand %v", c.name, truth, manual)
	}
}

// explained adds to an error what was done, and what systemd wrote of the unit and of postflight.
func (tt *torture) explained(c *crasher, err error) error {
	return fmt.Errorf("%s: %w\n%s\n%s\n%s\n%s", c.name, err, tt.Exec("cat", "/var/lib/postflight/postflight.json"), strings.Join(c.log, "\n"), strings.Join(tt.log, "\n"),
		tt.Exec("journalctl", "--no-pager", "-o", "short-precise", "_PID=1", "UNIT="+c.name, "+", "_PID=1", "UNIT=postflight.service"))
}
