package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// stopTimeout is how long a backend may take to stop before it is killed.
const stopTimeout = 2 * time.Second

// child is the backend's process. It belongs to whoever started it; exited closes when it is gone.
type child struct {
	cmd    *exec.Cmd
	orders io.WriteCloser
	exited chan struct{}
}

func startChild(command []string, log io.Writer, first order) (*child, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	// In a process group of its own, so that an interrupt from the terminal is the supervisor's to handle.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, orders: orders, exited: make(chan struct{})}
	go func() {
		defer close(c.exited)
		cmd.Wait() // how it ended is read from its state
	}()
	c.tell(first)
	return c, nil
}

// tell gives an order. A child that has exited does not hear it; its exit is told by itself.
func (c *child) tell(o order) {
	text, _ := json.Marshal(o) // an order always marshals
	fmt.Fprintf(c.orders, "%s\n", text)
}

// stop ends the child's orders, and the child itself if that is not enough. It is gone when stop returns.
func (c *child) stop() {
	c.orders.Close()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		c.cmd.Process.Kill()
		<-c.exited
	}
}

// Codes of an exit, as waitid(2) numbers them and systemd tells them.
const (
	codeExited = 1
	codeKilled = 2
	codeDumped = 3
)

// cleanSignals are no failure, see SuccessExitStatus= in systemd.service(5).
var cleanSignals = []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE}

// ending is how the child ended, in systemd's terms. Call it when the child has exited.
func (c *child) ending() (result string, code, status int32) {
	state := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case state.Signaled() && state.CoreDump():
		return "core-dump", codeDumped, int32(state.Signal())
	case state.Signaled() && slices.Contains(cleanSignals, state.Signal()):
		return "success", codeKilled, int32(state.Signal())
	case state.Signaled():
		return "signal", codeKilled, int32(state.Signal())
	case state.ExitStatus() != 0:
		return "exit-code", codeExited, int32(state.ExitStatus())
	default:
		return "success", codeExited, 0
	}
}
