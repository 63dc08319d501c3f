package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// backend answers /health with a body, and everything else as a backend does that knows who is not allowed in.
func backend(health string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, health) })
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"detail": "token"}`)
	})
	return mux
}

// mendable is a backend that is healthy as long as there is a file named mended in a directory.
func mendable(directory string) http.Handler {
	healthy, broken := backend(`{"status": "healthy"}`), backend(`<html>maintenance</html>`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(filepath.Join(directory, "mended")); err != nil {
			broken.ServeHTTP(w, r)
			return
		}
		healthy.ServeHTTP(w, r)
	})
}

// What lets in at the secured backend.
const (
	operator, password = "ops", "s3cret-of-ops"
	sessionToken       = "token-of-a-session"
)

// secured is a backend as the built-in checks want it, with a login at /api/auth/login and an order book at /orders.
func secured() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", text(`{"status": "healthy", "version": "1.4.2"}`))
	mux.HandleFunc("GET /orders", text(`{"open": 12, "served": 77, "states": {"new": 3, "packed": 9}}`))
	mux.HandleFunc("GET /api/tasks/statistics", forSessions(`{"total": 1000}`))
	mux.HandleFunc("GET /api/tasks/db-monitor", forSessions(`{"runtime_seconds": 864.5, "sessions_created": 1203, "sessions_closed": 1201,
		"sessions_active": 2, "max_concurrent_sessions": 22, "avg_session_lifetime": 0.03, "error_count": 0, "long_sessions": 0, "potential_leaks": 0}`))
	mux.HandleFunc("GET /api/tasks/queue-status", forSessions(`{"queue_counts": {"queued": 1}, "user_concurrency": {}, "avg_wait_time_seconds": 0.5}`))
	mux.HandleFunc("POST /api/auth/login", func(w http.ResponseWriter, r *http.Request) {
		var shown struct{ Username, Password string }
		if err := json.NewDecoder(r.Body).Decode(&shown); err != nil || shown.Username != operator || shown.Password != password {
			http.Error(w, `{"detail": "wrong user or password"}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"access_token": %q}`, sessionToken)
	})
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		if user, pass, _ := r.BasicAuth(); user != operator || pass != password {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	return mux
}

func forSessions(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+sessionToken {
			http.Error(w, `{"detail": "token"}`, http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, body)
	}
}
