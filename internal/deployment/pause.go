package deployment

import (
	"errors"
	"time"

	"postflight/internal/verdict"
)

// Pause keeps a service's verifications from deciding, for so long; 0 ends it.
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
	select {
	case d.repaused <- struct{}{}:
	default:
	}
	return until, nil
}

// endPauses ends those that are over, and returns how long it is until the next one is.
func (d *Desk) endPauses(now time.Time) time.Duration {
	const never = time.Hour // that there is none may be looked at again then
	next := never
	for _, service := range d.o.Store.Snapshot(now).Services {
		switch until := service.PausedUntil; {
		case until.IsZero():
		case until.After(now):
			next = min(next, until.Sub(now))
		default:
			d.o.Store.FoldPause(service.Name, time.Time{})
		}
	}
	return next
}
