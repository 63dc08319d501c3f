package main

import (
	"errors"
	"io"
	"os"

	"go.uber.org/zap"
	"golang.org/x/term"

	"postflight/internal/app"
	"postflight/internal/config"
)

// source says what is looked at: a configuration file, or targets and units named on the command line.
type source struct {
	Config  string   `help:"Configuration file." placeholder:"FILE"`
	Target  []string `help:"Base URL of a running copy of the service, instead of a configuration file (repeatable)." placeholder:"URL" sep:"none"`
	Unit    []string `help:"systemd unit of the service; .service is added where there is no suffix (repeatable)." placeholder:"NAME" sep:"none"`
	Service string   `help:"Name of the service; with --config: the one to take." placeholder:"NAME"`
}

// load reads the configuration that the flags name.
func (s source) load() (*config.Config, error) {
	if s.Config == "" {
		if len(s.Target) == 0 && len(s.Unit) == 0 {
			return nil, usageError{errors.New("nothing to look at: give --target URL, --unit NAME or --config FILE")}
		}
		c, err := config.FromFlags(s.Target, s.Unit, s.Service)
		return c, asUsage(err)
	}
	if len(s.Target) > 0 || len(s.Unit) > 0 {
		return nil, usageError{errors.New("--config names its own targets and units: leave out --target and --unit")}
	}
	c, err := config.Load(s.Config)
	if err == nil && s.Service != "" {
		c, err = c.Select(s.Service)
	}
	return c, asUsage(err)
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// logging is how the program logs.
type logging struct {
	Level  string `name:"log.level" help:"Least severity that is logged: ${enum} (default: ${log_level})." enum:"debug,info,warn,error" default:"${log_level}"`
	Format string `name:"log.format" help:"json or console (default: console on a terminal, json otherwise)." enum:"json,console," default:""`
}

func (l logging) logger(to io.Writer) (log *zap.Logger, closeLog func(), err error) {
	format := l.Format
	if format == "" {
		format = "json"
		if isTerminal(to) {
			format = "console"
		}
	}
	return app.NewLogger(to, l.Level, format)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// looking is what every command has that looks at services: at what, and how it logs.
type looking struct {
	source
	logging
}

// prepare reads the configuration and opens the log.
func (l looking) prepare(inv *invocation) (cfg *config.Config, log *zap.Logger, closeLog func(), err error) {
	if cfg, err = l.load(); err != nil {
		return nil, nil, nil, err
	}
	log, closeLog, err = l.logger(inv.stderr)
	return cfg, log, closeLog, asUsage(err)
}
