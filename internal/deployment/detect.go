package deployment

import (
	"sync"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// inbox holds what the store told until the desk comes to it: the store must not wait, and must not be called meanwhile.
type inbox struct {
	came chan struct{}

	mu   sync.Mutex // guards what follows
	news []news
}

// news may be that of a deployment: a unit was started by hand, or another release was seen.
type news struct {
	service string
	release string // empty: a unit was started
	at      time.Time
}

func newInbox() *inbox { return &inbox{came: make(chan struct{}, 1)} }

func (i *inbox) put(n news) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.news = append(i.news, n)
	select {
	case i.came <- struct{}{}:
	default:
	}
}

func (i *inbox) take() []news {
	i.mu.Lock()
	defer i.mu.Unlock()
	taken := i.news
	i.news = nil
	return taken
}

// event takes up a start by hand. That the run became active is the earliest that is known of it: what it wrote since
// then is its own. As long as it has not, what systemd tells is when the run before became so.
func (i *inbox) event(e state.Event) {
	if e.Started != state.Manual {
		return
	}
	at := e.Result.End()
	if u := e.Unit.Last.Unit; u != nil && u.ActiveState == "active" && !u.ActiveEnter.IsZero() && u.ActiveEnter.Before(at) {
		at = u.ActiveEnter
	}
	i.put(news{service: e.Result.Key.Service, at: at})
}

func (i *inbox) release(service string, now, before state.Release) {
	i.put(news{service: service, release: now.Name, at: now.Since})
}

// detect begins the verification of a deployment that nobody announced, if this is one.
func (d *Desk) detect(n news) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rules, service, err := d.lookUp(n.service)
	if err != nil {
		return
	}
	now := time.Now()
	if c := d.running[n.service]; c != nil {
		d.look(c, now)
		if !c.over {
			d.identify(c, n, now)
			return
		}
		service, _ = d.service(n.service) // as it was decided
	}
	if rules.Detect != n.tells() || now.Sub(n.at) > rules.Policy.SettleTimeout || d.belongs(n, service, rules) {
		return
	}
	c := newCourse(Plan{Service: n.service, Source: verdict.Detected, Policy: rules.Policy, Start: n.at}, rules, false)
	if c.release, c.named = n.release, n.release != ""; !c.named {
		c.release = service.Release.Name
	}
	d.begin(c, now) // an error says that there is nothing to look at: then nothing can be said of it
}

func (n news) tells() Detect {
	if n.release != "" {
		return DetectRelease
	}
	return DetectRestart
}

// identify takes up which release a deployment brought, of which nobody said so.
func (d *Desk) identify(c *course, n news, now time.Time) {
	if n.release != "" && !c.named {
		c.release, c.named = n.release, true
		d.refresh(c, now)
	}
}

// belongs reports whether something new is of a deployment that is known, or of its rollback, or is none since the service
// is paused.
func (d *Desk) belongs(n news, service state.ServiceState, rules Rules) bool {
	settling := func(since time.Time) bool { return n.at.Sub(since) < rules.Policy.SettleTimeout }
	history := service.Deployments.History
	switch {
	case service.PausedUntil.After(n.at):
		return true
	case len(history) == 0:
		return false
	case supersededBy(n, history[0]):
		return false
	case settling(d.announced[n.service]):
		return true
	case n.release != "" && n.release == history[0].Release:
		return true
	}
	for _, known := range history {
		switch {
		case known.Source != verdict.Detected && known.RollbackOf == "" && settling(known.StartedAt):
			return true
		case !n.at.Before(known.StartedAt) && !inDocument(n.at).After(known.DecidedAt) && known.Reason != verdict.Superseded:
			return true // it was decided after that
		case known.Rollback.State == verdict.RollbackRunning, settling(known.Rollback.EndedAt):
			return true
		}
	}
	return false
}

// supersededBy reports whether this start came too late for the newest deployment, and ended its verification by that.
func supersededBy(n news, newest state.Deployment) bool {
	return n.release == "" && newest.Reason == verdict.Superseded && !newest.DecidedAt.Before(inDocument(n.at))
}
