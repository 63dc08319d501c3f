package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postflight": main})
}

// TestCommands plays the scripts of testdata/script. They find backends at $HEALTHY, $DEGRADED and $BROKEN, nobody at
// $NOBODY, an address to listen on in $LISTEN, and one that is taken in $TAKEN.
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               backends,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"get": get},
	})
}

func backends(env *testscript.Env) error {
	for name, health := range map[string]string{
		"HEALTHY":  `{"status": "healthy", "service": "proxy"}`,
		"DEGRADED": `{"status": "degraded", "service": "proxy", "cache": {"status": "unhealthy"}}`,
		"BROKEN":   `<html>maintenance</html>`,
	} {
		server := httptest.NewServer(backend(health))
		env.Defer(server.Close)
		env.Setenv(name, server.URL)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { taken.Close() })
	env.Setenv("TAKEN", taken.Addr().String())
	env.Setenv("LISTEN", free())
	env.Setenv("NOBODY", "http://"+free())
	env.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+env.WorkDir+"/no-bus")
	return nil
}

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

// free is an address that nobody listens on.
func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get fetches a URL, again and again until it answers with status 200 and holds every one of the given texts. With a
// leading ! it wants the last answer to hold none of them.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: get URL [TEXT…]")
	}
	var last string
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-again.C {
		response, err := http.Get(args[0])
		if err != nil {
			last = err.Error()
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if last = string(body); err != nil || response.StatusCode != http.StatusOK {
			continue
		}
		if holds(last, args[1:], neg) {
			return
		}
	}
	ts.Fatalf("%s: not as wanted at last:\n%s", args[0], last)
}

func holds(text string, wanted []string, neg bool) bool {
	for _, w := range wanted {
		if strings.Contains(text, w) == neg {
			return false
		}
	}
	return true
}
