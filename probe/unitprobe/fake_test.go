package unitprobe_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"postflight/internal/testhost"
)

const (
	unitInterface    = "org.freedesktop.systemd1.Unit"
	serviceInterface = "org.freedesktop.systemd1.Service"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`

// startBus runs a dbus-daemon of the test's own, without any systemd, and returns its address.
func startBus(t testing.TB) string {
	t.Helper()
	testhost.RequireTools(t, "dbus-daemon")
	dir := t.TempDir()
	address := "unix:path=" + filepath.Join(dir, "bus")
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(dir, "bus")), 0o644); err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--nosyslog", "--print-address")
	ready, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		daemon.Process.Kill()
		daemon.Wait()
	})
	if _, err := ready.Read(make([]byte, 1024)); err != nil {
		t.Fatalf("dbus-daemon did not start: %v", err)
	}
	return address
}

// fakeSystemd answers as systemd does, for what a real one cannot be brought to do. Every unit is there and has the
// same properties, but for those given to it by itself.
type fakeSystemd struct {
	t    testing.TB
	conn *dbus.Conn

	mu      sync.Mutex
	values  map[string]any            // by property
	refused map[string]*dbus.Error    // LoadUnit's answer, by unit
	asked   map[string]map[string]int // how often, by unit and property; LoadUnit counts as one
	hangs   chan struct{}             // LoadUnit waits for it to be closed
	onGet   map[string]func()         // what happens just before the answer, by property
}

func startSystemd(t testing.TB, address string) *fakeSystemd {
	t.Helper()
	conn := connect(t, address)
	f := &fakeSystemd{t: t, conn: conn, asked: map[string]map[string]int{}, refused: map[string]*dbus.Error{}, values: map[string]any{
		"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "Result": "success",
		"InvocationID": []byte{0xab, 0xcd}, "NRestarts": uint32(0), "ExecMainCode": int32(0), "ExecMainStatus": int32(0),
		"ExecMainExitTimestamp": uint64(0), "ActiveEnterTimestamp": uint64(0), "InactiveExitTimestampMonotonic": uint64(5_000_000),
		"FinishTimestampMonotonic": uint64(3_000_000),
		"MemoryCurrent":            ^uint64(0), "TasksCurrent": ^uint64(0),
	}}
	must(t, conn.Export(f, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"))
	must(t, conn.Export(f, "/org/freedesktop/systemd1", "org.freedesktop.DBus.Properties"))
	must(t, conn.ExportSubtree(f, "/org/freedesktop/systemd1/unit", "org.freedesktop.DBus.Properties"))
	if _, err := conn.RequestName("org.freedesktop.systemd1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return f
}

func connect(t testing.TB, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Subscribe is systemd's.
func (f *fakeSystemd) Subscribe() *dbus.Error { return nil }

// LoadUnit is systemd's.
func (f *fakeSystemd) LoadUnit(name string) (dbus.ObjectPath, *dbus.Error) {
	f.mu.Lock()
	f.count(name, "LoadUnit")
	err, hangs := f.refused[name], f.hangs
	f.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	return unitPath(name), err
}

// Get is that of org.freedesktop.DBus.Properties.
func (f *fakeSystemd) Get(call dbus.Message, of, property string) (dbus.Variant, *dbus.Error) {
	f.mu.Lock()
	happens := f.onGet[property]
	f.mu.Unlock()
	if happens != nil {
		happens()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count(strings.ReplaceAll(path.Base(string(call.Headers[dbus.FieldPath].Value().(dbus.ObjectPath))), "_2e", "."), property)
	value, ok := f.values[property]
	if !ok {
		return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{"Unknown property " + property})
	}
	return dbus.MakeVariant(value), nil
}

func (f *fakeSystemd) count(unit, what string) {
	if f.asked[unit] == nil {
		f.asked[unit] = map[string]int{}
	}
	f.asked[unit][what]++
}

// set changes a property without a signal.
func (f *fakeSystemd) set(property string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if value == nil {
		delete(f.values, property)
		return
	}
	f.values[property] = value
}

// refuse makes LoadUnit answer with an error.
func (f *fakeSystemd) refuse(unit, name, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[unit] = dbus.NewError(name, []any{text})
}

// hang makes LoadUnit wait for the channel to be closed; with nil it no longer does.
func (f *fakeSystemd) hang(until chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hangs = until
}

// before has something happen just before a property is given.
func (f *fakeSystemd) before(property string, happens func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onGet = map[string]func(){property: happens}
}

// signal says that a unit's properties have changed.
func (f *fakeSystemd) signal(unit, of string, values map[string]any, invalidated ...string) {
	f.t.Helper()
	must(f.t, f.conn.Emit(unitPath(unit), "org.freedesktop.DBus.Properties.PropertiesChanged",
		of, variants(values), append([]string{}, invalidated...)))
}

func variants(values map[string]any) map[string]dbus.Variant {
	v := map[string]dbus.Variant{}
	for name, value := range values {
		v[name] = dbus.MakeVariant(value)
	}
	return v
}

func unitPath(name string) dbus.ObjectPath {
	return dbus.ObjectPath("/org/freedesktop/systemd1/unit/" + strings.ReplaceAll(name, ".", "_2e"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
