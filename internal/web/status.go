package web

import (
	"net/http"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// statusAnswer is what is known of all services at one moment.
type statusAnswer struct {
	Time     time.Time       `json:"time"`
	Services []serviceStatus `json:"services"`
}

type serviceStatus struct {
	Name        string            `json:"name"`
	Release     string            `json:"release"` // empty where it is not known
	PausedUntil time.Time         `json:"paused_until,omitzero"`
	Notes       []string          `json:"notes"` // what else is not as it should be, such as a target list that cannot be read
	Checks      []checkStatus     `json:"checks"`
	Units       []unitStatus      `json:"units"`
	Deployment  *verdict.Document `json:"deployment"` // the newest; null where there was none
}

type checkStatus struct {
	Check    string    `json:"check"`
	Target   string    `json:"target"`
	Critical bool      `json:"critical"`
	Outcome  string    `json:"outcome"` // empty until it has run, as is all below
	Reason   string    `json:"reason"`
	Wanted   string    `json:"wanted"`
	Got      string    `json:"got"`
	LastRun  time.Time `json:"last_run,omitzero"`
}

type unitStatus struct {
	Unit         string  `json:"unit"`
	State        string  `json:"state"` // empty where it cannot be observed
	Restarts     uint64  `json:"restarts"`
	NRestarts    *uint32 `json:"nrestarts"` // null where it cannot be observed
	CrashLooping bool    `json:"crash_looping"`
	Observable   bool    `json:"observable"`
	Why          string  `json:"why"` // it cannot be observed
}

func (a api) status(r *http.Request) (reply, error) {
	snapshot, known := a.Store.Snapshot(time.Now()), a.knows(r)
	told := statusAnswer{Time: inUTC(snapshot.Time), Services: make([]serviceStatus, len(snapshot.Services))}
	for i, service := range snapshot.Services {
		told.Services[i] = statusOf(service, snapshot.Time)
		told.Services[i].Deployment = a.newest(service)
		if !known {
			told.Services[i].publish()
		}
	}
	return reply{status: http.StatusOK, body: told}, nil
}

func statusOf(service state.ServiceState, now time.Time) serviceStatus {
	told := serviceStatus{
		Name: service.Name, Release: service.Release.Name, PausedUntil: inUTC(pausedUntil(service, now)),
		Notes: []string{}, Checks: []checkStatus{}, Units: []unitStatus{},
	}
	for _, n := range notesOf(service) {
		told.Notes = append(told.Notes, n.Text)
	}
	for _, c := range service.Checks {
		told.Checks = append(told.Checks, statusOfCheck(c))
	}
	for _, u := range service.Units {
		told.Units = append(told.Units, statusOfUnit(u, now))
	}
	return told
}

// newest is a service's newest deployment, nil where there was none. One that is being verified is told as it stands now.
func (a api) newest(service state.ServiceState) *verdict.Document {
	history := service.Deployments.History
	if len(history) == 0 {
		return nil
	}
	doc := history[0].Document
	if a.Deployments != nil && !doc.State.Decided() {
		if now, err := a.Deployments.Deployment(doc.ID); err == nil {
			doc = now
		}
	}
	return &doc
}

func statusOfCheck(c *state.CheckState) checkStatus {
	told := checkStatus{Check: c.Check.Key.Check, Target: c.Check.Key.Target, Critical: c.Check.Critical}
	if c.HasRun() {
		told.Outcome, told.Reason = c.Last.Outcome.String(), string(c.Last.Reason)
		told.Wanted, told.Got, told.LastRun = c.Last.Wanted, c.Last.Got, inUTC(c.Last.End())
	}
	return told
}

func statusOfUnit(u *state.UnitState, now time.Time) unitStatus {
	told := unitStatus{
		Unit: u.Key.Unit, State: u.State(), Restarts: u.Restarts, CrashLooping: u.CrashLooping(now), Observable: u.Observable(),
	}
	switch {
	case told.Observable:
		told.NRestarts = &u.Last.Unit.NRestarts
	case u.HasRun():
		told.Why = u.Last.Got
	default:
		told.Why = "it has not been looked at yet"
	}
	return told
}

// pausedUntil is zero where a service is not paused, or no longer.
func pausedUntil(service state.ServiceState, now time.Time) time.Time {
	if service.PausedUntil.After(now) {
		return service.PausedUntil
	}
	return time.Time{}
}

// publish leaves out what backends, logs and hooks said.
func (s *serviceStatus) publish() {
	for i := range s.Checks {
		s.Checks[i].Got = ""
	}
	if s.Deployment != nil {
		doc := public(*s.Deployment)
		s.Deployment = &doc
	}
}
