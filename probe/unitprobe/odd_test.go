package unitprobe_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"postflight/probe"
	"postflight/probe/unitprobe"
)

func TestOnlyNamedUnitsAreAskedAndForFewProperties(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	var units []string
	want := map[string]map[string]int{}
	for i := range 100 {
		unit := fmt.Sprintf("u%d.service", i)
		units = append(units, unit)
		want[unit] = map[string]int{
			"LoadUnit": 1, "LoadState": 1, "ActiveState": 1, "SubState": 1, "InvocationID": 1, "ActiveEnterTimestamp": 1,
			"InactiveExitTimestampMonotonic": 1,
			"Result":                         1, "NRestarts": 1, "ExecMainCode": 1, "ExecMainStatus": 1, "ExecMainExitTimestamp": 1,
			"MemoryCurrent": 1, "TasksCurrent": 1,
		}
	}
	units = append(units, "a.socket")
	want["a.socket"] = map[string]int{
		"LoadUnit": 1, "LoadState": 1, "ActiveState": 1, "SubState": 1, "InvocationID": 1, "ActiveEnterTimestamp": 1,
		"InactiveExitTimestampMonotonic": 1,
	}
	want["systemd1"] = map[string]int{"FinishTimestampMonotonic": 1}

	w := watch(t, address, units, unitprobe.Interval(never))
	w.state("a.socket", "active")

	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff(want, f.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestAPollReadsWhatNoSignalTold(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	units := []string{"first.service", "2", "3", "4", "5", "6", "7", "8", "9", "last.service"}
	w := watch(t, address, units, unitprobe.Interval(often))
	w.state("last.service", "active")

	f.set("NRestarts", uint32(7))

	for _, unit := range []string{"first.service", "last.service"} {
		w.reading(unit, "with 7 restarts", func(u probe.Unit) bool { return u.NRestarts == 7 })
	}
}

func TestMemoryAndTasksWhereSystemdAccounts(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	f.set("MemoryCurrent", uint64(123<<20))
	f.set("TasksCurrent", uint64(0))
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(never))

	u := w.state("a.service", "active")
	if u.MemoryBytes == nil || *u.MemoryBytes != 123<<20 || u.Tasks == nil || *u.Tasks != 0 {
		t.Errorf("memory %v, tasks %v", u.MemoryBytes, u.Tasks)
	}

	f.signal("a.service", unitInterface, map[string]any{"ActiveState": "failed"})

	if u := w.state("a.service", "failed"); u.MemoryBytes != nil || u.Tasks != nil {
		t.Errorf("when it has failed: memory %v, tasks %v, want none", u.MemoryBytes, u.Tasks)
	}
}

func TestASignalWithoutValuesHasThemRead(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(never))
	w.state("a.service", "active")

	f.set("NRestarts", uint32(3))
	f.signal("a.service", serviceInterface, nil, "ExecStart", "NRestarts")

	w.reading("a.service", "restarted", func(u probe.Unit) bool { return u.NRestarts == 3 })
}

func TestAServicesSignalAndItsUnitsAreOneReading(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(never))
	w.state("a.service", "active")

	f.signal("a.service", serviceInterface, map[string]any{"Result": "signal", "ExecMainCode": int32(2), "ExecMainStatus": int32(9)})
	f.signal("a.service", unitInterface, map[string]any{"ActiveState": "failed", "SubState": "failed"})
	w.state("a.service", "failed")

	if n := len(w.seen); n != 2 {
		t.Errorf("%d results were told, want 2:\n%s", n, w.history())
	}
	want := probe.Unit{
		LoadState: "loaded", ActiveState: "failed", SubState: "failed", InvocationID: "abcd",
		Result: "signal", ExecMainCode: 2, ExecMainStatus: 9, BootID: bootID(t),
	}
	if diff := cmp.Diff(want, *w.seen[1].Unit); diff != "" {
		t.Errorf("reading (-want +got):\n%s", diff)
	}
}

func TestWhatIsReadIsNewerThanTheSignalsBeforeIt(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(never))
	w.state("a.service", "active")
	f.before("NRestarts", func() {
		f.signal("a.service", serviceInterface, map[string]any{"NRestarts": uint32(1)})
		f.signal("a.service", unitInterface, map[string]any{"SubState": "first"})
		f.set("SubState", "second")
		f.set("NRestarts", uint32(2))
	})

	f.signal("a.service", unitInterface, nil, "SubState") // has it read
	w.reading("a.service", "first", func(u probe.Unit) bool { return u.SubState == "first" && u.NRestarts == 1 })
	w.reading("a.service", "second", func(u probe.Unit) bool { return u.NRestarts == 2 })
	f.signal("a.service", unitInterface, map[string]any{"SubState": "third"})

	if u := w.reading("a.service", "at last", func(probe.Unit) bool { return true }); u.SubState != "third" || u.NRestarts != 2 {
		t.Errorf("after NRestarts 2 was read, it was told as %+v", u)
	}
}

func TestSignalsOfMoreUnitsThanMatchRules(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	units := make([]string, 520) // dbus-daemon's limit on the system bus is 512
	for i := range units {
		units[i] = fmt.Sprintf("u%d.service", i)
	}
	w := watch(t, address, units, unitprobe.Interval(never))
	w.state("u519.service", "active")

	f.signal("u0.service", unitInterface, map[string]any{"ActiveState": "failed"})
	w.state("u0.service", "failed")
}

func TestNobodyButSystemdIsBelieved(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(never))
	w.state("a.service", "active")

	liar := connect(t, address)
	var everybody []string
	must(t, liar.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&everybody))
	for _, name := range everybody { // sent to one alone, a signal needs no match rule
		directed(t, liar, name, "a.service", map[string]any{"ActiveState": "inactive"})
	}
	f.signal("a.service", unitInterface, map[string]any{"ActiveState": "failed"})
	w.state("a.service", "failed")

	if n := len(w.seen); n != 2 {
		t.Errorf("%d results were told, want 2:\n%s", n, w.history())
	}
}

// directed sends a signal to one receiver.
func directed(t *testing.T, conn *dbus.Conn, to, unit string, values map[string]any) {
	t.Helper()
	body := []any{unitInterface, variants(values), []string{}}
	call := conn.Send(&dbus.Message{
		Type: dbus.TypeSignal,
		Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath:        dbus.MakeVariant(unitPath(unit)),
			dbus.FieldInterface:   dbus.MakeVariant("org.freedesktop.DBus.Properties"),
			dbus.FieldMember:      dbus.MakeVariant("PropertiesChanged"),
			dbus.FieldDestination: dbus.MakeVariant(to),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(body...)),
		},
		Body: body,
	}, make(chan *dbus.Call, 1))
	must(t, call.Err)
	must(t, conn.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err) // the signal has gone out before this
}

func TestSignalsBeyondTheBufferEndInAReading(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan probe.Result) // nobody takes them at first
	done := make(chan error, 1)
	go func() {
		done <- unitprobe.New(address, []probe.Key{{Service: "proxy", Unit: "a.service"}}, unitprobe.Interval(never)).
			Watch(ctx, func(r probe.Result) {
				select {
				case told <- r:
				case <-ctx.Done():
				}
			})
	}()
	<-told

	const sent = 5000
	for n := range sent {
		f.signal("a.service", serviceInterface, map[string]any{"NRestarts": uint32(n)})
		f.signal("a.service", unitInterface, map[string]any{"ActiveState": "active"})
	}
	f.set("NRestarts", uint32(sent)) // told by no signal: only a reading of everything can know
	f.set("SubState", "read")

	n, last := 0, probe.Unit{}
	for last.SubState != "read" {
		select {
		case r := <-told:
			n, last = n+1, *r.Unit
		case <-time.After(patience):
			t.Fatalf("after %d results there was no reading of everything; the last is %+v", n, last)
		}
	}
	if last.NRestarts != sent {
		t.Errorf("NRestarts %d, want %d", last.NRestarts, sent)
	}
	if n > 2000 {
		t.Errorf("%d results were told: nothing was dropped", n)
	}
	stop()
	must(t, <-done)
}

func TestOneUnitThatIsRefused(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	f.refuse("secret.service", "org.freedesktop.DBus.Error.AccessDenied", "Access denied")
	f.refuse("a b.service", "org.freedesktop.DBus.Error.InvalidArgs", "Unit name a b.service is not valid.")
	w := watch(t, address, []string{"secret.service", "a b.service", "a.service"}, unitprobe.Interval(often))

	for range 2 {
		r := w.blind("secret.service")
		if r.Reason != probe.ReasonCredentials || r.Unit != nil || r.Got != "org.freedesktop.systemd1.Manager.LoadUnit: Access denied" {
			t.Errorf("told as %+v", r)
		}
		if r := w.blind("a b.service"); r.Reason != probe.ReasonInternal || !strings.Contains(r.Got, "is not valid") {
			t.Errorf("told as %+v", r)
		}
		w.state("a.service", "active")
	}
}

func TestASystemdThatSpeaksOtherwise(t *testing.T) {
	address := startBus(t)
	f := startSystemd(t, address)
	f.set("NRestarts", "many")
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(often))
	if r := w.blind("a.service"); r.Reason != probe.ReasonProtocol || !strings.Contains(r.Got, `NRestarts "many"`) {
		t.Errorf("a value of another type was told as %+v", r)
	}

	f.set("NRestarts", nil)
	r := w.until("unknown property", func(r probe.Result) bool { return strings.Contains(r.Got, "Unknown property NRestarts") })
	if r.Reason != probe.ReasonInternal {
		t.Errorf("a property that is not there was told as %+v", r)
	}

	f.set("NRestarts", uint32(1))
	w.state("a.service", "active")
}

func TestABusWithoutSystemd(t *testing.T) {
	t.Parallel()
	address := startBus(t)
	w := watch(t, address, []string{"a.service"})
	if r := w.blind("a.service"); r.Reason != probe.ReasonConnect || !strings.Contains(r.Got, "org.freedesktop.systemd1") {
		t.Errorf("told as %+v", r)
	}

	startSystemd(t, address)

	w.state("a.service", "active")
}

func TestSystemdHangs(t *testing.T) {
	t.Parallel()
	address := startBus(t)
	f := startSystemd(t, address)
	w := watch(t, address, []string{"a.service"}, unitprobe.Interval(often))
	w.state("a.service", "active")

	hangs := make(chan struct{})
	f.hang(hangs)
	if r := w.blind("a.service"); r.Reason != probe.ReasonTimeout ||
		!strings.HasPrefix(r.Got, "org.freedesktop.systemd1.Manager.LoadUnit: no answer within 5s") {
		t.Errorf("told as %+v", r)
	}
	f.hang(nil)
	close(hangs)

	w.state("a.service", "active")
}

// A batch of calls with names as long as they may be fills the socket of a bus that reads no more.
func TestTheBusReadsNoMore(t *testing.T) {
	t.Parallel()
	address := startBus(t)
	startSystemd(t, address)
	frozen := freezingBus(t, address, "LoadState")
	var units []string
	for i := range 8 {
		units = append(units, strings.Repeat(fmt.Sprint(i), 800)+".service") // as long as an escaped one can be
	}
	w := watch(t, frozen, units)

	if r := w.blind(units[0]); r.Reason != probe.ReasonTimeout {
		t.Errorf("told as %+v", r)
	}
	w.state(units[0], "active") // the next connection is let through
}

// freezingBus passes everything on to the bus, but on the first connection no more once the client has sent the word.
func freezingBus(t *testing.T, address, word string) string {
	socket := filepath.Join(t.TempDir(), "bus")
	var connections atomic.Int64
	listen(t, socket, func(client net.Conn) {
		first := connections.Add(1) == 1
		bus, err := net.Dial("unix", strings.TrimPrefix(address, "unix:path="))
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { bus.Close() })
		go io.Copy(client, bus)
		go func() {
			var sent []byte
			for b := make([]byte, 1); !first || !bytes.HasSuffix(sent, []byte(word)); {
				if _, err := client.Read(b); err != nil {
					return
				}
				sent = append(sent, b...)
				if _, err := bus.Write(b); err != nil {
					return
				}
			}
		}()
	})
	return "unix:path=" + socket
}
