package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"postflight/internal/state"
	"postflight/internal/web"
)

// place is where a test has its socket: short enough for one, whatever the test is called.
func place(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "pf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	return filepath.Join(directory, "control.sock")
}

// control listens for the test.
func control(t *testing.T, o ControlOptions) net.Listener {
	t.Helper()
	l, err := listenControl(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func reachable(path string) bool {
	connection, err := net.Dial("unix", path)
	if err == nil {
		connection.Close()
	}
	return err == nil
}

func TestTheControlSocketHasItsModeAndGroup(t *testing.T) {
	t.Parallel()
	own := os.Getegid()
	for _, row := range []struct {
		mode  fs.FileMode
		group string
	}{
		{0o660, ""},
		{0o600, ""},
		{0o666, ""}, // whatever the umask
		{0o660, strconv.Itoa(own)},
	} {
		path := place(t)
		control(t, ControlOptions{Path: path, Mode: row.mode, Group: row.group})
		file, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := file.Mode(), fs.ModeSocket|row.mode; got != want {
			t.Errorf("mode %v, want %v", got, want)
		}
		if got := int(file.Sys().(*syscall.Stat_t).Gid); got != own {
			t.Errorf("group %d, want %d", got, own)
		}
		if !reachable(path) {
			t.Errorf("%v: nobody listens", row)
		}
	}
}

// A group that the daemon is not in: root gives its socket to any, anybody else is told why not.
func TestTheControlSocketOfAForeignGroup(t *testing.T) {
	t.Parallel()
	const foreign = 1<<30 + 7
	path := place(t)
	l, err := listenControl(ControlOptions{Path: path, Mode: 0o660, Group: strconv.Itoa(foreign)})
	if os.Geteuid() != 0 {
		if err == nil || !strings.Contains(err.Error(), "the daemon's user must be a member") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := int(file.Sys().(*syscall.Stat_t).Gid); got != foreign {
		t.Errorf("group %d, want %d", got, foreign)
	}
}

// TestNobodyGetsInBeforeTheModeIsSet: whoever has connected finds the socket as it should be.
func TestNobodyGetsInBeforeTheModeIsSet(t *testing.T) {
	t.Parallel()
	path := place(t)
	for range 200 {
		var knocking sync.WaitGroup
		var mode fs.FileMode
		knocking.Go(func() {
			for !reachable(path) {
			}
			if file, err := os.Lstat(path); err == nil {
				mode = file.Mode().Perm()
			}
		})
		l, err := listenControl(ControlOptions{Path: path, Mode: 0o640})
		if err != nil {
			t.Fatal(err)
		}
		knocking.Wait()
		l.Close()
		if mode != 0o640 {
			t.Fatalf("connected while the mode was %v", mode)
		}
	}
}

func TestWhereTheControlSocketCannotBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		prepare func(t *testing.T, path string) error
		change  func(*ControlOptions)
		want    string // after "listening on PATH: "; empty: it can
	}{
		{name: "nothing is there"},
		{name: "the socket of a dead daemon", prepare: abandon},
		{
			name:    "a file",
			prepare: func(_ *testing.T, path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
			want:    "there is something else of this name; remove it, or choose another place with --control.socket",
		},
		{
			name:    "a directory",
			prepare: func(_ *testing.T, path string) error { return os.Mkdir(path, 0o700) },
			want:    "there is something else of this name; remove it, or choose another place with --control.socket",
		},
		{
			name: "a link to the socket of a dead daemon",
			prepare: func(t *testing.T, path string) error {
				return errors.Join(abandon(t, path+".real"), os.Symlink(path+".real", path))
			},
			want: "there is something else of this name; remove it, or choose another place with --control.socket",
		},
		{
			name:    "a link to nothing",
			prepare: func(_ *testing.T, path string) error { return os.Symlink(path+".gone", path) },
			want:    "there is something else of this name; remove it, or choose another place with --control.socket",
		},
		{
			name:    "somebody else's kind of socket",
			prepare: listenForDatagrams,
			want:    "another postflight may be running and listen there: connect: protocol wrong type for socket; stop it, or remove the socket if there is none",
		},
		{
			name:   "no directory",
			change: func(o *ControlOptions) { o.Path += "/in/it" },
			want:   "there is no directory $DIR/control.sock/in; make it, or choose another place with --control.socket",
		},
		{
			name:    "below a file",
			prepare: func(_ *testing.T, path string) error { return os.WriteFile(path, nil, 0o600) },
			change:  func(o *ControlOptions) { o.Path += "/it" },
			want:    "not a directory",
		},
		{
			name:   "no such group",
			change: func(o *ControlOptions) { o.Group = "nobody-is-in-it" },
			want:   `there is no group "nobody-is-in-it"; choose another one with --control.socket-group`,
		},
		{name: "no file", change: func(o *ControlOptions) { o.Path = "@postflight" }, want: "the control socket needs a file, whose mode decides who may use it; write ./@name where a file begins with @"},
		{name: "the longest path", change: func(o *ControlOptions) { o.Path = padded(o.Path, 107) }},
		{
			name:   "too long a path",
			change: func(o *ControlOptions) { o.Path = padded(o.Path, 108) },
			want:   "the path of a socket has at most 107 bytes, and this one 108; choose another one with --control.socket",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := ControlOptions{Path: place(t), Mode: 0o600}
			directory := filepath.Dir(o.Path)
			if row.prepare != nil {
				if err := row.prepare(t, o.Path); err != nil {
					t.Fatal(err)
				}
			}
			if row.change != nil {
				row.change(&o)
			}
			before := contents(t, directory)
			l, err := listenControl(o)
			if row.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if !reachable(o.Path) {
					t.Error("nobody listens")
				}
				return
			}
			if want := "listening on " + o.Path + ": " + strings.ReplaceAll(row.want, "$DIR", directory); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if after := contents(t, directory); after != before {
				t.Errorf("there is now:\n%s\nand there was:\n%s", after, before)
			}
		})
	}
}

// abandon leaves a socket behind as a daemon does that is killed.
func abandon(_ *testing.T, path string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	return l.Close()
}

func listenForDatagrams(t *testing.T, path string) error {
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	t.Cleanup(func() { l.Close() })
	return nil
}

func padded(path string, size int) string { return path + strings.Repeat("x", size-len(path)) }

// contents tells what is in a directory, and how large.
func contents(t *testing.T, directory string) string {
	t.Helper()
	var b strings.Builder
	files, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, info.Mode(), info.Size(), info.Name())
	}
	return b.String()
}

func TestWithoutAPathThereIsNoControlSocket(t *testing.T) {
	t.Parallel()
	if l, err := listenControl(ControlOptions{Mode: 0o660}); l != nil || err != nil {
		t.Errorf("got %v, %v", l, err)
	}
}

func TestALiveControlSocketIsLeftAlone(t *testing.T) {
	t.Parallel()
	o := ControlOptions{Path: place(t), Mode: 0o600}
	first := control(t, o)
	_, err := listenControl(o)
	want := "listening on " + o.Path + ": another postflight is running and listens there; stop it, or choose another place with --control.socket"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if !reachable(o.Path) {
		t.Error("the first one is out of reach")
	}
	first.Close()
	control(t, o)
}

func TestTheControlSocketGoesWithItsListener(t *testing.T) {
	t.Parallel()
	o := ControlOptions{Path: place(t), Mode: 0o600}
	l := control(t, o)
	if got := l.Addr().String(); got != o.Path {
		t.Errorf("its address is %s", got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(o.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}

	robbed := control(t, o)
	if err := os.Remove(o.Path); err != nil {
		t.Fatal(err)
	}
	control(t, o)
	robbed.Close()
	if !reachable(o.Path) {
		t.Error("the socket of another one went")
	}
}

// Over the control socket its mode has decided; over TCP the token does, and there is none.
func TestTheControlSocketNeedsNoToken(t *testing.T) {
	t.Parallel()
	handler := web.Handler(web.Options{
		Store:   state.New(),
		Metrics: http.NotFoundHandler(),
		Reload:  func(context.Context) error { return nil },
	})
	local := control(t, ControlOptions{Path: place(t), Mode: 0o600})
	remote, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		listener net.Listener
		handler  http.Handler
		status   int
		says     string
	}{
		{local, web.Trusted(handler), http.StatusOK, "has reloaded"},
		{remote, handler, http.StatusForbidden, "needs the token"},
	} {
		server := http.Server{Handler: row.handler}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(row.listener) })
		address := row.listener.Addr()
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, address.Network(), address.String())
			},
		}}
		response, err := client.Post("http://postflight/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != row.status || !strings.Contains(string(body), row.says) {
			t.Errorf("%s: %d %s %v", address, response.StatusCode, body, err)
		}
		server.Close()
		serving.Wait()
	}
	if _, err := os.Lstat(local.Addr().String()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket outlives its server: %v", err)
	}
}
