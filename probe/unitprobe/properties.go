package unitprobe

import (
	"encoding/hex"
	"math"
	"strings"
	"time"

	"postflight/probe"
)

const (
	unitInterface    = "org.freedesktop.systemd1.Unit"
	serviceInterface = "org.freedesktop.systemd1.Service"
)

// known is what is known of a unit: what is told of it, and what that is concluded from.
type known struct {
	probe.Unit
	started uint64    // when the present run began, or the last one, in µs of the monotonic clock; 0: never
	changed time.Time // when the state last changed, as far as a signal told; zero: none has yet
}

// property is one property of a unit's object, see org.freedesktop.systemd1(5), and how it is kept in a reading. set
// reports whether the value was of the right type.
type property struct {
	of, name string
	set      func(u *known, value any) bool
}

// properties are all that is ever asked for.
var properties = []property{
	{unitInterface, "LoadState", func(u *known, v any) bool { return text(&u.LoadState, v) }},
	{unitInterface, "ActiveState", setActiveState},
	{unitInterface, "SubState", func(u *known, v any) bool { return text(&u.SubState, v) }},
	{unitInterface, "InvocationID", setInvocationID},
	{unitInterface, "ActiveEnterTimestamp", func(u *known, v any) bool { return timestamp(&u.ActiveEnter, v) }},
	{unitInterface, "InactiveExitTimestampMonotonic", func(u *known, v any) bool { return number(&u.started, v) }},
	{serviceInterface, "Result", func(u *known, v any) bool { return text(&u.Result, v) }},
	{serviceInterface, "NRestarts", func(u *known, v any) bool { return number(&u.NRestarts, v) }},
	{serviceInterface, "ExecMainCode", func(u *known, v any) bool { return number(&u.ExecMainCode, v) }},
	{serviceInterface, "ExecMainStatus", func(u *known, v any) bool { return number(&u.ExecMainStatus, v) }},
	{serviceInterface, "ExecMainExitTimestamp", func(u *known, v any) bool { return timestamp(&u.ExecMainExit, v) }},
	{serviceInterface, "MemoryCurrent", func(u *known, v any) bool { return accounted(&u.MemoryBytes, v) }},
	{serviceInterface, "TasksCurrent", func(u *known, v any) bool { return accounted(&u.Tasks, v) }},
}

// has reports whether a unit of that name has the property: only services have those of services.
func (p *property) has(name string) bool {
	return p.of == unitInterface || strings.HasSuffix(name, ".service")
}

func text(to *string, v any) (ok bool) {
	*to, ok = v.(string)
	return ok
}

func number[N uint32 | int32 | uint64](to *N, v any) (ok bool) {
	*to, ok = v.(N)
	return ok
}

// timestamp takes microseconds of the epoch; 0 means never.
func timestamp(to *time.Time, v any) bool {
	usec, ok := v.(uint64)
	*to = time.Time{}
	if ok && usec != 0 && usec <= math.MaxInt64 {
		*to = time.UnixMicro(int64(usec)).UTC()
	}
	return ok
}

// accounted takes a figure that is the greatest possible where systemd does not account for it.
func accounted(to **uint64, v any) bool {
	n, ok := v.(uint64)
	*to = nil
	if ok && n != math.MaxUint64 {
		*to = &n
	}
	return ok
}

// setActiveState forgets what a unit used when it ends: no signal tells that, and the next poll may be far away.
func setActiveState(u *known, v any) bool {
	ok := text(&u.ActiveState, v)
	if u.ActiveState == "inactive" || u.ActiveState == "failed" {
		u.MemoryBytes, u.Tasks = nil, nil
	}
	return ok
}

// setInvocationID takes the 16 bytes of an id, or none for a unit that is stopped.
func setInvocationID(u *known, v any) bool {
	id, ok := v.([]byte)
	u.InvocationID = hex.EncodeToString(id)
	return ok
}
