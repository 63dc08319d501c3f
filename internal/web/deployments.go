package web

import (
	"net/http"
	"time"

	"postflight/internal/hook"
	"postflight/internal/verdict"
)

const (
	// bodyLimit is how much a request may say.
	bodyLimit = 64 << 10
	// outputLimit is how much of a hook's output is kept, its end.
	outputLimit = 64 << 10
	// rollbackLimit has room for that output as JSON may write it: six bytes for one.
	rollbackLimit = 6*outputLimit + bodyLimit
)

// deployments lists those of a service, or of all.
func (a api) deployments(r *http.Request) (reply, error) {
	docs, err := a.Deployments.Deployments(r.URL.Query().Get("service"))
	if err != nil {
		return reply{}, err
	}
	told, fit := make([]verdict.Document, len(docs)), a.fit(r)
	for i, doc := range docs {
		told[i] = fit(doc)
	}
	return reply{status: http.StatusOK, body: map[string]any{"deployments": told}}, nil
}

func (a api) deployment(r *http.Request) (reply, error) {
	doc, err := a.Deployments.Deployment(r.PathValue("id"))
	return reply{status: http.StatusOK, body: a.fit(r)(doc)}, err
}

// announce takes up a deployment. One that is being verified already is answered as it stands.
func (a api) announce(r *http.Request) (reply, error) {
	announced, err := a.announcement(r)
	if err != nil {
		return reply{}, err
	}
	doc, known, err := a.Deployments.Announce(announced)
	status := http.StatusAccepted
	if known {
		status = http.StatusOK
	}
	return reply{status: status, location: placeOf(doc.ID), body: doc}, err
}

// pauseLimit is long enough for any maintenance, and short enough for one that was forgotten.
const pauseLimit = 7 * 24 * time.Hour

// pauseAnswer says until when a service is paused.
type pauseAnswer struct {
	Service     string    `json:"service"`
	PausedUntil time.Time `json:"paused_until,omitzero"`
}

func (a api) pause(r *http.Request) (reply, error) {
	body, err := readObject(r, bodyLimit)
	if err != nil {
		return reply{}, err
	}
	var length time.Duration
	if !body.has("for") {
		body.sayOf("for", `write how long to pause, such as "10m"; "0s" ends it`)
	}
	body.duration("for", &length, 0, pauseLimit)
	if err := body.problems(); err != nil {
		return reply{}, err
	}
	name := r.PathValue("name")
	until, err := a.Deployments.Pause(name, length)
	return reply{status: http.StatusOK, body: pauseAnswer{name, inUTC(until)}}, err
}

// rollback takes up what those tell who take a deployment back by themselves.
func (a api) rollback(r *http.Request) (reply, error) {
	body, err := readObject(r, rollbackLimit)
	if err != nil {
		return reply{}, err
	}
	var tell func(id string) (verdict.Document, error)
	switch body.text("state") {
	case "running":
		what := body.text("hook")
		tell = func(id string) (verdict.Document, error) { return a.Deployments.RollbackBegun(id, what) }
	case "ended":
		outcome := hook.Outcome{Problem: body.text("problem"), Output: lastOf(body.text("output"))}
		tell = func(id string) (verdict.Document, error) { return a.Deployments.RollbackEnded(id, outcome) }
	default:
		return reply{}, &refusal{http.StatusBadRequest, "", `state: write "running" when the rollback begins, and "ended" when it is over`}
	}
	if err := body.problems(); err != nil {
		return reply{}, err
	}
	doc, err := tell(r.PathValue("id"))
	return reply{status: http.StatusOK, body: doc}, err
}

// lastOf is the end of a long output.
func lastOf(output string) string { return output[max(0, len(output)-outputLimit):] }

func inUTC(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}
