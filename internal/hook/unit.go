package hook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/godbus/dbus/v5"
)

const (
	systemd = "org.freedesktop.systemd1"
	manager = systemd + ".Manager"
)

// startUnit has systemd start a unit, as "systemctl start" does, and waits until its job has ended: for one of
// Type=oneshot that is when it has run.
func startUnit(ctx context.Context, address, name string) error {
	conn, err := dbus.Dial(address, dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return fmt.Errorf("connecting to the system bus: %w", err)
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal)
	conn.Signal(signals)
	r, err := begin(ctx, conn, name)
	switch {
	case err != nil && ctx.Err() != nil:
		return &cutShortError{": systemd did not answer, and whether it starts " + name + " is not known"}
	case err != nil:
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return &cutShortError{"; " + name + " runs on, and only its own TimeoutStartSec= or a systemctl stop ends it"}
		case signal, open := <-signals:
			if !open && ctx.Err() == nil {
				return errors.New("the system bus closed the connection, and what became of " + name + " is not known")
			}
			if open && r.told(signal) {
				return r.judge()
			}
		}
	}
}

// run is one start of a unit. What systemd says of the unit until the job has ended is all that can be known: right
// afterwards it may forget a unit that is no longer active.
type run struct {
	unit   string
	path   dbus.ObjectPath // of the unit
	before string          // the invocation that came before this start
	job    dbus.ObjectPath

	ran        bool // there was an invocation since
	properties map[string]dbus.Variant
	result     string // of the job
}

// begin asks for the signals before it has the unit started, so that none is missed.
func begin(ctx context.Context, conn *dbus.Conn, name string) (*run, error) {
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err != nil {
		return nil, fmt.Errorf("greeting the system bus: %w", err)
	}
	if err := conn.Hello(); err != nil {
		return nil, fmt.Errorf("greeting the system bus: %w", err)
	}
	r := &run{unit: name, properties: map[string]dbus.Variant{}}
	object := conn.Object(systemd, "/org/freedesktop/systemd1")
	if err := object.CallWithContext(ctx, manager+".LoadUnit", 0, name).Store(&r.path); err != nil {
		return nil, fmt.Errorf("loading %s: %w", name, err)
	}
	if err := conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(systemd), dbus.WithMatchMember("JobRemoved")); err != nil {
		return nil, fmt.Errorf("asking the system bus for signals: %w", err)
	}
	if err := conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(systemd), dbus.WithMatchObjectPath(r.path)); err != nil {
		return nil, fmt.Errorf("asking the system bus for signals: %w", err)
	}
	if err := object.CallWithContext(ctx, manager+".Subscribe", 0).Err; err != nil {
		return nil, fmt.Errorf("asking systemd for signals: %w", err)
	}
	var invocation dbus.Variant
	unit := conn.Object(systemd, r.path)
	if err := unit.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, systemd+".Unit", "InvocationID").Store(&invocation); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	r.before = text(invocation)
	if err := object.CallWithContext(ctx, manager+".StartUnit", 0, name, "replace").Store(&r.job); err != nil {
		return nil, refusal(name, err)
	}
	return r, nil
}

// refusal says what to do where systemd will not start a unit.
func refusal(name string, err error) error {
	var reply dbus.Error
	denials := []string{"org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"}
	if errors.As(err, &reply) && slices.Contains(denials, reply.Name) {
		return fmt.Errorf("uid %d may not start %s: it takes a polkit rule that names the unit, such as deploy/polkit/50-postflight.rules: %w",
			os.Geteuid(), name, err)
	}
	return fmt.Errorf("starting %s: %w", name, err)
}

// told takes in what a signal says, and reports whether the job has ended.
func (r *run) told(s *dbus.Signal) bool {
	switch {
	case s.Name == manager+".JobRemoved":
		var id uint32
		var job dbus.ObjectPath
		var unit, result string
		if err := dbus.Store(s.Body, &id, &job, &unit, &result); err == nil && job == r.job {
			r.result = result
			return true
		}
	case s.Name == "org.freedesktop.DBus.Properties.PropertiesChanged" && s.Path == r.path:
		var of string
		var changed map[string]dbus.Variant
		var invalidated []string
		if err := dbus.Store(s.Body, &of, &changed, &invalidated); err != nil {
			return false
		}
		for name, value := range changed {
			r.properties[name] = value
		}
		if now := text(r.properties["InvocationID"]); now != "" && now != r.before {
			r.ran = true
		}
	}
	return false
}

// judge tells of a unit that did not run, or whose run failed.
func (r *run) judge() error {
	switch r.result {
	case "done":
	case "failed":
		return r.failed()
	case "timeout":
		return fmt.Errorf("%s: the start took longer than its JobTimeoutSec=", r.unit)
	case "canceled":
		return fmt.Errorf("%s: the start was cancelled, as systemctl stop does", r.unit)
	case "dependency":
		return fmt.Errorf("%s did not run: a unit that it requires could not be started", r.unit)
	case "skipped":
		return fmt.Errorf("%s did not run: its ExecCondition= was not met", r.unit)
	case "assert":
		return fmt.Errorf("%s did not run: an Assert…= of its own was not met", r.unit)
	default:
		return fmt.Errorf("%s: systemd ended the start as %q", r.unit, r.result)
	}
	switch {
	case r.ran && text(r.properties["ActiveState"]) == "failed":
		return r.failed()
	case r.ran:
		return nil
	case !met(r.properties["ConditionResult"]):
		return fmt.Errorf("%s did not run: a Condition…= of its own was not met", r.unit)
	default:
		return fmt.Errorf("%s did not run: it was active already, and starting an active unit does nothing; use Type=oneshot without RemainAfterExit=yes", r.unit)
	}
}

// failed names systemd's own result, and how the unit's process ended.
func (r *run) failed() error {
	result := text(r.properties["Result"])
	status, _ := r.properties["ExecMainStatus"].Value().(int32)
	code, _ := r.properties["ExecMainCode"].Value().(int32)
	const exited, killed, dumped = 1, 2, 3 // CLD_…, see waitid(2)
	switch {
	case result == "" || !r.ran && result == "success":
		return fmt.Errorf("%s failed", r.unit)
	case !r.ran || code == 0:
		return fmt.Errorf("%s failed: %s", r.unit, result)
	case code == killed || code == dumped:
		return fmt.Errorf("%s failed: %s: %w", r.unit, result, killedBy(syscall.Signal(status)))
	case code == exited:
		return fmt.Errorf("%s failed: %s: exit status %d", r.unit, result, status)
	default:
		return fmt.Errorf("%s failed: %s", r.unit, result)
	}
}

func met(condition dbus.Variant) bool {
	result, known := condition.Value().(bool)
	return result || !known
}

// text is a string property, or bytes as a string that can be compared.
func text(property dbus.Variant) string {
	switch v := property.Value().(type) {
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return ""
	}
}
