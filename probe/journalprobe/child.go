package journalprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long journalctl may take to end once it has closed its output, or was killed.
const patience = time.Second

// run runs journalctl and gives its output to read, until that returns or the context ends. When journalctl has ended it
// returns what read says; where that is io.EOF, how journalctl ended, and nil if it was content. What journalctl had to say
// besides is in said.
func run(ctx context.Context, program string, args []string, read func(*os.File) error) (said string, err error) {
	out, theirs, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("starting journalctl: %w", err)
	}
	defer out.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var complaints tail
	cmd := command(ctx, program, args)
	cmd.Stdout, cmd.Stderr = theirs, &complaints
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return "", notStarted(err)
	}
	// A pipe that somebody else holds open, too, keeps nobody waiting.
	defer context.AfterFunc(ctx, func() { out.Close() })()
	err = read(out)
	if !errors.Is(err, io.EOF) {
		cancel()
		_ = cmd.Wait() // how it ended is our doing
		return complaints.String(), err
	}
	defer time.AfterFunc(patience, cancel).Stop()
	err = inWords(cmd.Wait(), &complaints)
	return complaints.String(), err
}

// command is journalctl in a group of its own, of which nothing is left when the context ends. It gets nothing of our
// environment: variables of systemd's would change what it says.
func command(ctx context.Context, program string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = patience
	return cmd
}

func notStarted(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("there is no journalctl here to read the journal with: %w; units are watched all the same", err)
	}
	return fmt.Errorf("starting journalctl: %w", err)
}

// inWords says how journalctl ended. It ends with status 1 and no word where it had nothing to show.
func inWords(ended error, complaints *tail) error {
	var exit *exec.ExitError
	switch last := complaints.lastLine(); {
	case ended == nil:
		return nil
	case !errors.As(ended, &exit):
		return fmt.Errorf("waiting for journalctl: %w", ended)
	case !exit.Exited():
		return fmt.Errorf("journalctl was ended by a signal: %w", ended)
	case last == "":
		return nil
	default:
		return complaint(last)
	}
}

// complaint is why journalctl would not do what it was asked to.
type complaint string

func (c complaint) Error() string { return "journalctl: " + string(c) }

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - maxTail; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(string(t.text), "\uFFFD")
}

const maxWords = 300 // bytes

func (t *tail) lastLine() string {
	text := strings.TrimSpace(t.String())
	line := text[strings.LastIndexByte(text, '\n')+1:]
	return strings.ToValidUTF8(line[:min(len(line), maxWords)], "")
}
