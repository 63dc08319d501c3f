package deployment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// Deployment is how the one of this id stands.
func (d *Desk) Deployment(id string) (verdict.Document, error) {
	d.begun.Do(d.takeUp)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.document(id)
}

func (d *Desk) document(id string) (verdict.Document, error) {
	c := d.courses[id]
	if c != nil {
		d.look(c, time.Now())
		if !c.over {
			return c.doc, nil
		}
	}
	kept, known := d.kept(id)
	switch {
	case known:
		return kept.Document, nil
	case c != nil: // its service is no longer configured
		return c.doc, nil
	default:
		return verdict.Document{}, fmt.Errorf("%w: %q", ErrUnknownDeployment, id)
	}
}

// kept is a deployment as the store has it.
func (d *Desk) kept(id string) (state.Deployment, bool) {
	for _, service := range d.o.Store.Snapshot(time.Now()).Services {
		for _, kept := range service.Deployments.History {
			if kept.ID == id {
				return kept, true
			}
		}
	}
	return state.Deployment{}, false
}

// Deployments are a service's, or all, the newest first.
func (d *Desk) Deployments(service string) ([]verdict.Document, error) {
	d.begun.Do(d.takeUp)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.running {
		d.look(c, time.Now())
	}
	docs, known := []verdict.Document{}, service == ""
	for _, s := range d.o.Store.Snapshot(time.Now()).Services {
		if service != "" && s.Name != service {
			continue
		}
		known = true
		for _, kept := range s.Deployments.History {
			if c := d.running[s.Name]; c != nil && c.plan.ID == kept.ID {
				kept.Document = c.doc
			}
			docs = append(docs, kept.Document)
		}
	}
	if !known {
		return nil, fmt.Errorf("%w: %q", ErrUnknownService, service)
	}
	slices.SortStableFunc(docs, func(a, b verdict.Document) int { return b.StartedAt.Compare(a.StartedAt) })
	return docs, nil
}

// Follow calls f with each event of a verification after the one of this id, from the beginning where that is 0, until the
// verdict has been told, ctx ends or f returns an error. Events that are no longer kept are left out, but for the last state.
func (d *Desk) Follow(ctx context.Context, id string, after uint64, f func(Event) error) error {
	d.begun.Do(d.takeUp)
	d.mu.Lock()
	told := (*timeline)(nil)
	if c := d.courses[id]; c != nil {
		told = c.timeline
	}
	doc, err := d.document(id)
	d.mu.Unlock()
	switch {
	case told != nil:
		return told.follow(ctx, d.life, after, f)
	case err != nil:
		return err
	}
	return verdictOnly(doc).follow(ctx, d.life, after, f)
}

// verdictOnly is what is told of a verification that was decided some time ago.
func verdictOnly(doc verdict.Document) *timeline {
	t := newTimeline(Plan{Start: doc.DecidedAt, Resumed: &state.Deployment{Document: doc}}.told())
	t.add("state", brief(doc))
	t.add("verdict", doc)
	t.end()
	return t
}

// Await returns how a deployment ended, once it is decided and a rollback is over. Where ctx or the desk ends first it is as
// it stands.
func (d *Desk) Await(ctx context.Context, id string) (verdict.Document, error) {
	d.begun.Do(d.takeUp)
	for {
		d.mu.Lock()
		turned := d.turned
		doc, err := d.document(id)
		d.mu.Unlock()
		if err != nil || doc.State.Decided() && doc.Rollback.State != verdict.RollbackRunning {
			return doc, err
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return doc, nil
		case <-d.life.Done():
			return doc, nil
		}
	}
}
