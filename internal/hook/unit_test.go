package hook_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"postflight/internal/hook"
	"postflight/internal/testhost"
)

func TestUnits(t *testing.T) {
	h := testhost.Start(t)
	const oneshot = "[Service]\nType=oneshot\n"
	for name, content := range map[string]string{
		"good.service":        oneshot + "ExecStart=true\n",
		"templated@.service":  oneshot + "ExecStart=test %i = 1.4.1\n",
		"active.service":      "[Service]\nExecStart=sleep infinity\n",
		"exited.service":      oneshot + "RemainAfterExit=yes\nExecStart=true\n",
		"exits.service":       oneshot + "ExecStart=sh -c 'exit 3'\n",
		"forgotten.service":   "[Unit]\nCollectMode=inactive-or-failed\n" + oneshot + "ExecStart=sh -c 'exit 3'\n",
		"killed.service":      oneshot + "ExecStart=sh -c 'kill -KILL $$$$'\n",
		"slow.service":        oneshot + "TimeoutStartSec=100ms\nExecStart=sleep infinity\n",
		"nothing.service":     oneshot + "ExecStart=/nowhere/rollback\n",
		"cancelled.service":   oneshot + "ExecStart=sh -c 'systemctl stop --no-block cancelled; sleep infinity'\n",
		"conditional.service": "[Unit]\nConditionPathExists=/nowhere\n" + oneshot + "ExecStart=true\n",
		"asserting.service":   "[Unit]\nAssertPathExists=/nowhere\n" + oneshot + "ExecStart=true\n",
		"skipped.service":     oneshot + "ExecCondition=false\nExecStart=true\n",
		"dependent.service":   "[Unit]\nRequires=exits.service\nAfter=exits.service\n" + oneshot + "ExecStart=true\n",
		"limited.service":     "[Unit]\nStartLimitBurst=1\n" + oneshot + "ExecStart=false\n",
		"broken.service":      "[Service]\nType=oneshot\n",
	} {
		h.WriteUnit(name, content)
	}
	h.Exec("systemctl", "mask", "--runtime", "masked.service")
	h.Exec("systemctl", "start", "active.service", "exited.service")

	const active = " did not run: it was active already, and starting an active unit does nothing; use Type=oneshot without RemainAfterExit=yes"
	for _, row := range []struct{ name, unit, want string }{
		{"has run", "good.service", ""},
		{"has run again", "good.service", ""},
		{"has run with what its name says", "templated@1.4.1.service", ""},
		{"failed", "exits.service", "exits.service failed: exit-code: exit status 3"},
		{"failed, and systemd forgets it at once", "forgotten.service", "forgotten.service failed: exit-code: exit status 3"},
		{"was killed", "killed.service", "killed.service failed: signal: killed by signal 9 (killed)"},
		{"took longer than it may", "slow.service", "slow.service failed: timeout: killed by signal 15 (terminated)"},
		{"has no program", "nothing.service", "nothing.service failed: exit-code: exit status 203"},
		{"was stopped meanwhile", "cancelled.service", "cancelled.service: the start was cancelled, as systemctl stop does"},
		{"was active", "active.service", "active.service" + active},
		{"has run before, and stayed active", "exited.service", "exited.service" + active},
		{"a condition", "conditional.service", "conditional.service did not run: a Condition…= or the ExecCondition= of its own was not met"},
		{"an assertion", "asserting.service", "asserting.service did not run: an Assert…= of its own was not met"},
		{"a command as condition", "skipped.service", "skipped.service did not run: a Condition…= or the ExecCondition= of its own was not met"},
		{"something it requires", "dependent.service", "dependent.service did not run: a unit that it requires could not be started"},
		{"failed, with a start limit", "limited.service", "limited.service failed: exit-code: exit status 1"},
		{"was started too often", "limited.service", "limited.service did not run: systemd refused, as it does after too many starts (StartLimitBurst=); " +
			"systemctl status tells, systemctl reset-failed allows it again"},
		{"not there", "nowhere.service", "starting nowhere.service: Unit nowhere.service not found."},
		{"masked", "masked.service", "starting masked.service: Unit masked.service is masked."},
		{"wrong", "broken.service", "starting broken.service: Unit broken.service has a bad unit file setting."},
		{"no name of a unit", "a b.service", "loading a b.service: Unit name a b.service is not valid."},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := hook.Hook{Unit: row.unit, Timeout: long}.Run(t.Context(), hook.Options{BusAddress: h.BusAddress})
			if want := (hook.Outcome{Problem: row.want}); got != want {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
}

func TestUnitsThatStayActive(t *testing.T) {
	h := testhost.Start(t)
	h.WriteUnit("simple.service", "[Service]\nExecStart=sleep infinity\n")
	h.WriteUnit("remains.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=true\n")
	h.WriteUnit("some.target", "[Unit]\nDescription=No service\n")
	const unknown = " was started; whether it does what it is there for is not known, since only Type=oneshot is waited for\n"
	for unit, want := range map[string]string{
		"simple.service":  "simple.service" + unknown,
		"some.target":     "some.target" + unknown,
		"remains.service": "remains.service has run and stays active, so that it would not run a second time; leave RemainAfterExit=yes out\n",
	} {
		t.Run(unit, func(t *testing.T) {
			got := hook.Hook{Unit: unit, Timeout: long}.Run(t.Context(), hook.Options{BusAddress: h.BusAddress})
			if want := (hook.Outcome{Output: want}); got != want {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
}

func TestWhileAUnitRuns(t *testing.T) {
	h := testhost.Start(t)
	begun, end := filepath.Join(h.Root, "run/begun"), filepath.Join(h.Root, "run/end")
	for _, file := range []string{begun, end} {
		if err := syscall.Mkfifo(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// It takes a while, as a rollback does: long enough for systemd's answer that it is started to be read.
	h.WriteUnit("rollback.service", "[Service]\nType=oneshot\nExecStart=sh -c 'sleep 1; : >/run/begun; cat /run/end'\n")
	ctx, stop := context.WithCancel(t.Context())
	finish := func() {
		if err := os.WriteFile(end, nil, 0); err != nil {
			t.Error(err)
		}
	}
	for _, row := range []struct {
		name    string
		happens func()
		want    string
	}{
		{"nothing else", finish, ""},
		{"units are reloaded", func() { h.Exec("systemctl", "daemon-reload"); finish() }, ""},
		{"systemd executes itself anew", func() { h.Exec("systemctl", "daemon-reexec"); finish() }, ""},
		{"the bus goes away", func() { h.Exec("systemctl", "kill", "--signal=KILL", "dbus.service"); finish() },
			"the system bus closed the connection, and what became of rollback.service is not known"},
		{"postflight stops", stop,
			"not done when postflight was stopped; rollback.service runs on, and only its own TimeoutStartSec= or a systemctl stop ends it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			outcome := make(chan hook.Outcome, 1)
			go func() {
				outcome <- hook.Hook{Unit: "rollback.service", Timeout: long}.Run(ctx, hook.Options{BusAddress: h.BusAddress})
			}()
			<-untilAllClosed(t, begun)
			row.happens()
			if got, want := <-outcome, (hook.Outcome{Problem: row.want}); got != want {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
	if state := h.Exec("systemctl", "show", "-P", "ActiveState", "rollback"); state != "activating" {
		t.Errorf("after postflight has stopped the unit is %s", state)
	}
}

func TestNoBus(t *testing.T) {
	address := "unix:path=" + filepath.Join(t.TempDir(), "bus")
	got := hook.Hook{Unit: "app-rollback.service", Timeout: long}.Run(t.Context(), hook.Options{BusAddress: address})
	if !strings.HasPrefix(got.Problem, "connecting to the system bus: dial unix ") || !strings.HasSuffix(got.Problem, ": no such file or directory") {
		t.Errorf("%+v", got)
	}
}

func TestABusThatHangs(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := hook.Hook{Unit: "app-rollback.service", Timeout: 100 * time.Millisecond}.Run(t.Context(), hook.Options{BusAddress: "unix:path=" + socket})
	if want := (hook.Outcome{Problem: "not done after 100ms: systemd did not answer, and whether it starts app-rollback.service is not known"}); got != want {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
