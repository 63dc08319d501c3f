package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// grace is how long a command that is to end may take to do so by itself, and how long what it left behind may hold on
// to its output.
const grace = time.Second

// runCommand runs a program in a process group of its own.
func runCommand(ctx context.Context, words []string, o Options, printed io.Writer) error {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin = bytes.NewReader(o.Stdin)
	cmd.Stdout, cmd.Stderr = printed, printed
	cmd.Env = append(basics(os.Environ()), o.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = grace
	cut := false // Wait comes after Cancel
	cmd.Cancel = func() error {
		cut = true
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return cutShort(", and not begun")
		}
		return fmt.Errorf("starting %s: %w", words[0], whyNotStarted(cmd.Path, err))
	}
	err := cmd.Wait()
	if cut {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // those of the group that SIGTERM did not end
		return cutShort(", and killed")
	}
	return whyFailed(cmd.ProcessState, err)
}

func whyFailed(state *os.ProcessState, err error) error {
	status, _ := state.Sys().(syscall.WaitStatus)
	switch {
	case state.Success() && (err == nil || errors.Is(err, exec.ErrWaitDelay)):
		return nil // what it left running may still hold its output
	case status.Signaled():
		return killedBy(status.Signal())
	default:
		return err
	}
}

func killedBy(s syscall.Signal) error { return fmt.Errorf("killed by signal %d (%v)", int(s), s) }

// whyNotStarted says what the kernel's word for it leaves open.
func whyNotStarted(program string, err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner // around the kernel's word is only what was to be started
	}
	_, missing := os.Stat(program)
	switch {
	case errors.Is(err, syscall.ENOENT) && missing == nil:
		return fmt.Errorf("%w: the interpreter that its first line names", err)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%w: a script's first line must name its interpreter, such as #!/bin/sh", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: the file must be executable, and its directories open, for uid %d", err, os.Geteuid())
	default:
		return err
	}
}

// basics are the variables of this process that any program expects. All others stay here: they may hold secrets, or
// be meant for a service of systemd's alone (NOTIFY_SOCKET, CREDENTIALS_DIRECTORY, LISTEN_FDS…).
func basics(environment []string) []string {
	names := []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"}
	var kept []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(names, name) || strings.HasPrefix(name, "LC_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
