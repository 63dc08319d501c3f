package app

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// keepSystemdInformed tells the service manager, where there is one, that the daemon is ready, that it is alive as
// often as the watchdog wants to hear it, and at the end that it stops. See sd_notify(3).
//
// It is alive while its store can be asked: whatever is stuck, is stuck there.
func (d *Daemon) keepSystemdInformed(ctx context.Context) error {
	d.notify(daemon.SdNotifyReady)
	defer d.notify(daemon.SdNotifyStopping)
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		<-ctx.Done()
		return nil
	}
	beat := time.NewTicker(interval / 2)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-beat.C:
			d.engine.store.Snapshot(now)
			d.notify(daemon.SdNotifyWatchdog)
		}
	}
}

func (d *Daemon) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		d.log.Warn("service manager not notified", zap.String("state", state), zap.Error(err))
	}
}
