package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// child is a process of ours that ends when its standard input does.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	first string // the first line that it printed: it is ready
}

// startSelf starts this program in another role.
func startSelf(args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	first, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stdin.Close()
		return nil, fmt.Errorf("%s did not get ready: %w", strings.Join(args, " "), cmd.Wait())
	}
	return &child{cmd, stdin, strings.TrimSpace(first)}, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) stop() {
	c.stdin.Close()
	c.cmd.Wait() // how it ends says nothing any more
}

// ready tells the parent, and returns when the parent wants no more.
func ready(line string) {
	fmt.Println(line)
	io.Copy(io.Discard, os.Stdin)
}

// cpuTime is what a process has used so far, user and system, to the nanosecond: /proc/PID/stat counts in steps of 10 ms.
// See clock_getcpuclockid(3).
func cpuTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// memory reads one line of /proc/PID/status, in KiB.
func memory(pid int, name string) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		}
	}
	return 0, fmt.Errorf("process %d tells no %s", pid, name)
}
