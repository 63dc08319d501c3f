package unitprobe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"postflight/probe"
)

var (
	errLost     = errors.New("the bus closed the connection")
	errProtocol = errors.New("not the kind of value that systemd gives")
)

// awayErrors are what the bus answers in systemd's place: it left in the middle of a call, or is not there. For a
// moment that is so during daemon-reexec, and after the bus itself was restarted.
var awayErrors = []string{
	"org.freedesktop.DBus.Error.NoReply",
	"org.freedesktop.DBus.Error.Disconnected",
	"org.freedesktop.DBus.Error.ServiceUnknown",
	"org.freedesktop.DBus.Error.NameHasNoOwner",
}

// away reports whether the bus is there and systemd is not.
func away(err error) bool {
	var reply dbus.Error
	return errors.As(err, &reply) && slices.Contains(awayErrors, reply.Name)
}

// refused reports whether err is the answer to one call, and nothing is wrong with the connection.
func refused(err error) bool {
	var reply dbus.Error
	return errors.As(err, &reply) && !away(err)
}

func alreadySubscribed(err error) bool {
	var reply dbus.Error
	return errors.As(err, &reply) && reply.Name == "org.freedesktop.systemd1.AlreadySubscribed"
}

func denied(err error) bool {
	var reply dbus.Error
	return errors.As(err, &reply) && reply.Name == "org.freedesktop.DBus.Error.AccessDenied"
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// inWords makes of a failed call's error one that a person can read.
func inWords(call *dbus.Call) error {
	switch {
	case call.Err == nil:
		return nil
	case errors.Is(call.Err, context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer within %v: %w", call.Method, callTimeout, call.Err)
	case refused(call.Err), away(call.Err), timedOut(call.Err):
		return fmt.Errorf("%s: %w", call.Method, call.Err)
	default: // what godbus says of a connection that has gone names no cause
		return errLost
	}
}

// unobserved is the result for a unit that could not be read.
func unobserved(key probe.Key, start time.Time, err error) probe.Result {
	return probe.Result{
		Key: key, Start: start, Duration: time.Since(start),
		Outcome: probe.Error, Reason: reason(err), Wanted: "the unit's state over D-Bus", Got: err.Error(),
	}
}

func reason(err error) probe.Reason {
	switch {
	case timedOut(err):
		return probe.ReasonTimeout
	case errors.Is(err, errProtocol):
		return probe.ReasonProtocol
	case denied(err):
		return probe.ReasonCredentials
	case refused(err):
		return probe.ReasonInternal
	default: // whatever else goes wrong, goes wrong with the connection
		return probe.ReasonConnect
	}
}
