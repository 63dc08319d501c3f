package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/oklog/run"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"postflight/exporter"
	"postflight/internal/config"
	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/internal/web"
	"postflight/probe"
	"postflight/probe/httpprobe"
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
	Load            func() (*config.Config, error) // reads the configuration anew
	Hangup          <-chan os.Signal               // asks for a reload; nil: nobody does
	Log             *zap.Logger
	Build           Build
	BusAddress      string
	ListenAddresses []string
	WebConfigFile   string
	APITokenFile    string // empty: nothing can be changed over TCP
	StateFile       string // keeps what has to outlive the process; empty: nothing does
	Control         ControlOptions
	Watcher         probe.Watcher // in place of systemd's and its journal's, for the demo; nil: theirs
}

// Daemon probes on schedule, watches the units, and tells of it over HTTP.
type Daemon struct {
	log       *zap.Logger
	engine    *engine
	desk      *deployment.Desk
	listeners []net.Listener
	server    *http.Server
	webConfig string
	socket    net.Listener // for local commands; nil: there is none
	control   *http.Server

	kept             *stateFile
	unkept           chan struct{} // closed when nothing is written any more but at the very end
	load             func() (*config.Config, error)
	hangup           <-chan os.Signal
	nativeHistograms bool

	reloading sync.Mutex             // one reload at a time; guards what follows
	files     map[string]fingerprint // that the configuration depends on, and what they held when it was read
}

// NewDaemon does all that can fail. When it returns the daemon listens; Run it to make it look and answer.
func NewDaemon(o ServeOptions) (*Daemon, error) {
	store := state.New()
	metrics := exporter.New(store, exporter.Options{
		Version:          o.Build.Version,
		Revision:         o.Build.Revision,
		GoVersion:        o.Build.GoVersion,
		NativeHistograms: o.Config.NativeHistograms,
	})
	listeners, err := listen(o.ListenAddresses)
	if err != nil {
		return nil, err
	}
	socket, err := listenControl(o.Control)
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return nil, err
	}
	kept := newStateFile(o.StateFile, store, o.Log, metrics.CountFailedWrite)
	kept.load()
	d := &Daemon{
		log:    o.Log,
		kept:   kept,
		unkept: make(chan struct{}),
		engine: newEngine(context.Background(), store, o.Config, engineOptions{
			version: o.Build.Version, busAddress: o.BusAddress, watcher: o.Watcher, logs: true, recheck: true, observer: metrics, log: o.Log,
		}),
		listeners:        listeners,
		webConfig:        o.WebConfigFile,
		socket:           socket,
		load:             o.Load,
		hangup:           o.Hangup,
		nativeHistograms: o.Config.NativeHistograms,
	}
	d.desk = d.engine.desk(d.engine.rules, d.keepSurely)
	handler := web.Handler(web.Options{
		Store:   store,
		Metrics: kept.keptFirst(metrics.Handler(exporter.NewRegistry())),
		Version: o.Build.Version,
		Started: time.Now(),
		Reload:  func(context.Context) error { return d.Reload() },
		Token:   tokenIn(o.APITokenFile),

		Deployments: d.desk,
		Rules:       d.engine.rules,
	})
	d.server, d.control = d.serverOf(handler), d.serverOf(web.Trusted(handler))
	d.follow(o.Config)
	store.FoldReload(state.Reload{Time: time.Now(), Successful: true})
	return d, nil
}

func (d *Daemon) serverOf(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:     handler,
		ReadTimeout: requestTimeout,
		IdleTimeout: idleTimeout,
		ErrorLog:    zap.NewStdLog(d.log),
	}
}

// tokenIn gives the token in a file, nil where there is none.
func tokenIn(file string) func() (string, error) {
	if file == "" {
		return nil
	}
	return func() (string, error) {
		grant, err := httpprobe.TokenFile(file).Grant(context.Background())
		return grant.Secret, err
	}
}

// Run probes, watches and answers until ctx ends, and returns when nothing of the daemon runs any more.
func (d *Daemon) Run(ctx context.Context) error {
	d.engine.store.Subscribe(changes(d.log))
	var group run.Group
	group.Add(run.ContextHandler(ctx))
	group.Add(d.engine.run, func(error) { d.engine.stop() })
	verifying, decided := context.WithCancel(ctx)
	group.Add(func() error { return d.desk.Run(verifying) }, func(error) { decided() }) // it ends before the servers: so do streams of events
	group.Add(d.serve, func(error) { shutDown(d.server) })
	if d.socket != nil {
		group.Add(func() error { return served(d.control.Serve(d.socket)) }, func(error) { shutDown(d.control) })
	}
	alive, enough := context.WithCancel(ctx)
	group.Add(func() error { return d.keepSystemdInformed(alive) }, func(error) { enough() })
	keeping, kept := context.WithCancel(ctx)
	group.Add(func() error { defer close(d.unkept); return d.kept.keep(keeping) }, func(error) { kept() })
	following, noMore := context.WithCancel(ctx)
	group.Add(func() error { return d.followFiles(following) }, func(error) { noMore() })
	err := group.Run()
	d.kept.save() // what has been folded to the last
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
	announced, _, err := d.desk.Announce(deployment.announcement())
	if err != nil {
		return verdict.Document{}, err
	}
	return follow(ctx, d.desk, announced.ID, deployment)
}

// Store is what the daemon knows.
func (d *Daemon) Store() *state.Store { return d.engine.store }

func (d *Daemon) serve() error {
	return served(toolkit.ServeMultiple(d.listeners, d.server, &toolkit.FlagConfig{WebConfigFile: &d.webConfig}, slog.New(zapslog.NewHandler(d.log.Core()))))
}

// served is the error of a server that has ended, if it did not end as it should.
func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// shutDown lets answers that are under way come to their end, for a moment.
func shutDown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
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
