package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"postflight/internal/client"
	"postflight/internal/deployment"
	"postflight/internal/hook"
	"postflight/internal/verdict"
)

// distant is a verification that a daemon does, and this process follows.
type distant struct {
	ctx    context.Context // of the process
	client *client.Client
	shown  progress
}

// verifyAt has a daemon verify. Where the verdict is failed the hook runs here.
func (c verifyCommand) verifyAt(inv *invocation, server string, onFailure *hook.Hook) (verdict.Document, error) {
	at, err := client.New(client.Options{Server: server, TokenFile: c.TokenFile, Version: buildInfo().Version})
	if err != nil {
		return verdict.Document{}, usageError{fmt.Errorf("--server: %w", err)}
	}
	defer at.Close()
	service, err := serviceAt(inv.ctx, at, c.Service)
	if err != nil {
		return verdict.Document{}, err
	}
	doc, err := at.Announce(inv.ctx, client.Announcement{
		Service: service, Release: c.Release, Source: verdict.CLI, SkipHook: onFailure != nil, Policy: c.asTold(),
	})
	if err != nil {
		return verdict.Document{}, noVerdict(err)
	}
	d := distant{inv.ctx, at, newProgress(inv, service)}
	defer d.shown.end()
	doc = d.follow(doc)
	if doc.Verdict == verdict.Failed && onFailure != nil {
		doc = d.rollBack(*onFailure, doc)
	}
	return doc, nil
}

// serviceAt is the one that was named, or the only one that the daemon has.
func serviceAt(ctx context.Context, at *client.Client, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	names, err := at.Services(ctx)
	switch {
	case err != nil:
		return "", noVerdict(err)
	case len(names) == 0:
		return "", usageError{errors.New("the daemon has no service to verify")}
	case len(names) > 1:
		return "", notOne(names)
	}
	return names[0], nil
}

// noVerdict is what an error of the daemon's means to a script: what it refuses is wrong use, unless it is merely busy with
// something else.
func noVerdict(err error) error {
	if refused := asRefused(err); refused != nil && refused.Status != http.StatusConflict {
		return usageError{err}
	}
	return untoldError{err}
}

func asRefused(err error) *client.RefusedError {
	var refused *client.RefusedError
	errors.As(err, &refused)
	return refused
}

// asTold is the policy as a daemon is told of it.
func (p policy) asTold() client.Policy {
	return client.Policy{
		SettleTimeout: (*client.Duration)(p.SettleTimeout),
		Window:        (*client.Duration)(p.Window),
		Interval:      (*client.Duration)(p.Interval),
		Consecutive:   p.Consecutive,
		MaxRestarts:   p.MaxRestarts,
		MaxSlowdown:   p.MaxSlowdown,
	}
}

// follow shows a verification until its verdict. Where that cannot be waited for, this process has none: it is inconclusive.
func (d distant) follow(doc verdict.Document) verdict.Document {
	now := standing{doc}
	decided, err := d.client.Follow(d.ctx, doc, func(e deployment.Event) {
		now.take(e)
		d.shown.tell(e)
	})
	switch {
	case err == nil:
		return decided
	case d.ctx.Err() != nil:
		return left(now.doc, verdict.Interrupted, "the daemon goes on with it")
	default:
		return left(now.doc, verdict.Blind, "the daemon could no longer be followed: "+err.Error())
	}
}

// left is a verification as it stood when it was no longer followed.
func left(doc verdict.Document, reason verdict.Reason, why string) verdict.Document {
	doc.State, doc.Verdict, doc.Reason = verdict.Inconclusive, verdict.Inconclusive, reason
	doc.DecidedAt, doc.Until = time.Now().UTC().Truncate(time.Millisecond), time.Time{}
	doc.Notes = append(doc.Notes, fmt.Sprintf("%s, as verification %s", why, doc.ID))
	return doc
}

// rollBack runs the hook, and tells the daemon of it, which then verifies the service again. Where the daemon cannot be told
// it runs all the same; but not where another rollback has been begun.
func (d distant) rollBack(h hook.Hook, failed verdict.Document) verdict.Document {
	if asRefused(d.tellBegun(failed.ID, h)) != nil {
		if doc, err := d.client.Deployment(d.ctx, failed.ID); err == nil && doc.Rollback.State != verdict.NoRollback {
			doc.Notes = append(doc.Notes, "--on-failure was not run: another rollback had been begun")
			return doc
		}
	}
	failed.Rollback = verdict.Rollback{State: verdict.RollbackRunning, Hook: h.String(), StartedAt: time.Now().UTC().Truncate(time.Millisecond)}
	d.shown.tell(stateOf(failed))
	document, err := json.Marshal(failed)
	if err != nil {
		return untold(failed, hook.Outcome{}, err)
	}
	outcome := h.Run(d.ctx, hook.Options{Stdin: append(document, '\n'), Env: deployment.HookEnvironment(failed)})
	ended, err := d.tellEnd(failed.ID, outcome)
	if err != nil {
		return untold(failed, outcome, err)
	}
	if again := ended.Rollback.Verification; again != "" {
		d.follow(verdict.Document{ID: again})
		if after, err := d.client.Deployment(context.WithoutCancel(d.ctx), failed.ID); err == nil {
			return after
		}
	}
	return ended
}

// untold is a failed deployment whose rollback the daemon knows nothing of.
func untold(failed verdict.Document, outcome hook.Outcome, why error) verdict.Document {
	r := &failed.Rollback
	r.State, r.Problem, r.Output, r.EndedAt = verdict.RollbackFailed, outcome.Problem, outcome.Output, time.Now().UTC().Truncate(time.Millisecond)
	if r.Problem == "" {
		r.Problem = "the service was not verified afterwards, since the daemon could not be told: " + why.Error()
	}
	return failed
}

// tellBegun tells the daemon that the hook is about to run. It does not wait long for that.
func (d distant) tellBegun(id string, h hook.Hook) error {
	ctx, cancel := context.WithTimeout(d.ctx, attempt)
	defer cancel()
	_, err := d.client.RollbackBegun(ctx, id, h.String())
	return err
}

const (
	// telling is how long it is tried to tell the daemon that a rollback is over, pause how long is waited in between, and
	// attempt how long one of them may take.
	telling, pause, attempt = time.Minute, time.Second, 10 * time.Second
)

// tellEnd tells the daemon that the hook has ended. It does so, once, when this process is being stopped as well.
func (d distant) tellEnd(id string, outcome hook.Outcome) (verdict.Document, error) {
	enough, cancel := context.WithTimeout(d.ctx, telling)
	defer cancel()
	for {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), attempt)
		doc, err := d.client.RollbackEnded(ctx, id, outcome)
		cancel()
		if err == nil {
			return doc, nil
		}
		if asRefused(err) != nil { // unless it took it up before, and the answer was lost
			if doc, err := d.client.Deployment(d.ctx, id); err == nil && doc.Rollback.Verification != "" {
				return doc, nil
			}
			return doc, err
		}
		select {
		case <-time.After(pause):
		case <-enough.Done():
			return doc, err
		}
	}
}
