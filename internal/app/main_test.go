package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"postflight/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is a server with the four endpoints, whose health is as given; it lets nobody else in.
func backend(t *testing.T, health http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func healthy(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status": "healthy"}`) }

func parse(t *testing.T, format string, args ...any) *config.Config {
	t.Helper()
	c, err := config.Parse("postflight.yml", fmt.Appendf(nil, format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
