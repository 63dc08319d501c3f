// Package web serves what people and machines ask for over HTTP: the status page, the metrics, and whether postflight
// itself is alive and ready. Those who may can have it reload its configuration.
package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"postflight/internal/state"
	"postflight/probe"
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
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now()
		waiting := awaited(options.Store.Snapshot(now))
		if len(waiting) > 0 && now.Sub(options.Started) < readyAfter {
			answer(w, http.StatusServiceUnavailable, notReady(waiting))
			return
		}
		answer(w, http.StatusOK, "postflight is ready.\n")
	})
	if options.Reload != nil {
		mux.Handle("POST /-/reload", reload(options))
	}
	return harmless(mux)
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

// awaited are the checks that have not run and the units that have not been told of. One that is out of reach has been.
func awaited(snapshot *state.Snapshot) []probe.Key {
	var keys []probe.Key
	for _, service := range snapshot.Services {
		for _, c := range service.Checks {
			if !c.HasRun() {
				keys = append(keys, c.Check.Key)
			}
		}
		for _, u := range service.Units {
			if !u.HasRun() {
				keys = append(keys, u.Key)
			}
		}
	}
	return keys
}

// notReady names what is awaited, the first of it if it is much.
func notReady(keys []probe.Key) string {
	const most = 20
	var text strings.Builder
	fmt.Fprintf(&text, "postflight is not ready: %d of its checks and units have not been looked at yet.\n", len(keys))
	for i, key := range keys {
		switch {
		case i == most:
			fmt.Fprintf(&text, "… and %d more\n", len(keys)-most)
			return text.String()
		case key.Unit != "":
			fmt.Fprintf(&text, "%s: %s\n", key.Service, key.Unit)
		default:
			fmt.Fprintf(&text, "%s: %s of %s\n", key.Service, key.Check, key.Target)
		}
	}
	return text.String()
}
