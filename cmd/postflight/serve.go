package main

import (
	"go.uber.org/zap"

	"postflight/internal/app"
)

type serveCommand struct {
	looking
	listening
}

// listening is where metrics and page are served.
type listening struct {
	ListenAddress []string `name:"web.listen-address" help:"Address to serve metrics and page on (repeatable)." default:":9876" placeholder:"ADDRESS" sep:"none"`
	WebConfig     string   `name:"web.config.file" help:"TLS and basic auth, in the exporter-toolkit's format." placeholder:"FILE"`
}

func (c serveCommand) Run(inv *invocation) error {
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
