package hook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/godbus/dbus/v5"
)

const (
	systemd       = "org.freedesktop.systemd1"
	manager       = systemd + ".Manager"
	busProperties = "org.freedesktop.DBus.Properties"

	systemBus = "unix:path=/run/dbus/system_bus_socket"
)

// startUnit has systemd start a unit, as "systemctl start" does, and waits until its job has ended: for one of
// Type=oneshot that is when it has run. What that leaves open is written to remarks.
func startUnit(ctx context.Context, address, name string, remarks io.Writer) error {
	conn, err := dbus.Dial(cmp.Or(address, systemBus), dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return fmt.Errorf("connecting to the system bus: %w", err)
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal)
	conn.Signal(signals)
	s, err := begin(ctx, conn, name)
	switch {
	case err != nil && ctx.Err() != nil:
		return cutShort(": systemd did not answer, and whether it starts " + name + " is not known")
	case err != nil:
		return err
	}
	for signal := range signals { // until the connection is closed, which the context's end does too
		if s.told(signal) {
			err := s.judge()
			if err == nil {
				io.WriteString(remarks, s.remark())
			}
			return err
		}
	}
	if ctx.Err() == nil {
		return fmt.Errorf("the system bus closed the connection, and what became of %s is not known", name)
	}
	return cutShort("; " + name + " runs on, and only its own TimeoutStartSec= or a systemctl stop ends it")
}

// begin greets the bus, and asks for the signals before it has the unit started, so that none is missed.
func begin(ctx context.Context, conn *dbus.Conn, name string) (*start, error) {
	// EXTERNAL alone: the process's credentials as the kernel tells them.
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err != nil {
		return nil, fmt.Errorf("greeting the system bus: %w", err)
	}
	if err := conn.Hello(); err != nil {
		return nil, fmt.Errorf("greeting the system bus: %w", err)
	}
	s := &start{unit: name, properties: map[string]dbus.Variant{}}
	object := conn.Object(systemd, "/org/freedesktop/systemd1")
	if err := object.CallWithContext(ctx, manager+".LoadUnit", 0, name).Store(&s.path); err != nil {
		return nil, fmt.Errorf("loading %s: %w", name, err)
	}
	unit := conn.Object(systemd, s.path)
	var invocation dbus.Variant
	if err := unit.CallWithContext(ctx, busProperties+".Get", 0, systemd+".Unit", "InvocationID").Store(&invocation); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	s.before = text(invocation)
	if err := subscribe(ctx, conn, object, s.path); err != nil {
		return nil, fmt.Errorf("asking for signals of %s: %w", name, err)
	}
	if err := object.CallWithContext(ctx, manager+".StartUnit", 0, name, "replace").Store(&s.job); err != nil {
		return nil, refusal(name, err)
	}
	return s, nil
}

func subscribe(ctx context.Context, conn *dbus.Conn, manages dbus.BusObject, unit dbus.ObjectPath) error {
	for _, of := range []dbus.MatchOption{dbus.WithMatchMember("JobRemoved"), dbus.WithMatchObjectPath(unit)} {
		if err := conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(systemd), of); err != nil {
			return err
		}
	}
	return manages.CallWithContext(ctx, manager+".Subscribe", 0).Err
}

// refusal says what to do where this user may not start the unit.
func refusal(name string, err error) error {
	var reply dbus.Error
	denials := []string{"org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"}
	if errors.As(err, &reply) && slices.Contains(denials, reply.Name) {
		return fmt.Errorf("starting %s: uid %d may not; it takes polkit, and a rule that names this unit, such as deploy/polkit/50-postflight.rules: %w",
			name, os.Geteuid(), err)
	}
	return fmt.Errorf("starting %s: %w", name, err)
}
