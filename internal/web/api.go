package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/hook"
	"postflight/internal/verdict"
)

// Deployments is what the API asks of a deployment.Desk.
type Deployments interface {
	Announce(a deployment.Announcement) (doc verdict.Document, known bool, err error)
	Deployment(id string) (verdict.Document, error)
	Deployments(service string) ([]verdict.Document, error)
	Follow(ctx context.Context, id string, after uint64, f func(deployment.Event) error) error
	Pause(service string, for_ time.Duration) (until time.Time, err error)
	RollbackBegun(id, what string) (verdict.Document, error)
	RollbackEnded(id string, o hook.Outcome) (verdict.Document, error)
}

// api serves what is below /api/v1/.
type api struct{ Options }

func (a api) register(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/status", endpoint(a.status))
	if a.Deployments == nil {
		return
	}
	mux.Handle("GET /api/v1/deployments", endpoint(a.deployments))
	mux.Handle("POST /api/v1/deployments", a.changing(a.announce))
	mux.Handle("GET /api/v1/deployments/{id}", endpoint(a.deployment))
	mux.HandleFunc("GET /api/v1/deployments/{id}/events", a.events)
	mux.Handle("POST /api/v1/deployments/{id}/rollback", a.changing(a.rollback))
	mux.Handle("POST /api/v1/services/{name}/pause", a.changing(a.pause))
}

// endpoint answers a request with JSON, be it an error.
type endpoint func(*http.Request) (reply, error)

// reply is what is answered where nothing is wrong.
type reply struct {
	status   int
	location string // of what was made; empty: nothing was
	body     any
}

// ServeHTTP answers.
func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answered, err := e(r)
	if err != nil {
		answerError(w, err)
		return
	}
	if answered.location != "" {
		w.Header().Set("Location", answered.location)
	}
	answerJSON(w, answered.status, answered.body)
}

// changing is an endpoint for those who may change something.
func (a api) changing(e endpoint) endpoint {
	return func(r *http.Request) (reply, error) {
		if refused := refuse(r, a.Token); refused != nil {
			return reply{}, refused
		}
		return e(r)
	}
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		status = http.StatusInternalServerError
		text.Reset()
		text.WriteString("{\"error\": \"writing the answer as JSON is not possible\"}\n")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // whom it cannot be written to has gone
}

// answerError tells what is wrong. What the desk does not do is refused because of how things are.
func answerError(w http.ResponseWriter, err error) {
	status := http.StatusConflict
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		status = refused.status
		if refused.challenge != "" {
			w.Header().Set("WWW-Authenticate", refused.challenge)
		}
	case errors.Is(err, deployment.ErrUnknownService), errors.Is(err, deployment.ErrUnknownDeployment):
		status = http.StatusNotFound
	}
	answerJSON(w, status, map[string]string{"error": err.Error()})
}

// inJSON has the routes below /api/ that there are not answered in JSON, too.
func inJSON(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			if none, pattern := mux.Handler(r); pattern == "" {
				none.ServeHTTP(&noRoute{ResponseWriter: w, request: r}, r)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// noRoute puts JSON in place of the text that goes with a status.
type noRoute struct {
	http.ResponseWriter
	request *http.Request
}

// WriteHeader answers all there is to say.
func (n *noRoute) WriteHeader(status int) {
	text := "there is no " + n.request.URL.Path + "; docs/api.md lists what there is"
	if allowed := n.Header().Get("Allow"); allowed != "" {
		text = n.request.URL.Path + " takes " + allowed + ", and not " + n.request.Method
	}
	answerJSON(n.ResponseWriter, status, map[string]string{"error": text})
}

// Write drops the text.
func (n *noRoute) Write(text []byte) (int, error) { return len(text), nil }

func placeOf(id string) string { return "/api/v1/deployments/" + url.PathEscape(id) }
