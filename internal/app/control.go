package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// ControlOptions says where commands on this machine reach the daemon, and who may use them.
type ControlOptions struct {
	Path  string      // empty: there is no control socket
	Mode  fs.FileMode // of the socket: who may write to it may change things
	Group string      // that it belongs to, by name or number; empty: the daemon's own
}

// longestSocketPath is how many bytes the kernel takes, without the zero at the end.
const longestSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// listenControl listens on the control socket; nil where there is none. What a daemon that is dead has left there gives way.
// Close removes it.
func listenControl(o ControlOptions) (net.Listener, error) {
	if o.Path == "" {
		return nil, nil
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	l, err := o.listen()
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", o.Path, err)
	}
	return l, nil
}

// Validate finds what no second try would mend.
func (o ControlOptions) Validate() error {
	var err error
	switch {
	case o.Path == "":
		return nil
	case o.Path[0] == '@': // the kernel would make a socket without a file, and let everybody in
		err = errors.New("the control socket needs a file, whose mode decides who may use it; write ./@name where a file begins with @")
	case len(o.Path) > longestSocketPath:
		err = fmt.Errorf("the path of a socket has at most %d bytes, and this one %d; choose another one with --control.socket", longestSocketPath, len(o.Path))
	default:
		_, err = o.gid()
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", o.Path, err)
	}
	return nil
}

func (o ControlOptions) listen() (net.Listener, error) {
	gid, err := o.gid()
	if err != nil {
		return nil, err
	}
	if err := makeWay(o.Path); err != nil {
		return nil, err
	}
	return o.open(gid)
}

// gid is the number of the socket's group, -1 where it is the daemon's own.
func (o ControlOptions) gid() (int, error) {
	if o.Group == "" {
		return -1, nil
	}
	if gid, err := strconv.ParseUint(o.Group, 10, 31); err == nil {
		return int(gid), nil
	}
	group, err := user.LookupGroup(o.Group)
	if err != nil {
		return 0, fmt.Errorf("there is no group %q; choose another one with --control.socket-group", o.Group)
	}
	return strconv.Atoi(group.Gid)
}

// makeWay removes the socket of a daemon that is dead, and nothing else.
func makeWay(path string) error {
	file, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return bare(err)
	case file.Mode().Type() != fs.ModeSocket:
		return errors.New("there is something else of this name; remove it, or choose another place with --control.socket")
	}
	connection, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		connection.Close()
		return errors.New("another postflight is running and listens there; stop it, or choose another place with --control.socket")
	case errors.Is(err, syscall.ECONNREFUSED): // nobody listens
		return bare(os.Remove(path))
	}
	return fmt.Errorf("another postflight may be running and listen there: %w; stop it, or remove the socket if there is none", bare(err))
}

// open makes the socket. Nobody can connect before its mode and group are as they should be: until Listen, the kernel
// refuses them all. So nothing hangs on the umask, which is the whole process's.
func (o ControlOptions) open(gid int) (net.Listener, error) {
	socket, err := streamSocket()
	if err != nil {
		return nil, err
	}
	defer socket.Close() // the listener has its own descriptor
	fd := int(socket.Fd())
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: o.Path}); err != nil {
		return nil, bindError(o.Path, err)
	}
	l, err := o.listenOn(socket, gid)
	if err != nil {
		os.Remove(o.Path)
		return nil, err
	}
	return l, nil
}

// listenOn lets in whom it should, now that the socket's file is there.
func (o ControlOptions) listenOn(socket *os.File, gid int) (net.Listener, error) {
	if err := giveTo(o.Path, gid); err != nil {
		return nil, fmt.Errorf("giving it to group %s: %w; the daemon's user must be a member, and may not be kept from it by its unit (PrivateUsers=, SystemCallFilter=)", o.Group, err)
	}
	if err := os.Chmod(o.Path, o.Mode.Perm()); err != nil {
		return nil, fmt.Errorf("setting its mode: %w", bare(err))
	}
	made, err := os.Lstat(o.Path)
	if err != nil {
		return nil, bare(err)
	}
	if err := syscall.Listen(int(socket.Fd()), syscall.SOMAXCONN); err != nil {
		return nil, err
	}
	l, err := net.FileListener(socket)
	if err != nil {
		return nil, err
	}
	return &controlListener{Listener: l, path: o.Path, made: made}, nil
}

// streamSocket makes a socket that no child process inherits.
func streamSocket() (*os.File, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "control socket"), nil
}

// giveTo gives a file to a group, unless it belongs to it: a hardened unit may not even ask.
func giveTo(path string, gid int) error {
	file, err := os.Lstat(path)
	if err != nil {
		return bare(err)
	}
	if is, ok := file.Sys().(*syscall.Stat_t); gid == -1 || ok && int(is.Gid) == gid {
		return nil
	}
	return bare(os.Lchown(path, -1, gid))
}

func bindError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no directory %s; make it, or choose another place with --control.socket", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("permission denied; the daemon's user must be able to write to %s", filepath.Dir(path))
	case errors.Is(err, syscall.EADDRINUSE):
		return errors.New("another postflight has just begun to listen there; choose another place with --control.socket")
	}
	return err
}

// bare is an error without the path, which has been said.
func bare(err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		return inPath.Err
	}
	var inNet *net.OpError
	if errors.As(err, &inNet) {
		return inNet.Err
	}
	return err
}

// controlListener removes its socket when it is closed, unless another one has taken its place.
type controlListener struct {
	net.Listener
	path string
	made fs.FileInfo
}

func (l *controlListener) Close() error {
	if is, err := os.Lstat(l.path); err == nil && os.SameFile(is, l.made) {
		os.Remove(l.path)
	}
	return l.Listener.Close()
}
