package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/zap"

	"postflight/internal/app"
)

type serveCommand struct {
	looking
	listening
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
		Log:             log,
		Build:           buildInfo(),
		BusAddress:      inv.getenv("DBUS_SYSTEM_BUS_ADDRESS"),
		ListenAddresses: c.ListenAddress,
		WebConfigFile:   c.WebConfig,
	})
	if err != nil {
		return err
	}
	return daemon.Run(inv.ctx)
}
