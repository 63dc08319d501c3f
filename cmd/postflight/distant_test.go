package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postflight/internal/verdict"
)

// The rollback of a failed deployment runs once, whatever the daemon makes of the news.
func TestRollbacksThatTheDaemonDoesNotTakeUp(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		answers map[string]int   // to the news of a rollback, by its state
		knows   verdict.Rollback // what it says when it is asked
		runs    bool
		says    []string
	}{
		{"nobody answers behind a proxy", map[string]int{"running": 502, "ended": 404}, verdict.Rollback{State: verdict.NoRollback}, true,
			[]string{"rollback: failed, command ", "the service was not verified afterwards, since the daemon could not be told"}},
		{"it is being stopped", map[string]int{"running": 409, "ended": 409}, verdict.Rollback{State: verdict.NoRollback}, true,
			[]string{"rollback: failed, command ", "the service was not verified afterwards, since the daemon could not be told"}},
		{"it was stopped meanwhile", map[string]int{"running": 200, "ended": 409}, verdict.Rollback{State: verdict.RollbackInterrupted}, true,
			[]string{"rollback: failed, command ", "the service was not verified afterwards, since the daemon could not be told"}},
		{"its answer was lost", map[string]int{"running": 200, "ended": 409}, verdict.Rollback{State: verdict.RollbackSucceeded, Verification: "02"}, true,
			[]string{"rollback: succeeded"}},
		{"another one runs already", map[string]int{"running": 409}, verdict.Rollback{State: verdict.RollbackRunning}, false,
			[]string{"rollback: running", "note: --on-failure was not run: another rollback had been begun"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			failed := verdict.Document{ID: "01", Service: "shop", State: verdict.Failed, Verdict: verdict.Failed, Rollback: verdict.Rollback{State: verdict.NoRollback}}
			known := failed
			known.Rollback = row.knows
			mux := http.NewServeMux()
			answer := func(w http.ResponseWriter, status int, doc verdict.Document) {
				w.WriteHeader(status)
				if status == http.StatusConflict {
					fmt.Fprint(w, `{"error": "not now"}`)
					return
				}
				if err := write(w, "json", doc); err != nil {
					t.Error(err)
				}
			}
			mux.HandleFunc("POST /api/v1/deployments", func(w http.ResponseWriter, _ *http.Request) { answer(w, 202, failed) })
			mux.HandleFunc("GET /api/v1/deployments/01", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, known) })
			mux.HandleFunc("GET /api/v1/deployments/02", func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 200, verdict.Document{ID: "02", Service: "shop", State: verdict.Passed, Verdict: verdict.Passed, RollbackOf: "01"})
			})
			mux.HandleFunc("POST /api/v1/deployments/01/rollback", func(w http.ResponseWriter, r *http.Request) {
				var news bytes.Buffer
				if _, err := news.ReadFrom(r.Body); err != nil {
					t.Error(err)
				}
				state, _, _ := strings.Cut(strings.TrimPrefix(news.String(), `{"state":"`), `"`)
				answer(w, row.answers[state], known)
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			ran := filepath.Join(t.TempDir(), "ran")
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"verify", "--server", server.URL, "--service", "shop", "--on-failure", "/bin/sh", "--", "-c", "echo run >>" + ran},
				strings.NewReader(""), &stdout, &stderr, os.Getenv)
			if code != exitFailed {
				t.Errorf("code %d, want %d", code, exitFailed)
			}
			for _, want := range row.says {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("%q is not said:\n%s%s", want, &stdout, &stderr)
				}
			}
			runs, err := os.ReadFile(ran)
			if got := err == nil && string(runs) == "run\n"; got != row.runs {
				t.Errorf("it ran: %v, want %v: %q", got, row.runs, runs)
			}
		})
	}
}
