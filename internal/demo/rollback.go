package demo

import (
	"context"
	"fmt"
	"io"
	"net"
)

// RunRollback is the whole life of the demo's rollback, a program that postflight runs after a failed verdict, as an
// operator's would be. It asks the demo, over its socket, for the release before, and returns the exit code.
func RunRollback(socket string, out io.Writer) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Fprintf(out, "asking the demo: %v\n", err)
		return 1
	}
	defer conn.Close()
	said, err := io.Copy(out, conn)
	switch {
	case err != nil:
		fmt.Fprintf(out, "reading the demo's answer: %v\n", err)
		return 1
	case said == 0:
		fmt.Fprintln(out, "the demo is over, and brought nothing back")
		return 1
	}
	return 0
}

// bringBack starts the last good release for each who asks at the socket, until ctx ends. Who asks is told once it runs.
func (s *stage) bringBack(ctx context.Context, socket net.Listener) {
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	for {
		conn, err := socket.Accept()
		if err != nil {
			return
		}
		release := s.good.Load().(string)
		s.out.printf("-------- rollback: starting release %s\n", release)
		if err := s.supervisor.Deploy(ctx, release, Mended); err == nil {
			fmt.Fprintf(conn, "release %s is back\n", release)
		}
		conn.Close()
	}
}
