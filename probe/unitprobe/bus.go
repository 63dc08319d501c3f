package unitprobe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// bus is a connection to the message bus that cannot hang: the socket is ours, so that the handshake and every write
// have a deadline, and closing it frees whoever waits.
type bus struct {
	*dbus.Conn
	socket *socket
}

// dial connects to the first of the sockets that answers. Signals go to the handler, from the goroutine that reads the
// connection.
func dial(ctx context.Context, paths []string, signals dbus.SignalHandler) (*bus, error) {
	var dialer net.Dialer
	dialer.Timeout = callTimeout
	var errs []error
	for _, path := range paths {
		conn, err := dialer.DialContext(ctx, "unix", path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b, err := greet(ctx, &socket{Conn: conn, in: bufio.NewReader(conn)}, signals)
		if err == nil {
			return b, nil
		}
		errs = append(errs, fmt.Errorf("greeting the bus at %s: %w", path, err))
	}
	return nil, errors.Join(errs...)
}

// greet authenticates as the process's user and asks the bus for a name.
func greet(ctx context.Context, s *socket, signals dbus.SignalHandler) (*bus, error) {
	if err := s.SetReadDeadline(time.Now().Add(callTimeout)); err != nil {
		return nil, err
	}
	conn, err := dbus.NewConn(s, dbus.WithSignalHandler(signals))
	if err != nil {
		return nil, err
	}
	b := &bus{Conn: conn, socket: s}
	stop := context.AfterFunc(ctx, b.close)
	defer stop()
	// EXTERNAL alone: the peer's credentials as the kernel tells them. No other way in is ever tried.
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err != nil {
		b.close()
		return nil, err
	}
	if err := conn.Hello(); err != nil {
		b.close()
		return nil, err
	}
	return b, s.SetReadDeadline(time.Time{})
}

// close closes the socket first: dbus.Conn.Close waits for writers.
func (b *bus) close() {
	b.socket.Close()
	b.Conn.Close()
}

// socket reads through a buffer, since godbus reads a message in small pieces, and lets no write take long, since a
// bus that hangs stops reading. Not being a net.UnixConn, it is never sent file descriptors.
type socket struct {
	net.Conn
	in *bufio.Reader
}

func (s *socket) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s *socket) Write(p []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(callTimeout)); err != nil {
		return 0, err
	}
	return s.Conn.Write(p)
}

// sockets lists the unix sockets of a D-Bus address, as net.Dial writes them; alternatives are separated by semicolons.
// See "Server Addresses" in the D-Bus specification.
func sockets(address string) ([]string, error) {
	var paths []string
	for one := range strings.SplitSeq(address, ";") {
		path, err := socketOf(one)
		if err != nil {
			return nil, fmt.Errorf("bus address %q: %w", address, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func socketOf(address string) (string, error) {
	keys, isUnix := strings.CutPrefix(address, "unix:")
	if isUnix {
		for pair := range strings.SplitSeq(keys, ",") {
			key, value, _ := strings.Cut(pair, "=")
			value, err := dbus.UnescapeBusAddressValue(value)
			switch {
			case key != "path" && key != "abstract":
				continue
			case err != nil:
				return "", err
			case key == "abstract":
				return "@" + value, nil
			default:
				return value, nil
			}
		}
	}
	return "", errors.New("want unix:path=… or unix:abstract=…")
}
