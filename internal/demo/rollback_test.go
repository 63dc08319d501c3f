package demo_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"postflight/internal/demo"
)

func TestARollbackThatBringsNothingBackFails(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "rollback.sock")
	fails := func(why string) {
		t.Helper()
		var out strings.Builder
		if code := demo.RunRollback(socket, &out); code != 1 || !strings.Contains(out.String(), why) {
			t.Errorf("exit code %d, want 1 and %q: %s", code, why, &out)
		}
	}
	fails("asking the demo: ")

	over, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if conn, err := over.Accept(); err == nil {
			conn.Close()
		}
	}()
	fails("brought nothing back")
	<-answered
}
