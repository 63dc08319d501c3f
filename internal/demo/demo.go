package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postflight/internal/app"
	"postflight/internal/config"
	"postflight/internal/verdict"
	"postflight/probe"
)

const (
	serviceName = "proxy-system"
	unitName    = "proxy-system.service"

	checkInterval = 500 * time.Millisecond // so that whatever is broken shows within a second
	checkTimeout  = 400 * time.Millisecond
	restartDelay  = 300 * time.Millisecond

	firstRelease = "1.0.0"
)

// Options says what the demo is to do.
type Options struct {
	Out             io.Writer
	Log             *zap.Logger
	Keys            io.Reader // what a person presses; nil: nobody is there
	Script          bool      // play it all through by itself
	BackendCommand  []string  // a program and arguments that call RunBackend
	RollbackCommand []string  // likewise RunRollback, where the socket is one more argument
	Build           app.Build
	ListenAddresses []string
	WebConfigFile   string
}

// Run runs the daemon beside a backend that it supervises until ctx ends, the person quits or the script is through. It
// reports whether the script saw all that it should have seen; without a script always.
func Run(ctx context.Context, o Options) (seen bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	directory, err := os.MkdirTemp("", "postflight-demo-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(directory)
	stage, err := build(o, directory)
	if err != nil {
		return false, err
	}
	var running sync.WaitGroup
	var broken, daemonBroken error
	running.Go(func() {
		defer cancel()
		broken = stage.supervisor.Run(ctx)
	})
	stage.awaitBackend(ctx)
	running.Go(func() {
		defer cancel()
		daemonBroken = stage.daemon.Run(ctx)
	})
	running.Go(func() { stage.bringBack(ctx, stage.socket) })
	stage.introduce()
	seen = true
	switch {
	case o.Script:
		seen = stage.playThrough(ctx)
	case o.Keys != nil:
		stage.obey(ctx, o.Keys)
	default:
		<-ctx.Done()
	}
	cancel()
	running.Wait()
	return seen, errors.Join(broken, daemonBroken)
}

// stage is what the story plays on.
type stage struct {
	out        *screen
	supervisor *Supervisor
	daemon     *app.Daemon
	policy     verdict.Policy
	backend    string       // its base URL
	socket     net.Listener // where the rollback asks
	releases   int          // deployed so far
	good       atomic.Value // string: the release that passed last, which bringBack reads from its own goroutine
}

// build makes everything that the story needs. The directory is for its files.
func build(o Options, directory string) (*stage, error) {
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	secret := []byte(rand.Text() + rand.Text())
	tokenFile := filepath.Join(directory, "admin-token")
	if err := os.WriteFile(tokenFile, []byte(Token(secret, Admin, time.Now().Add(24*time.Hour))), 0o600); err != nil {
		return nil, err
	}
	backend, socket := "http://"+address, filepath.Join(directory, "rollback.sock")
	load := func() (*config.Config, error) {
		return configuration(backend, tokenFile, append(slices.Clone(o.RollbackCommand), socket))
	}
	c, err := load()
	if err != nil {
		return nil, err
	}
	supervisor := NewSupervisor(SupervisorOptions{
		Key:          probe.Key{Service: serviceName, Unit: unitName},
		Command:      o.BackendCommand,
		Listen:       address,
		Secret:       secret,
		Release:      firstRelease,
		RestartDelay: restartDelay,
		Log:          io.Discard,
		Patterns:     c.Services[0].Logs,
	})
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("making a socket for the demo's rollback: %w", err)
	}
	daemon, err := app.NewDaemon(app.ServeOptions{
		Config:          c,
		Load:            load,
		Log:             o.Log,
		Build:           o.Build,
		ListenAddresses: o.ListenAddresses,
		WebConfigFile:   o.WebConfigFile,
		Watcher:         supervisor,
	})
	if err != nil {
		listener.Close()
		return nil, err
	}
	out := &screen{to: o.Out}
	daemon.Store().Subscribe(out.tell)
	s := &stage{
		out: out, supervisor: supervisor, daemon: daemon, policy: c.Services[0].Verification, backend: backend, socket: listener, releases: 1,
	}
	s.good.Store(firstRelease)
	return s, nil
}

// configuration is the four built-in checks, all of them often, and releases that are verified as usual, in less time.
func configuration(backend, tokenFile string, rollback []string) (*config.Config, error) {
	command, err := json.Marshal(rollback) // YAML reads it as well
	if err != nil {
		return nil, err
	}
	return config.Parse("demo.yml", fmt.Appendf(nil, `
defaults: {schedule: "@every %s", timeout: %s}
services:
  - name: %s
    targets: [%q]
    units: [%s]
    credentials: {admin: {token_file: %q}}
    checks: [{use: health}, {use: auth, schedule: "@every %[1]s", min_interval: %[1]s}, {use: db-monitor}, {use: queue-status}]
    verification:
      settle_timeout: 8s
      window: 2s
      interval: 250ms
      on_failure: {command: %[7]s}
`, checkInterval, checkTimeout, serviceName, backend, unitName, tokenFile, command))
}

// awaitBackend waits until the backend listens, so that the story begins with everything well.
func (s *stage) awaitBackend(ctx context.Context) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for ctx.Err() == nil {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(s.backend, "http://")); err == nil {
			conn.Close()
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
		}
	}
}

// introduce says what there is to see and where.
func (s *stage) introduce() {
	page := "http://" + reachable(s.daemon.Addresses()[0])
	s.out.printf(`A backend with the four endpoints runs as a process of its own.
postflight probes it twice a second.

  status page  %s/
  metrics      %s/metrics
  backend      %s/health

`, page, page, s.backend)
}

// deploy starts another release by hand, as a deploy script would, and has it verified, and rolled back where it failed.
// It tells the verdicts.
func (s *stage) deploy(ctx context.Context, fault string) (verdict.Document, error) {
	s.releases++
	release := fmt.Sprintf("1.%d.0", s.releases-1)
	if err := s.supervisor.Deploy(ctx, release, fault); err != nil {
		return verdict.Document{}, err
	}
	doc, err := s.daemon.Verify(ctx, app.Deployment{
		Service:  serviceName,
		Release:  release,
		Policy:   s.policy,
		Progress: func(d verdict.Document) { s.out.printf("         verification of %s: %s\n", release, d.State) },
	})
	if err != nil {
		return verdict.Document{}, err
	}
	if doc.Verdict == verdict.Passed {
		s.good.Store(release)
	}
	s.out.printf("%s", indented(doc.Text()))
	if again, rolledBack := s.afterwards(doc); rolledBack {
		s.out.printf("\n%s", indented(again.Text()))
	}
	return doc, nil
}

// afterwards is the verification of a deployment's rollback, if there is one.
func (s *stage) afterwards(doc verdict.Document) (verdict.Document, bool) {
	for _, known := range s.daemon.Store().Snapshot(time.Now()).Services[0].Deployments.History {
		if known.ID == doc.Rollback.Verification {
			return known.Document, true
		}
	}
	return verdict.Document{}, false
}
