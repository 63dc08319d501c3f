package unitprobe_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/unitprobe"
)

const (
	often = 100 * time.Millisecond // an interval at which a poll notices a bus that hangs
	never = time.Hour              // one for tests in which no poll is to come
)

func TestNoBusAtAll(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bus")
	w := watch(t, "unix:path="+socket, []string{"steady.service", "other.service"})

	for range 3 { // attempts
		for _, unit := range []string{"steady.service", "other.service"} {
			r := w.blind(unit)
			if r.Reason != probe.ReasonConnect || r.Unit != nil || r.Start.IsZero() ||
				r.Got != "dial unix "+socket+": connect: no such file or directory" {
				t.Errorf("told as %+v", r)
			}
		}
	}
}

func TestABusThatComesLater(t *testing.T) {
	h := testhost.Start(t)
	socket := filepath.Join(t.TempDir(), "bus")
	w := watch(t, "unix:path=/nowhere/bus;unix:path="+socket, []string{"basic.target"})
	w.blind("basic.target")

	if err := os.Symlink(strings.TrimPrefix(h.BusAddress, "unix:path="), socket); err != nil {
		t.Fatal(err)
	}

	w.state("basic.target", "active")
}

func TestAnAddressThatCannotBeOne(t *testing.T) {
	for _, tc := range []struct{ address, want string }{
		{"tcp:host=localhost,port=1", `bus address "tcp:host=localhost,port=1": want unix:path=… or unix:abstract=…`},
		{"/run/dbus/system_bus_socket", `bus address "/run/dbus/system_bus_socket": want unix:path=… or unix:abstract=…`},
		{"unix:guid=00", `bus address "unix:guid=00": want unix:path=… or unix:abstract=…`},
		{"unix:path=/a;nonsense", `bus address "unix:path=/a;nonsense": want unix:path=… or unix:abstract=…`},
	} {
		var told []probe.Result
		err := unitprobe.New(tc.address, []probe.Key{{Service: "proxy", Unit: "a.service"}}).
			Watch(t.Context(), func(r probe.Result) { told = append(told, r) })
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want the error %s", tc.address, err, tc.want)
		}
		if len(told) != 1 || told[0].Outcome != probe.Error || told[0].Got != tc.want {
			t.Errorf("%s: told %+v, want it once, with the error", tc.address, told)
		}
	}
}

func TestABusThatIsNone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		greet  func(net.Conn)
		reason probe.Reason
		got    string
	}{
		{"silent", func(net.Conn) {}, probe.ReasonTimeout, "i/o timeout"},
		{"closes", func(c net.Conn) { c.Close() }, probe.ReasonConnect, "greeting the bus"},
		{"speaks otherwise", func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, probe.ReasonConnect, "authentication protocol error"},
		{"refuses us", func(c net.Conn) { refuse(c) }, probe.ReasonConnect, "authentication failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(t.TempDir(), "bus")
			listen(t, socket, tc.greet)
			w := watch(t, "unix:path="+socket, []string{"a.service"})
			if r := w.blind("a.service"); r.Reason != tc.reason || !strings.Contains(r.Got, tc.got) {
				t.Errorf("told as %s %q, want %s and %q", r.Reason, r.Got, tc.reason, tc.got)
			}
		})
	}
}

// refuse answers each line as a bus does that has no way in for us.
func refuse(c net.Conn) {
	buffer := make([]byte, 1024)
	for {
		if _, err := c.Read(buffer); err != nil {
			return
		}
		if _, err := c.Write([]byte("REJECTED DBUS_COOKIE_SHA1\r\n")); err != nil {
			return
		}
	}
}

// listen accepts connections at the socket until the test ends.
func listen(t *testing.T, socket string, greet func(net.Conn)) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			greet(c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

func TestTheBusIsKilledAndReturns(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("steady.service", steady)
	w := watch(t, h.BusAddress, []string{"steady.service"})
	w.state("steady.service", "inactive")

	h.Exec("systemctl", "kill", "-s", "KILL", "dbus.service")

	if r := w.blind("steady.service"); r.Reason != probe.ReasonConnect || r.Unit != nil {
		t.Errorf("told as %+v", r)
	}
	w.state("steady.service", "inactive")
	h.Exec("systemctl", "start", "steady.service")
	w.sameAs(h, "steady.service", "active")
}

func TestTheBusIsStoppedAndStarted(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("steady.service", steady)
	w := watch(t, h.BusAddress, []string{"steady.service"})
	w.state("steady.service", "inactive")

	h.Exec("systemctl", "stop", "dbus.socket", "dbus.service")
	w.blind("steady.service")
	w.blind("steady.service")
	h.Exec("systemctl", "start", "steady.service")
	h.Exec("systemctl", "start", "dbus.service")

	w.sameAs(h, "steady.service", "active")
	h.Exec("systemctl", "stop", "steady.service")
	w.state("steady.service", "inactive")
}

func TestTheBusHangs(t *testing.T) {
	t.Parallel()
	h := testhost.Start(t)
	h.WriteUnit("steady.service", steady)
	w := watch(t, h.BusAddress, []string{"steady.service"}, unitprobe.Interval(often))
	w.state("steady.service", "inactive")

	h.Exec("systemctl", "kill", "-s", "STOP", "dbus.service")
	if r := w.blind("steady.service"); r.Reason != probe.ReasonTimeout || r.Unit != nil {
		t.Errorf("told as %+v", r)
	}
	h.Exec("systemctl", "start", "steady.service")
	h.Exec("systemctl", "kill", "-s", "CONT", "dbus.service")

	w.sameAs(h, "steady.service", "active")
	h.Exec("systemctl", "stop", "steady.service")
	w.state("steady.service", "inactive")
}

func TestReexecAndReloadAreNoLoss(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("steady.service", steady)
	h.Exec("systemctl", "start", "steady.service")
	w := watch(t, h.BusAddress, []string{"steady.service"}, unitprobe.Interval(5*time.Millisecond))
	before := w.state("steady.service", "active")

	h.Exec("systemctl", "daemon-reexec")
	h.Exec("systemctl", "daemon-reload")
	h.Exec("systemctl", "daemon-reexec")
	h.Exec("systemctl", "restart", "steady.service")

	w.reading("steady.service", "started anew", func(u probe.Unit) bool {
		return u.ActiveState == "active" && u.InvocationID != before.InvocationID
	})
	for _, r := range w.seen {
		if r.Outcome != probe.Pass {
			t.Errorf("told as %s %s: %s", r.Outcome, r.Reason, r.Got)
		}
	}
}

// Without a poll, the end of a reload or reexec alone brings a reading.
func TestReexecBringsSignalsBack(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("steady.service", steady)
	w := watch(t, h.BusAddress, []string{"steady.service"}, unitprobe.Interval(never))
	w.state("steady.service", "inactive")

	h.Exec("systemctl", "daemon-reexec")
	h.Exec("systemctl", "start", "steady.service")

	w.state("steady.service", "active")
}
