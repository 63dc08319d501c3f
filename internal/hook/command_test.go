package hook_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/hook"
)

func TestCommands(t *testing.T) {
	for _, row := range []struct {
		name    string
		command []string
		stdin   string
		want    hook.Outcome
	}{
		{"succeeds", sh("true"), "", hook.Outcome{}},
		{"fails", sh("echo oh no; exit 3"), "", hook.Outcome{Problem: "exit status 3", Output: "oh no\n"}},
		{"is killed", sh("kill -9 $$"), "", hook.Outcome{Problem: "killed by signal 9 (killed)"}},
		{"reads the document", sh("cat"), `{"id":"1"}`, hook.Outcome{Output: `{"id":"1"}`}},
		{"does not care for the document", sh("exec <&-; echo done"), strings.Repeat("x", 1<<20), hook.Outcome{Output: "done\n"}},
		{"reads a part of it", sh("head -c 3"), strings.Repeat("x", 1<<20), hook.Outcome{Output: "xxx"}},
		{"prints to both streams", sh("echo 1; echo 2 >&2; echo 3"), "", hook.Outcome{Output: "1\n2\n3\n"}},
		{"goes through no shell", []string{"/bin/echo", "$HOME; *", "`id`"}, "", hook.Outcome{Output: "$HOME; * `id`\n"}},
		{"leads a process group", sh("read -r _ _ _ _ group _ </proc/$$/stat; [ $group = $$ ]"), "", hook.Outcome{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := hook.Hook{Command: row.command, Timeout: long}
			got := h.Run(t.Context(), hook.Options{Stdin: []byte(row.stdin)})
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCommandsThatCannotBeStarted(t *testing.T) {
	for _, row := range []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"not there", "", 0, "no such file or directory"},
		{"not executable", "#!/bin/sh\n", 0o600,
			fmt.Sprintf("permission denied: the file must be executable, and its directories open, for uid %d", os.Geteuid())},
		{"no interpreter named", "echo hello\n", 0o700,
			"exec format error: a script's first line must name its interpreter, such as #!/bin/sh"},
		{"an interpreter that is not there", "#!/nowhere/python3\n", 0o700,
			"no such file or directory: the interpreter that its first line names"},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "rollback.sh")
			if row.mode != 0 {
				if err := os.WriteFile(file, []byte(row.content), row.mode); err != nil {
					t.Fatal(err)
				}
			}
			h := hook.Hook{Command: []string{file, "--token", "hunter2"}, Timeout: long}
			if got, want := h.Run(t.Context(), hook.Options{}), (hook.Outcome{Problem: "starting " + file + ": " + row.want}); got != want {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
}

func TestACommandThatIsNotInThePath(t *testing.T) {
	got := hook.Hook{Command: []string{"roll-back-the-app"}, Timeout: long}.Run(t.Context(), hook.Options{})
	if want := (hook.Outcome{Problem: "starting roll-back-the-app: executable file not found in $PATH"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestWhatACommandIsTold(t *testing.T) {
	inherited := map[string]string{"PATH": os.Getenv("PATH"), "HOME": "/home/somebody", "LC_TIME": "C", "TZ": "UTC"}
	for name, value := range inherited {
		t.Setenv(name, value)
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY",
		"INVOCATION_ID", "DB_PASSWORD", "GITHUB_TOKEN", "PATHS"} {
		t.Setenv(name, "secret")
	}
	h := hook.Hook{Command: sh(`tr '\0' '\n' </proc/$$/environ; tr '\0' ' ' </proc/$$/cmdline`), Timeout: long}

	got := h.Run(t.Context(), hook.Options{
		Stdin: []byte("secret"), Env: []string{"POSTFLIGHT_SERVICE=proxy-system", "POSTFLIGHT_ID=1", "TZ=Asia/Shanghai"},
	})

	for name, value := range map[string]string{"POSTFLIGHT_SERVICE": "proxy-system", "POSTFLIGHT_ID": "1", "HOME": "/home/somebody", "LC_TIME": "C",
		"TZ": "Asia/Shanghai", "PATH": os.Getenv("PATH")} {
		if !strings.Contains("\n"+got.Output, "\n"+name+"="+value+"\n") {
			t.Errorf("%s is not %s", name, value)
		}
	}
	if got.Problem != "" || strings.Contains(got.Output, "secret") {
		t.Errorf("what it was told holds what it must not: %+v", got)
	}
}

func TestTheEndOfTheOutput(t *testing.T) {
	const limit = 64 << 10
	for _, row := range []struct{ name, printed, want string }{
		{"just fits", strings.Repeat("a", limit), strings.Repeat("a", limit)},
		{"one too many", "b" + strings.Repeat("a", limit), strings.Repeat("a", limit)},
		{"many times as much", strings.Repeat("b", 5*limit) + strings.Repeat("a", limit), strings.Repeat("a", limit)},
		{"begins with a whole character", strings.Repeat("é", limit/2) + "a", strings.Repeat("é", limit/2-1) + "a"},
		{"what is no text", "a\xff\xfeb\xc3", "a\uFFFDb\uFFFD"},
		{"no text all along", strings.Repeat("\xffa", limit/2), strings.Repeat("\uFFFDa", limit/4)},
		{"bytes that no character begins with", strings.Repeat("\x80", 2*limit), "\uFFFD"},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "printed")
			if err := os.WriteFile(file, []byte(row.printed), 0o600); err != nil {
				t.Fatal(err)
			}
			got := hook.Hook{Command: []string{"/bin/cat", file}, Timeout: long}.Run(t.Context(), hook.Options{})
			if got.Problem != "" || got.Output != row.want {
				t.Errorf("%q, %d bytes: %.20q…%.20q; want %d bytes: %.20q…", got.Problem,
					len(got.Output), got.Output, got.Output[max(0, len(got.Output)-20):], len(row.want), row.want)
			}
		})
	}
}

func TestACommandThatTakesTooLong(t *testing.T) {
	h := hook.Hook{Timeout: 100 * time.Millisecond, Command: sh("sleep 1000 & wait")}
	if got, want := h.Run(t.Context(), hook.Options{}), (hook.Outcome{Problem: "not done after 100ms, and killed"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestACommandThatTidiesUpIsLetDoSo(t *testing.T) {
	ready := fifo(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-untilAllClosed(t, ready)
		cancel()
	}()
	h := hook.Hook{Timeout: long, Command: sh("trap 'echo tidied up; exit 0' TERM; echo at work; : >" + ready + "; sleep 1000 & wait")}

	got := h.Run(ctx, hook.Options{})

	if want := (hook.Outcome{Problem: "not done when postflight was stopped, and killed", Output: "at work\ntidied up\n"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestACommandThatWillNotEndIsKilledWithItsChildren(t *testing.T) {
	ready, alive := fifo(t), fifo(t)
	gone := untilAllClosed(t, alive)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-untilAllClosed(t, ready)
		cancel()
	}()
	const stubborn = "while :; do sleep 1000; done"
	h := hook.Hook{Timeout: long, Command: sh("exec 9>" + alive + "; trap '' TERM; (" + stubborn + ") & : >" + ready + "; " + stubborn)}

	got := h.Run(ctx, hook.Options{})

	if want := "not done when postflight was stopped, and killed"; got.Problem != want {
		t.Errorf("%q, want %q", got.Problem, want)
	}
	<-gone
}

func TestWhatASuccessfulCommandLeavesRunning(t *testing.T) {
	release := fifo(t)
	h := hook.Hook{Timeout: long, Command: sh("cat " + release + " & echo done")} // it holds the output open

	got := h.Run(t.Context(), hook.Options{})

	if want := (hook.Outcome{Output: "done\n"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := os.WriteFile(release, nil, 0); err != nil { // waits for it: it was not killed
		t.Error(err)
	}
}

func TestACommandLeavesNoZombie(t *testing.T) {
	got := hook.Hook{Timeout: long, Command: sh("echo $$; exit 1")}.Run(t.Context(), hook.Options{})
	pid, err := strconv.Atoi(strings.TrimSpace(got.Output))
	if err != nil {
		t.Fatalf("%+v: %v", got, err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("process %d: %v", pid, err)
	}
}

func TestACommandThatComesTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := hook.Hook{Timeout: long, Command: sh("echo hello")}.Run(ctx, hook.Options{})
	if want := (hook.Outcome{Problem: "not done when postflight was stopped, and not begun"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

func fifo(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// untilAllClosed is closed when somebody has opened the fifo for writing and nobody has it open any longer: as soon as
// all processes that inherited it are gone.
func untilAllClosed(t *testing.T, fifo string) <-chan struct{} {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		f, err := os.Open(fifo)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := io.Copy(io.Discard, f); err != nil {
			t.Error(err)
		}
	}()
	return closed
}
