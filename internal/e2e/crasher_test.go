package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// crasher is a unit that crashes, and a person who starts and stops it at random.
type crasher struct {
	*machine
	name    string
	rand    *rand.Rand
	reexec  *sync.RWMutex // whoever asks systemd for something holds it: in the middle of a reexec it answers nobody
	habits  []func(*crasher)
	started int // by hand
	log     []string
}

// install makes the unit. What the service section holds besides is the unit's own.
func (c *crasher) install(section, commands string) {
	c.t.Helper()
	c.WriteUnit(c.name, section+"\n"+wordy(commands))
}

// torment does things to the unit until the context ends.
func (c *crasher) torment(ctx context.Context) {
	for ctx.Err() == nil {
		c.habits[c.rand.IntN(len(c.habits))](c)
	}
}

// systemctl asks systemd for something; it may fail, as for a unit that has just crashed.
func (c *crasher) systemctl(args ...string) {
	c.reexec.RLock()
	defer c.reexec.RUnlock()
	c.log = append(c.log, time.Now().Format("15:04:05.000000 ")+strings.Join(args, " "))
	out, err := c.Command(c.t.Context(), append(append([]string{"systemctl"}, args...), c.name)...).CombinedOutput()
	if err != nil {
		c.log = append(c.log, fmt.Sprintf("  %v: %s", err, out))
	}
}

// begin makes systemd start the unit anew.
func (c *crasher) begin(how ...string) {
	before := len(c.runsOf(c.name))
	c.systemctl(how...)
	c.ran(before)
	c.started++
}

// crash kills the unit's process.
func (c *crasher) crash() {
	signals := []string{"KILL", "SEGV", "TERM", "ABRT"}
	c.systemctl("kill", "--kill-whom=main", "--signal="+signals[c.rand.IntN(len(signals))])
}

// crashes has the unit crash and waits until systemd has started it again.
func (c *crasher) crashes() {
	before := len(c.runsOf(c.name))
	c.crash()
	c.ran(before)
}

// ran waits until there are more runs than before.
func (c *crasher) ran(before int) {
	c.t.Helper()
	for enough := time.Now().Add(patience); len(c.runsOf(c.name)) == before; pause(5 * time.Millisecond) {
		if time.Now().After(enough) {
			c.t.Errorf("%s does not start: %s", c.name, c.log[max(0, len(c.log)-10):])
			return
		}
	}
}

// inBetween has the unit crash and, until systemd starts it again, does something that makes no difference.
func (c *crasher) inBetween(what string) {
	before := len(c.runsOf(c.name))
	c.crash()
	c.wait()
	c.systemctl(what)
	c.ran(before)
}

func pause(d time.Duration) { <-time.After(d) }

// What people do to a unit that runs …
func crashes(c *crasher)     { c.crashes() }
func restarts(c *crasher)    { c.begin("restart") }
func stops(c *crasher)       { c.systemctl("stop"); c.begin("start") }
func resets(c *crasher)      { c.systemctl("reset-failed") }
func startsAgain(c *crasher) { c.systemctl("start") } // it runs: nothing happens

// … and to one between a crash and its restart, which is due RestartSec= later.
func restartsInBetween(c *crasher) { c.crash(); c.wait(); c.begin("restart") }
func stopsInBetween(c *crasher)    { c.crash(); c.wait(); c.systemctl("stop"); c.begin("start") }
func resetsInBetween(c *crasher)   { c.inBetween("reset-failed") }
func startsInBetween(c *crasher)   { c.inBetween("start") } // systemd leaves it at the restart that is due

func (c *crasher) wait() { pause(time.Duration(c.rand.IntN(400)) * time.Millisecond) }

// What people do to one that crashes all the time: whether they or systemd are first is luck.
func interferes(c *crasher) {
	how := [][]string{{"restart"}, {"stop"}, {"start"}, {"reset-failed"}, {"try-restart"}}
	c.systemctl(how[c.rand.IntN(len(how))]...)
	pause(time.Duration(c.rand.IntN(600)) * time.Millisecond)
}

// What people do to one that systemd has given up on.
func forgives(c *crasher) {
	c.systemctl("reset-failed")
	c.systemctl("start")
	pause(time.Duration(c.rand.IntN(1200)) * time.Millisecond)
}
