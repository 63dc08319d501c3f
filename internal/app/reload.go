package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/state"
)

// Reload reads the configuration anew and makes it the one in effect, all of it or nothing: where anything is wrong
// everything stays as it was, and the error says what.
func (d *Daemon) Reload() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	defer d.notify(daemon.SdNotifyReady)
	seen := digest(d.files) // before it is read: what changes meanwhile is seen as a change
	c, err := d.load()
	if err == nil && c.NativeHistograms != d.nativeHistograms {
		err = errors.New("native_histograms cannot be changed while the daemon runs; restart it, or leave the key as it was")
	}
	now := time.Now()
	if err != nil {
		d.seen = seen
		d.engine.store.FoldReload(state.Reload{Time: now, Problem: err.Error()})
		d.log.Error("reload refused, the configuration stays as it was", zap.Error(err))
		return err
	}
	d.engine.apply(c)
	d.take(c)
	d.engine.store.FoldReload(state.Reload{Time: now, Successful: true})
	d.log.Info("configuration reloaded", zap.Int("services", len(c.Services)))
	return nil
}

// take notes which files the configuration depends on, and what they hold.
func (d *Daemon) take(c *config.Config) {
	d.files = c.Files()
	d.seen = digest(d.files)
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
	return digest(d.files) != d.seen
}

// digest tells what files hold, or why they cannot be read. What is no regular file, such as a pipe, could be read only once.
func digest(files []string) [sha256.Size]byte {
	all := sha256.New()
	for _, name := range files {
		info, err := os.Stat(name)
		var content []byte
		if err == nil && info.Mode().IsRegular() {
			content, err = os.ReadFile(name)
		}
		fmt.Fprintf(all, "%s\x00%v\x00%d\x00", name, err, len(content))
		all.Write(content)
	}
	return [sha256.Size]byte(all.Sum(nil))
}
