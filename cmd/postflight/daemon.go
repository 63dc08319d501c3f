package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
)

// daemon says which daemon verifies in place of this process.
type daemon struct {
	Server    string `help:"A running daemon that does it and is followed (default: that of /run/postflight/control.sock, where there is one and neither targets, units nor a configuration are given)." placeholder:"URL|unix:PATH"`
	TokenFile string `name:"server.token-file" help:"File with the token of the daemon's --web.api-token-file." placeholder:"FILE"`
}

// controlSocket is where the unit of deploy/systemd has it.
const controlSocket = "/run/postflight/control.sock"

// where is the daemon that verifies; empty: this process does.
func (d daemon) where(s source, getenv func(string) string) (string, error) {
	named := s.Config != "" || len(s.Target) > 0 || len(s.Unit) > 0
	switch {
	case d.Server != "" && named:
		return "", usageError{errors.New("the daemon of --server knows what to look at: leave out --config, --target and --unit, and choose with --service")}
	case d.Server != "":
		return d.Server, nil
	case d.TokenFile != "":
		return "", usageError{errors.New("--server.token-file is for the daemon of --server, which is missing")}
	case named:
		return "", nil
	}
	socket := cmp.Or(within(getenv("RUNTIME_DIRECTORY"), "control.sock"), controlSocket)
	if info, err := os.Stat(socket); err == nil && info.Mode().Type() == fs.ModeSocket {
		return "unix:" + socket, nil
	}
	return "", usageError{errors.New("nothing to verify: give --target URL, --unit NAME, --config FILE, or --server URL of a running daemon")}
}
