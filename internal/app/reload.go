package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/regular"
	"postflight/internal/state"
)

// Reload reads the configuration anew and makes it the one in effect, all of it or nothing: where anything is wrong
// everything stays as it was, and the error says what.
func (d *Daemon) Reload() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	defer d.notify(daemon.SdNotifyReady)
	for file := range d.files { // before they are read: what changes meanwhile is seen as a change
		d.files[file] = fingerprintOf(file)
	}
	c, err := d.loadAgain()
	now := time.Now()
	if err != nil {
		d.engine.store.FoldReload(state.Reload{Time: now, Problem: err.Error()})
		d.log.Error("reload refused, the configuration stays as it was", zap.Error(err))
		return err
	}
	d.engine.apply(c)
	d.follow(c)
	d.engine.store.FoldReload(state.Reload{Time: now, Successful: true})
	d.log.Info("configuration reloaded", zap.Int("services", len(c.Services)))
	return nil
}

// loadAgain reads the configuration, and refuses one that cannot take the place of the one in effect.
func (d *Daemon) loadAgain() (*config.Config, error) {
	for file := range d.files {
		if _, err := regular.Read(file, 0); errors.Is(err, regular.ErrOther) { // a pipe would block for ever
			return nil, fmt.Errorf("reading the configuration: %s: %w, so it cannot be read again; restart postflight, or name a regular file", file, err)
		}
	}
	c, err := d.load()
	if err == nil && c.NativeHistograms != d.nativeHistograms {
		err = errors.New("native_histograms cannot be changed while the daemon runs; restart it, or leave the key as it was")
	}
	return c, err
}

// follow notes which files the configuration depends on now, and what those hold that it did not depend on before.
func (d *Daemon) follow(c *config.Config) {
	files := map[string]fingerprint{}
	for _, file := range c.Files() {
		known, before := d.files[file]
		if !before {
			known = fingerprintOf(file)
		}
		files[file] = known
	}
	d.files = files
}

// followFiles reloads when a file that the configuration depends on holds something else than before.
func (d *Daemon) followFiles(ctx context.Context) error {
	again := time.NewTicker(polling)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.hangup:
		case <-again.C:
			if !d.filesChanged() {
				continue
			}
		}
		d.Reload() // what went wrong has been told
	}
}

func (d *Daemon) filesChanged() bool {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	for file, known := range d.files {
		if fingerprintOf(file) != known {
			return true
		}
	}
	return false
}

// fingerprint tells apart what a file holds, or why it cannot be read.
type fingerprint [sha256.Size]byte

func fingerprintOf(file string) fingerprint {
	const most = 1 << 20 // what is larger is refused
	content, err := regular.Read(file, most)
	return sha256.Sum256(fmt.Appendf(content, "\x00%v", err))
}
