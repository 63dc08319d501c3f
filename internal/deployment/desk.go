// Package deployment sees to it that each deployment is verified, and once: those that are announced, and those that it
// finds out about by itself. After a failed verdict it has the deployment taken back.
package deployment

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"postflight/internal/hook"
	"postflight/internal/state"
	"postflight/internal/verdict"
)

// Rules are what is configured of a service's deployments.
type Rules struct {
	Policy    verdict.Policy
	Detect    Detect
	OnFailure *hook.Hook // nil: nothing is run
}

// Detect says what is taken for a deployment that nobody announced.
type Detect string

// What there is to detect.
const (
	DetectRestart Detect = "restart" // the unit is started by hand
	DetectRelease Detect = "release" // another release is seen
	DetectOff     Detect = "off"
)

// Options is what a Desk works with.
type Options struct {
	Store *state.Store
	// Rules are a service's; false: there is no such service. They may change at any time.
	Rules func(service string) (Rules, bool)
	// Begin begins to look at a service for a verification: more often than else, and all that is seen is folded into it
	// until End. An error says why the plan cannot be verified.
	Begin func(Plan) (*Verification, error)
	End   func(*Verification)
	// Kept has what was folded written to the disk before it returns, where it is kept at all.
	Kept func()
	// Tell is told each time that a verification or its rollback comes into another state. It must be quick.
	Tell       func(verdict.Document)
	BusAddress string
}

// Plan is what the desk knows of a verification; what there is to look at, the one who begins it knows.
type Plan struct {
	ID         string
	Service    string
	Release    string
	Source     verdict.Source
	Policy     verdict.Policy
	Start      time.Time
	RollbackOf string
	Resumed    *state.Deployment // it is taken up again after postflight was stopped; nil: it is new
}

// Announcement is the news of a deployment.
type Announcement struct {
	Service  string
	Release  string // empty: the one that is known of, if one is
	Source   verdict.Source
	Policy   *verdict.Policy // nil: as configured
	SkipHook bool            // who announces it takes it back by themselves where it fails
}

// Errors of Announce, Pause and the rollback's reports.
var (
	ErrUnknownService    = errors.New("there is no such service")
	ErrUnknownDeployment = errors.New("there is no such deployment")
	ErrConflict          = errors.New("conflict") // wrapped, with the reason: it is decided already, not failed, …
)

// Event is something new of a verification.
type Event struct {
	ID   uint64 // counts from 1 within the verification
	Type string // state, check, unit or verdict
	// Data is a verdict.Document of state and verdict, without the causes' evidence in the first; else a verdict.Check or
	// verdict.Unit.
	Data json.RawMessage
}

// Desk is where all deployments of all services come together. Its methods are safe for use by several goroutines.
type Desk struct{}

// New makes a Desk. It takes up what the store has restored once it is run.
func New(o Options) *Desk { return &Desk{} }

// Run sees to all that takes time, until ctx ends. Verifications that are still running then stay undecided, and are taken
// up by the next Run over the same state.
func (d *Desk) Run(ctx context.Context) error { return nil }

// Announce takes up a deployment and returns its verification. known: it was the one that runs already.
func (d *Desk) Announce(a Announcement) (doc verdict.Document, known bool, err error) {
	return verdict.Document{}, false, nil
}

// Deployment is how the one of this id stands.
func (d *Desk) Deployment(id string) (verdict.Document, error) { return verdict.Document{}, nil }

// Deployments are a service's, or all, the newest first.
func (d *Desk) Deployments(service string) ([]verdict.Document, error) { return nil, nil }

// Follow calls f with each event of a verification after the one of this id, from the beginning where that is 0, until the
// verdict has been told, ctx ends or f returns an error. Events that are no longer kept are left out, but for the last state.
func (d *Desk) Follow(ctx context.Context, id string, after uint64, f func(Event) error) error {
	return nil
}

// Pause keeps a service's verifications from deciding, for so long; 0 ends it.
func (d *Desk) Pause(service string, for_ time.Duration) (until time.Time, err error) {
	return time.Time{}, nil
}

// RollbackBegun takes up that who announced a failed deployment now takes it back.
func (d *Desk) RollbackBegun(id, what string) (verdict.Document, error) {
	return verdict.Document{}, nil
}

// RollbackEnded takes up what came of that. Where it did what it should the service is verified again.
func (d *Desk) RollbackEnded(id string, o hook.Outcome) (verdict.Document, error) {
	return verdict.Document{}, nil
}

// Verification is a verdict.Verification that others fold into while it is followed.
type Verification struct{}
