package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

var tortureSeed = flag.Uint64("torture.seed", 1, "what happens in which order")

// victim is a unit that crashes, and what people do to it again and again.
type victim struct {
	name, section string
	acts          []string
}

var victims = []victim{
	{
		"shop.service", "[Service]\nExecStart=sleep infinity\nRestart=always\nRestartSec=200ms\n[Unit]\nStartLimitIntervalSec=0\n",
		strings.Fields("crash crash crash reset restart anew"),
	},
	{ // nobody waits for its restart
		"slow.service", "[Service]\nExecStart=sleep infinity\nRestart=always\nRestartSec=5s\n[Unit]\nStartLimitIntervalSec=0\n",
		strings.Fields("restart mend give_in"),
	},
	{
		`loop@odd\x20one.service`, "[Service]\nExecStart=sh -c 'sleep 0.2; while [ -e /run/quiet ]; do sleep 0.05; done; exit 3'\nRestart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=0\n",
		[]string{"nothing"},
	},
}

// people, in shell, do something to the unit $u.
const people = `
	u=$0
	sys() { flock --shared /run/reexec systemctl "$@" "$u"; } # in the middle of a reexec systemd answers nobody
	by_hand() { echo "$1" >>"/run/by-hand/$u"; sys "$1"; }
	invocation() { sys show --value -p InvocationID; }
	wound() { sys kill -s KILL; }
	crash() {
		old=$(invocation); wound
		while [ "$(invocation)" = "$old" ] || ! sys -q is-active; do sleep 0.02; done
	}
	reset() { sys reset-failed; }
	restart() { by_hand restart; }
	anew() { sys stop; by_hand start; }
	mend() { wound; sleep 0.05; by_hand restart; }
	give_in() { wound; sleep 0.05; anew; }
	nothing() { sleep 0.2; }
	by_hand start
	act() {
		while [ -e /run/quiet ]; do sleep 0.05; done
		[ -e /run/over ] && exit
		logger -t "$u" "$*"
		"$@"
	}
`

// happenings, in shell, befall the machine and postflight meanwhile. What goes comes back.
var happenings = []string{
	"systemctl daemon-reload",
	"flock /run/reexec systemctl daemon-reexec",
	"systemctl kill -s KILL dbus.service",
	"systemctl stop dbus.socket dbus.service; sleep 1; systemctl start dbus.socket",
	// While journald is not there, systemd's truth is nowhere.
	"touch /run/quiet; sleep 1.5; systemctl kill -s KILL systemd-journald; until journalctl --sync; do sleep 0.1; done; rm /run/quiet; sleep 1",
	"kill_postflight; sleep 1; start_postflight",
	"kill_postflight; systemctl kill -s KILL dbus.service; sleep 1; start_postflight",
	"systemctl restart postflight",
}

const postflights = `
	kill_postflight() { systemctl kill -s KILL --kill-whom=all postflight; systemctl stop postflight; }
	start_postflight() { systemctl reset-failed postflight 2>/dev/null; systemctl start postflight; }
`

// TestRestartsAreTrueWhateverHappens has units crash and people start and stop them, while the bus, the journal, systemd
// and postflight itself come and go. What is counted is compared with systemd's own journal after each.
func TestRestartsAreTrueWhateverHappens(t *testing.T) {
	m := boot(t)
	m.Exec("mkdir", "/run/by-hand")
	var names []string
	for _, v := range victims {
		m.WriteUnit(v.name, v.section)
		names = append(names, v.name)
	}
	m.watchUnits(names...)
	counters := m.watchCounters()
	order := rand.New(rand.NewPCG(*tortureSeed, 0))
	var people []*exec.Cmd
	for _, v := range victims {
		people = append(people, m.torment(v, order))
	}
	t.Cleanup(m.tellOfTorture)

	for _, i := range order.Perm(len(happenings)) {
		m.Exec("rm", "-f", "/run/quiet")
		m.Exec("sh", "-c", postflights+"logger -t happens '"+happenings[i]+"'; "+happenings[i])
		m.sees()
		m.write("run/quiet", "", 0o644)
		for _, v := range victims {
			m.agrees("after "+happenings[i], v)
		}
	}
	m.write("run/over", "", 0o644)
	m.Exec("rm", "/run/quiet")
	for i, p := range people {
		if err := p.Wait(); err != nil {
			t.Errorf("people at %s: %v\n%s", names[i], err, p.Stderr)
		}
	}
	for _, v := range victims {
		m.agrees("in the end", v)
	}
	counters.end()
	if counters.scrapes < 20 {
		t.Errorf("only %d scrapes were compared with those before", counters.scrapes)
	}
}

// torment has people do things to a unit, at random, until everything is over.
func (m *machine) torment(v victim, order *rand.Rand) *exec.Cmd {
	m.t.Helper()
	script := people
	for range 300 {
		script += "act " + v.acts[order.IntN(len(v.acts))] + "\n"
	}
	cmd := m.Command(m.t.Context(), "sh", "-c", script, v.name)
	cmd.Stderr = new(strings.Builder)
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	return cmd
}

// agrees waits until what postflight has counted of a unit is the truth.
func (m *machine) agrees(when string, v victim) {
	m.t.Helper()
	var truth truth
	m.eventually(func(e exposition) error {
		truth = m.truthOf(v.name)
		if err := truth.shows(e, v.name); err != nil {
			return fmt.Errorf("%s, seed %d: %s: %w", when, *tortureSeed, v.name, err)
		}
		return nil
	})
	m.t.Logf("%s, %s: %+v", when, v.name, truth)
}

// tellOfTorture shows in one list what was done and what systemd and postflight said to it, where the test failed.
func (m *machine) tellOfTorture() {
	if m.t.Failed() {
		m.t.Log(m.Exec("journalctl", "--no-pager", "-o", "short-precise", "_PID=1", "+", "_COMM=logger", "+", "_SYSTEMD_UNIT=postflight.service"))
	}
}

// watchUnits has postflight watch units, and nothing else.
func (m *machine) watchUnits(units ...string) {
	m.t.Helper()
	m.configureUnits(units...)
	m.Exec("systemctl", "start", "postflight")
	m.sees()
}

func (m *machine) configureUnits(units ...string) {
	m.t.Helper()
	m.write(strings.TrimPrefix(configFile, "/"), "services:\n  - name: units\n    units: ['"+strings.Join(units, "', '")+"']\n", 0o644)
}

// sees waits until postflight sees all units and their logs.
func (m *machine) sees() {
	m.t.Helper()
	m.eventually(func(e exposition) error {
		for series, value := range e.series {
			if name, _, _ := strings.Cut(series, "{"); strings.HasSuffix(name, "_observable") && value != 1 {
				return fmt.Errorf("%s is %v", series, value)
			}
		}
		return e.check(wants{`postflight_state_writes_failed_total`: 0})
	})
}
