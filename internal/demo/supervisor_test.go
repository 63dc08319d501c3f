package demo_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postflight/internal/demo"
	"postflight/probe"
)

// moving are the fields that differ from run to run.
var moving = cmpopts.IgnoreFields(probe.Unit{}, "InvocationID", "ExecMainExit", "ActiveEnter")

func runningUnit(restarts uint32) probe.Unit {
	return probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success", NRestarts: restarts}
}

func TestACrashLoopAsSystemdShowsIt(t *testing.T) {
	h := newHost(t)
	before := h.await(t, "running", isRunning)
	if diff := cmp.Diff(runningUnit(0), before, moving); diff != "" {
		t.Errorf("at first:\n%s", diff)
	}
	if before.ActiveEnter.IsZero() || len(before.InvocationID) != 32 {
		t.Errorf("at first: %+v", before)
	}
	h.serving(t)
	if err := h.Fault(h.ctx, demo.Crash); err != nil {
		t.Fatal(err)
	}
	h.log.await(t, h.ctx, "ModuleNotFoundError: No module named 'jwt'")
	for n := range uint32(3) {
		crashed := h.await(t, "between two crashes", isBetweenCrashes)
		want := probe.Unit{
			LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", Result: "exit-code",
			NRestarts: n, ExecMainCode: 1, ExecMainStatus: 1,
		}
		if diff := cmp.Diff(want, crashed, moving); diff != "" {
			t.Errorf("crash %d:\n%s", n, diff)
		}
		if crashed.InvocationID != before.InvocationID || crashed.ExecMainExit.IsZero() {
			t.Errorf("crash %d: %+v, of the run %s", n, crashed, before.InvocationID)
		}
		again := h.await(t, "running again", isRunning)
		if diff := cmp.Diff(runningUnit(n+1), again, moving); diff != "" {
			t.Errorf("restart %d:\n%s", n+1, diff)
		}
		if again.InvocationID == before.InvocationID {
			t.Errorf("restart %d is the same invocation", n+1)
		}
		before = again
	}
}

// A watcher is told that the log can be read, and then the line that says why, with what stands before it.
func TestTheLogIsToldAsTheJournalWouldBe(t *testing.T) {
	h := newHost(t)
	if first := <-h.logged; first.Lines != 0 || len(first.Matches) != 0 {
		t.Errorf("at first: %+v", first)
	}
	h.serving(t)
	if err := h.Fault(h.ctx, demo.Crash); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case log := <-h.logged:
			if len(log.Matches) == 0 {
				continue
			}
			m := log.Matches[0]
			if m.Pattern != "missing-module" || m.Module != "jwt" || m.Severity != probe.SeverityError || len(m.Before) == 0 {
				t.Errorf("%+v", m)
			}
			return
		case <-h.ctx.Done():
			t.Fatal("never told")
		}
	}
}

func TestAKilledProcessIsRestarted(t *testing.T) {
	for _, test := range []struct {
		signal syscall.Signal
		result string
	}{
		{syscall.SIGKILL, "signal"},
		{syscall.SIGTERM, "success"}, // a clean end, and all the same Restart=always
	} {
		t.Run(test.signal.String(), func(t *testing.T) {
			h := newHost(t)
			h.serving(t)
			if err := syscall.Kill(h.pid(t), test.signal); err != nil {
				t.Fatal(err)
			}
			killed := h.await(t, "between two runs", isBetweenCrashes)
			if killed.Result != test.result || killed.ExecMainCode != 2 || killed.ExecMainStatus != int32(test.signal) {
				t.Errorf("killed: %+v", killed)
			}
			if again := h.await(t, "running again", isRunning); again.NRestarts != 1 {
				t.Errorf("running again: %+v", again)
			}
			h.serving(t)
		})
	}
}

func TestADeploySetsTheCounterBackOnlyWhileActive(t *testing.T) {
	h := newHost(t)
	h.serving(t)
	if err := h.Fault(h.ctx, demo.Crash); err != nil {
		t.Fatal(err)
	}
	h.await(t, "restarted twice", func(u probe.Unit) bool { return u.NRestarts == 2 && isBetweenCrashes(u) })
	before, mended := h.deploy(t, "1.4.2", demo.Mended)
	want := uint32(0)
	if isBetweenCrashes(before) { // an automatic restart may have come first, though hardly ever
		want = before.NRestarts
	}
	if mended.NRestarts != want || !isRunning(mended) || mended.InvocationID == before.InvocationID {
		t.Errorf("deployed in auto-restart: %+v, before: %+v", mended, before)
	}
	h.log.await(t, h.ctx, "startup complete, release 1.4.2")

	before, next := h.deploy(t, "1.4.3", demo.Mended)
	if before.ActiveState != "inactive" || next.NRestarts != 0 || !isRunning(next) || next.InvocationID == mended.InvocationID {
		t.Errorf("deployed while active: %+v, before: %+v", next, before)
	}
	h.log.await(t, h.ctx, "startup complete, release 1.4.3")

	h.deploy(t, "1.4.4", demo.Crash)
	h.await(t, "in a crash loop", func(u probe.Unit) bool { return u.NRestarts == 3 })
	h.deploy(t, "1.4.3", demo.Mended)
	h.log.await(t, h.ctx, "startup complete, release 1.4.3")
}

// deploy returns the reading before the new run, and the first one of it.
func (h *host) deploy(t *testing.T, release, fault string) (before, first probe.Unit) {
	t.Helper()
	if err := h.Deploy(h.ctx, release, fault); err != nil {
		t.Fatal(err)
	}
	before, present := h.last, h.present(t)
	first = h.await(t, "of the new run", func(u probe.Unit) bool {
		if u.InvocationID == present.InvocationID {
			return true
		}
		before = u
		return false
	})
	return before, first
}

// present is what a new watcher is told at once.
func (h *host) present(t *testing.T) (u probe.Unit) {
	t.Helper()
	ctx, enough := context.WithCancel(h.ctx)
	defer enough()
	h.Watch(ctx, func(r probe.Result) {
		if r.Unit != nil {
			u = *r.Unit
			enough()
		}
	})
	return u
}

func TestAnUnknownFaultIsRefused(t *testing.T) {
	h := newHost(t)
	for _, err := range []error{h.Fault(h.ctx, "fire"), h.Deploy(h.ctx, "1.4.2", "fire")} {
		if err == nil || err.Error() != "no such fault: fire" {
			t.Errorf("%v", err)
		}
	}
}

func TestNoProcessIsLeftWhenItStops(t *testing.T) {
	for _, fault := range []string{demo.Mended, demo.Dead} {
		t.Run(fault, func(t *testing.T) {
			h := newHost(t)
			h.serving(t)
			h.breakIt(t, fault)
			pid := h.pid(t)
			h.stop()
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("process %d: %v", pid, err)
			}
		})
	}
}

// A supervisor that is killed takes its backend with it: the backend's orders end.
func TestNoProcessIsLeftWhenTheSupervisorIsKilled(t *testing.T) {
	address, err := demo.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	supervisor := exec.Command(self, asSupervisor, address)
	log, err := supervisor.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := supervisor.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(log)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "Started server process") {
		t.Errorf("%q, %v", line, err)
	}
	if err := supervisor.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Supervisor and backend write to the same pipe. It ends when both are gone.
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Error(err)
	}
	supervisor.Wait()                                         // it was killed
	for begun := time.Now(); ; time.Sleep(time.Millisecond) { // a process that ends closes its pipe before its socket
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		conn.Close()
		if time.Since(begun) > 10*time.Second {
			t.Fatal("the backend still listens")
		}
	}
}

func TestAProgramThatCannotBeRunIsAnError(t *testing.T) {
	o := options("127.0.0.1:0", io.Discard)
	o.Command = []string{"/nonexistent/postflight"}
	err := demo.NewSupervisor(o).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "starting the demo's backend: ") {
		t.Errorf("%v", err)
	}
}

func TestATakenPortEndsTheBackend(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var log strings.Builder
	code := demo.RunBackend(strings.NewReader(`{"listen":"`+taken.Addr().String()+`"}`), &log)
	if code != 1 || !strings.Contains(log.String(), "address already in use") {
		t.Errorf("exit code %d, log %s", code, &log)
	}
}

func TestABackendWithoutOrdersEnds(t *testing.T) {
	var log strings.Builder
	if code := demo.RunBackend(strings.NewReader("what?"), &log); code != 2 || !strings.Contains(log.String(), "reading the first order") {
		t.Errorf("exit code %d, log %s", code, &log)
	}
}
