package deployment

import (
	"errors"
	"time"

	"postflight/internal/verdict"
)

// Pause keeps a service's verifications from deciding, for so long; 0 ends it. That it is over by itself, the store knows.
func (d *Desk) Pause(service string, for_ time.Duration) (until time.Time, err error) {
	if for_ < 0 {
		return time.Time{}, errors.New("a pause lasts some time; 0 ends it")
	}
	d.begun.Do(d.takeUp)
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, _, err := d.lookUp(service); err != nil {
		return time.Time{}, err
	}
	now := time.Now()
	if for_ > 0 {
		until = now.Add(for_)
	}
	d.o.Store.FoldPause(service, until)
	if c := d.running[service]; c != nil && for_ > 0 {
		d.abandon(c, verdict.Paused, now)
	}
	return until, nil
}
