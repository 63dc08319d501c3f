// Package web serves what people and machines ask for over HTTP: the status page, the metrics, and whether postflight
// itself is alive and ready. The API tells of all of that and of deployments, and those who may announce one over it, pause
// a service, or have the configuration reloaded.
package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/state"
)

// Options says what to serve.
type Options struct {
	Store   *state.Store
	Metrics http.Handler
	Version string
	Started time.Time // of the program: it is ready some time after that, whatever has not run

	// Reload reads the configuration again and puts it into effect, or changes nothing and says all that is wrong, a line
	// each. It may be called by several goroutines at a time. nil: there is no such route.
	Reload func(context.Context) error
	// Token has the token that is wanted of those who change something. It is asked each time, so that a new one counts at
	// once. Its error is told to anybody, so it must not hold the token. nil: nobody may, but those who are Trusted.
	Token func() (string, error)

	// Deployments answers what is asked of deployments; nil: there are no such routes. A stream of events lasts as long as its
	// Follow does: a server that is to stop at once needs that ended.
	Deployments Deployments
	// Rules are a service's, as the Deployments have them.
	Rules func(service string) (deployment.Rules, bool)
}

// readyAfter is how long to wait for the first look at all checks and units. A target that hangs must not keep
// postflight from being ready for ever.
const readyAfter = 30 * time.Second

// Handler serves all routes.
func Handler(options Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", newPage(options))
	mux.Handle("GET /metrics", options.Metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		options.Store.Snapshot(time.Now()) // whatever is stuck, is stuck there: then there is no answer
		answer(w, http.StatusOK, "postflight is alive.\n")
	})
	var ready atomic.Bool // who has been told so relies on it: what a reload adds does not take it back
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now()
		waiting := awaited(options.Store.Snapshot(now))
		if len(waiting) > 0 && now.Sub(options.Started) < readyAfter && !ready.Load() {
			answer(w, http.StatusServiceUnavailable, notReady(waiting))
			return
		}
		ready.Store(true)
		answer(w, http.StatusOK, "postflight is ready.\n")
	})
	if options.Reload != nil {
		mux.Handle("POST /-/reload", reload(options))
	}
	api{options}.register(mux)
	return harmless(inJSON(mux))
}

// harmless forbids browsers to make more of an answer than it says it is.
func harmless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

// awaited are the checks that have not run, the units that have not been told of, and the target lists that have not been
// read. What is out of reach has been.
func awaited(snapshot *state.Snapshot) []string {
	var names []string
	for _, service := range snapshot.Services {
		if unread(service) {
			names = append(names, service.Name+": its target lists")
		}
		for _, c := range service.Checks {
			if !c.HasRun() {
				names = append(names, fmt.Sprintf("%s: %s of %s", service.Name, c.Check.Key.Check, c.Check.Key.Target))
			}
		}
		for _, u := range service.Units {
			if !u.HasRun() {
				names = append(names, service.Name+": "+u.Key.Unit)
			}
		}
	}
	return names
}

// notReady names what is awaited, the first of it if it is much.
func notReady(names []string) string {
	const most = 20
	text := fmt.Sprintf("postflight is not ready: %d of its checks and units have not been looked at yet.\n", len(names))
	if more := len(names) - most; more > 0 {
		names = append(names[:most:most], fmt.Sprintf("… and %d more", more))
	}
	return text + strings.Join(names, "\n") + "\n"
}
