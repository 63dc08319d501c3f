package hook

import (
	"fmt"
	"maps"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// start is one start of a unit, as systemd's signals tell it. Asking afterwards would be too late: systemd forgets a
// unit that is no longer active.
type start struct {
	unit   string
	path   dbus.ObjectPath // of the unit
	before string          // the invocation that came before
	job    dbus.ObjectPath

	ran        bool // there was an invocation since
	properties map[string]dbus.Variant
	result     string // of the job
}

// told takes in what a signal says, and reports whether the job has ended. What systemd says of the unit until then, it
// says before it says that.
func (s *start) told(signal *dbus.Signal) bool {
	switch {
	case signal.Name == manager+".JobRemoved":
		var id uint32
		var job dbus.ObjectPath
		var unit, result string
		if err := dbus.Store(signal.Body, &id, &job, &unit, &result); err == nil && job == s.job {
			s.result = result
			return true
		}
	case signal.Name == busProperties+".PropertiesChanged" && signal.Path == s.path:
		var of string
		var changed map[string]dbus.Variant
		var invalidated []string
		if err := dbus.Store(signal.Body, &of, &changed, &invalidated); err != nil {
			return false
		}
		maps.Copy(s.properties, changed)
		if now := text(s.properties["InvocationID"]); now != "" && now != s.before {
			s.ran = true
		}
	}
	return false
}

// judge tells of a unit that did not run, or whose run failed.
func (s *start) judge() error {
	switch s.result {
	case "done":
		return s.judgeDone()
	case "failed":
		return s.failed()
	case "timeout":
		return fmt.Errorf("%s: the start took longer than JobTimeoutSec= allows", s.unit)
	case "canceled":
		return fmt.Errorf("%s: the start was cancelled, as systemctl stop does", s.unit)
	case "dependency":
		return s.didNotRun("a unit that it requires could not be started")
	case "skipped":
		return s.didNotRun(unmet)
	case "assert":
		return s.didNotRun("an Assert…= of its own was not met")
	default:
		return fmt.Errorf("%s: systemd ended the start as %q", s.unit, s.result)
	}
}

const unmet = "a Condition…= or the ExecCondition= of its own was not met"

// judgeDone looks behind a job that is done: it is, too, where there was nothing to do.
func (s *start) judgeDone() error {
	conditionMet, known := s.properties["ConditionResult"].Value().(bool)
	switch {
	case known && !conditionMet:
		return s.didNotRun(unmet)
	case !s.ran:
		return s.didNotRun("it was active already, and starting an active unit does nothing; use Type=oneshot without RemainAfterExit=yes")
	default:
		return nil
	}
}

// remark tells what a job that is done leaves open: a unit of Type=oneshot has run by then, any other has begun to.
func (s *start) remark() string {
	switch {
	case text(s.properties["ActiveState"]) != "active":
		return ""
	case text(s.properties["SubState"]) == "exited":
		return s.unit + " has run and stays active, so that it would not run a second time; leave RemainAfterExit=yes out\n"
	default:
		return s.unit + " was started; whether it does what it is there for is not known, since only Type=oneshot is waited for\n"
	}
}

func (s *start) didNotRun(why string) error { return fmt.Errorf("%s did not run: %s", s.unit, why) }

// failed names systemd's own result, and how the unit's process ended.
func (s *start) failed() error {
	result := text(s.properties["Result"])
	code, _ := s.properties["ExecMainCode"].Value().(int32)
	status, _ := s.properties["ExecMainStatus"].Value().(int32)
	const exited, killed, dumped = 1, 2, 3 // CLD_…, see waitid(2)
	switch {
	case !s.ran:
		return s.didNotRun("systemd refused, as it does after too many starts (StartLimitBurst=); systemctl status tells, systemctl reset-failed allows it again")
	case code == exited:
		return fmt.Errorf("%s failed: %s: exit status %d", s.unit, result, status)
	case code == killed || code == dumped:
		return fmt.Errorf("%s failed: %s: %w", s.unit, result, killedBy(syscall.Signal(status)))
	default:
		return fmt.Errorf("%s failed: %s", s.unit, result)
	}
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
