package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/oklog/run"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"postflight/exporter"
	"postflight/internal/config"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/internal/web"
	"postflight/probe"
)

const (
	// closing is how long answers that are under way may take when the daemon stops.
	closing = time.Second
	// requestTimeout is how long a client may take to send its request.
	requestTimeout = 10 * time.Second
	// idleTimeout is how long a client may keep a connection that it does not use; longer than between two scrapes.
	idleTimeout = 3 * time.Minute
)

// ServeOptions is what the daemon is made of.
type ServeOptions struct {
	Config          *config.Config
	Log             *zap.Logger
	Build           Build
	BusAddress      string
	ListenAddresses []string
	WebConfigFile   string
	Watcher         probe.Watcher // in place of systemd's, for the demo; nil: systemd's
}

// Daemon probes on schedule, watches the units, and tells of it over HTTP.
type Daemon struct {
	log       *zap.Logger
	engine    *engine
	stop      context.CancelFunc // ends the engine
	listeners []net.Listener
	server    *http.Server
	webConfig string
}

// NewDaemon does all that can fail. When it returns the daemon listens; Run it to make it look and answer.
func NewDaemon(o ServeOptions) (*Daemon, error) {
	store, registry := state.New(), exporter.NewRegistry()
	metrics, err := exporter.New(store, registry, exporter.Options{
		Version:          o.Build.Version,
		Revision:         o.Build.Revision,
		GoVersion:        o.Build.GoVersion,
		NativeHistograms: o.Config.NativeHistograms,
	})
	if err != nil {
		return nil, err
	}
	listeners, err := listen(o.ListenAddresses)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Daemon{
		log: o.Log,
		engine: newEngine(ctx, store, engineOptions{
			config: o.Config, version: o.Build.Version, busAddress: o.BusAddress, watcher: o.Watcher, observer: metrics,
		}),
		stop:      stop,
		listeners: listeners,
		server: &http.Server{
			Handler:     web.Handler(web.Options{Store: store, Metrics: exporter.Handler(registry), Version: o.Build.Version, Started: time.Now()}),
			ReadTimeout: requestTimeout,
			IdleTimeout: idleTimeout,
			ErrorLog:    zap.NewStdLog(o.Log),
		},
		webConfig: o.WebConfigFile,
	}, nil
}

// Run probes, watches and answers until ctx ends, and returns when nothing of the daemon runs any more.
func (d *Daemon) Run(ctx context.Context) error {
	d.engine.store.Subscribe(changes(d.log))
	var group run.Group
	group.Add(run.ContextHandler(ctx))
	group.Add(d.engine.run, func(error) { d.stop() })
	group.Add(d.serve, func(error) { d.shutDown() })
	alive, enough := context.WithCancel(ctx)
	group.Add(func() error { return d.keepSystemdInformed(alive) }, func(error) { enough() })
	err := group.Run()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Addresses are those that the daemon listens on.
func (d *Daemon) Addresses() []net.Addr {
	var addresses []net.Addr
	for _, l := range d.listeners {
		addresses = append(addresses, l.Addr())
	}
	return addresses
}

// Verify verifies a deployment of one of the daemon's services, while it runs.
func (d *Daemon) Verify(ctx context.Context, deployment Deployment) (verdict.Document, error) {
	v, err := d.engine.begin(deployment)
	if err != nil {
		return verdict.Document{}, err
	}
	defer d.engine.end(v)
	return v.follow(ctx, deployment.Progress), nil
}

// Store is what the daemon knows.
func (d *Daemon) Store() *state.Store { return d.engine.store }

func (d *Daemon) serve() error {
	err := toolkit.ServeMultiple(d.listeners, d.server, &toolkit.FlagConfig{WebConfigFile: &d.webConfig}, slog.New(zapslog.NewHandler(d.log.Core())))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutDown lets answers that are under way come to their end, for a moment.
func (d *Daemon) shutDown() {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		d.server.Close()
	}
}

// listen opens all addresses, or none.
func listen(addresses []string) ([]net.Listener, error) {
	var open []net.Listener
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			for _, l := range open {
				l.Close()
			}
			return nil, listenError(address, err)
		}
		open = append(open, l)
	}
	return open, nil
}

func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listening on %s: the address is in use, perhaps by another postflight; choose another one with --web.listen-address", address)
	}
	if errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("listening on %s: permission denied; ports below 1024 need privileges, choose another one with --web.listen-address", address)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("listening on %s: %w", address, err)
}
