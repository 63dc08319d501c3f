package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
)

const backendCommand = "backend"

// What the backend answers. See the built-in checks.
const (
	healthBody = `{"status": "healthy", "service": "proxy-accounting-backend",
 "timestamp": "2026-11-21T09:30:00.123456", "issues": null,
 "cache": {"status": "healthy", "message": "Redis运行正常", "fallback_mode": false, "performance_impact": null}}`
	statisticsBody = `{"total": 1000, "completed": 980}`
	databaseBody   = `{"runtime_seconds": 86412.5, "sessions_created": 120345, "sessions_closed": 120340,
 "sessions_active": 4, "max_concurrent_sessions": 22, "avg_session_lifetime": 0.0312,
 "sessions_per_second": 1.39, "error_count": 7, "long_sessions": 2, "potential_leaks": 0}`
	queueBody = `{"queue_counts": {"queued": 12, "processing": 3, "completed": 980, "failed": 5},
 "user_concurrency": {"17": 2, "42": 1}, "avg_wait_time_seconds": 8.75, "worker_id": "0b9a4c0e-6c0c-4a38-9f6e-0f2a4f3a2b11"}`
)

// adminToken is the one that the backend takes.
const adminToken = "an-administrators-token"

// serveBackend answers the four endpoints on all loopback addresses, until its standard input ends. /served tells how
// often /health was answered.
func serveBackend() error {
	listener, err := net.Listen("tcp4", "0.0.0.0:0") // 1000 targets are 1000 addresses of 127.0.0.0/8
	if err != nil {
		return err
	}
	var served atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		answer(w, healthBody)
	})
	mux.HandleFunc("GET /served", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, served.Load()) })
	for path, body := range map[string]string{
		"/api/tasks/statistics":   statisticsBody,
		"/api/tasks/db-monitor":   databaseBody,
		"/api/tasks/queue-status": queueBody,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+adminToken {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			answer(w, body)
		})
	}
	go http.Serve(listener, mux) // ends with the process
	ready(strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	return nil
}

func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, body)
}

// backend is the parent's view of it.
type backend struct {
	*child
	port string
}

func startBackend() (*backend, error) {
	c, err := startSelf(backendCommand)
	if err != nil {
		return nil, err
	}
	return &backend{c, c.first}, nil
}

// served is how many times /health has been answered.
func (b *backend) served() (int, error) {
	response, err := http.Get("http://127.0.0.1:" + b.port + "/served")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text))
}

// targetCount is over how many targets the load is spread.
const targetCount = 1000

// target is the base URL of one of them: an address of its own, and so a connection of its own.
func target(i int, port string) string {
	return fmt.Sprintf("http://127.1.%d.%d:%s", i/250, i%250+1, port)
}
