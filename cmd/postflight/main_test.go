package main

import (
	"net"
	"net/http/httptest"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postflight": main})
}

// TestCommands plays the scripts of testdata/script. They find backends at $HEALTHY, $DEGRADED, $BROKEN and $SECURED,
// one at $MENDABLE that is broken until there is a file named mended, nobody at $NOBODY, addresses to listen on in $LISTEN and $ALSO, and one that is taken in $TAKEN.
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               backends,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"get": get, "post": post, "hangup": hangup, "await": await},
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
	server := httptest.NewServer(secured())
	env.Defer(server.Close)
	env.Setenv("SECURED", server.URL)
	mendable := httptest.NewServer(mendable(env.WorkDir))
	env.Defer(mendable.Close)
	env.Setenv("MENDABLE", mendable.URL)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { taken.Close() })
	env.Setenv("TAKEN", taken.Addr().String())
	env.Setenv("LISTEN", free())
	env.Setenv("ALSO", free())
	env.Setenv("NOBODY", "http://"+free())
	env.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+env.WorkDir+"/no-bus")
	return nil
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
