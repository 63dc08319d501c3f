package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/zap"

	"postflight/internal/app"
	"postflight/probe/httpprobe"
)

type serveCommand struct {
	looking
	listening
	APITokenFile string `name:"web.api-token-file" help:"File with the token that changes something over HTTP, such as POST /-/reload (default: nothing can be changed over TCP)." placeholder:"FILE"`
	State        string `help:"File that keeps what has to outlive the daemon: counters, and how far the journal has been read (default: postflight.json in $$STATE_DIRECTORY, where systemd sets that, else none)." placeholder:"FILE"`
	control
}

// stateFile is where the state is kept; empty: nowhere.
func (c serveCommand) stateFile(getenv func(string) string) string {
	return cmp.Or(c.State, within(getenv("STATE_DIRECTORY"), "postflight.json"))
}

// within is a file in the first of the directories that systemd lists in a variable; empty where it lists none.
func within(directories, file string) string {
	first, _, _ := strings.Cut(directories, ":")
	if first == "" {
		return ""
	}
	return filepath.Join(first, file)
}

// control is the unix socket for local commands.
type control struct {
	Socket      string `name:"control.socket" help:"Unix socket for local commands (default: control.sock in $$RUNTIME_DIRECTORY, where systemd sets that)." placeholder:"FILE"`
	SocketMode  string `name:"control.socket-mode" help:"Mode of the socket: who may write to it may change what the daemon does (default: 0660)." default:"0660" placeholder:"MODE"`
	SocketGroup string `name:"control.socket-group" help:"Group of the socket (default: the daemon's own)." placeholder:"GROUP"`
}

func (c control) options(getenv func(string) string) (app.ControlOptions, error) {
	mode, err := strconv.ParseUint(c.SocketMode, 8, 9)
	if err != nil {
		return app.ControlOptions{}, usageError{fmt.Errorf("--control.socket-mode: %q is not a mode; write it in octal, such as 0660", c.SocketMode)}
	}
	path := cmp.Or(c.Socket, within(getenv("RUNTIME_DIRECTORY"), "control.sock"))
	options := app.ControlOptions{Path: path, Mode: fs.FileMode(mode), Group: c.SocketGroup}
	return options, asUsage(options.Validate())
}

// listening is where metrics and page are served.
type listening struct {
	ListenAddress []string `name:"web.listen-address" help:"Address to serve metrics and page on (repeatable; default: :9876)." default:":9876" placeholder:"ADDRESS" sep:"none"`
	WebConfig     string   `name:"web.config.file" help:"TLS and basic auth, in the exporter-toolkit's format." placeholder:"FILE"`
}

// validate finds what no second try would mend.
func (l listening) validate() error {
	for _, address := range l.ListenAddress {
		_, port, err := net.SplitHostPort(address)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return usageError{fmt.Errorf("--web.listen-address: %q is not an address; write it such as :9876 or 127.0.0.1:9876", address)}
		}
	}
	if err := web.Validate(l.WebConfig); err != nil {
		return usageError{fmt.Errorf("--web.config.file: %w", err)}
	}
	return nil
}

func (c serveCommand) Run(inv *invocation) error {
	if err := c.listening.validate(); err != nil {
		return err
	}
	if c.APITokenFile != "" {
		if _, err := httpprobe.TokenFile(c.APITokenFile).Grant(inv.ctx); err != nil {
			return usageError{fmt.Errorf("--web.api-token-file: %w", err)}
		}
	}
	control, err := c.control.options(inv.getenv)
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // from the start: until the daemon runs it waits
	defer signal.Stop(hangup)
	cfg, log, closeLog, err := c.prepare(inv)
	if err != nil {
		return err
	}
	defer closeLog()
	restore, err := zap.RedirectStdLogAt(log, zap.DebugLevel) // net/http's remarks on what targets send
	if err != nil {
		return err
	}
	defer restore()
	tuneCollector(cfg, inv.getenv)
	daemon, err := app.NewDaemon(app.ServeOptions{
		Config:          cfg,
		Load:            c.load,
		Hangup:          hangup,
		Log:             log,
		Build:           buildInfo(),
		BusAddress:      inv.getenv("DBUS_SYSTEM_BUS_ADDRESS"),
		ListenAddresses: c.ListenAddress,
		WebConfigFile:   c.WebConfig,
		APITokenFile:    c.APITokenFile,
		StateFile:       c.stateFile(inv.getenv),
		Control:         control,
	})
	if err != nil {
		return err
	}
	return daemon.Run(inv.ctx)
}
