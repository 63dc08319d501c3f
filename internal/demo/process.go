package demo

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// order is a line that the supervisor writes to the backend's standard input. The first tells all; of later ones only
// the fault counts.
type order struct {
	Listen  string `json:"listen"`
	Release string `json:"release"`
	Key     []byte `json:"key"`
	Fault   string `json:"fault"`
}

// traceback is what Python says when a deployment has lost a module.
const traceback = `Traceback (most recent call last):
  File "/opt/app/venv/bin/uvicorn", line 8, in <module>
    sys.exit(main())
  File "/opt/app/backend/main.py", line 12, in <module>
    from auth import current_user
  File "/opt/app/backend/auth.py", line 5, in <module>
    import jwt
ModuleNotFoundError: No module named 'jwt'
`

// RunBackend is the whole life of a backend's process: it serves until its orders end, which they also do when the
// supervisor dies, and returns the exit code.
func RunBackend(orders io.Reader, log io.Writer) int {
	lines := json.NewDecoder(orders)
	var first order
	if err := lines.Decode(&first); err != nil {
		fmt.Fprintf(log, "ERROR:    reading the first order: %v\n", err)
		return 2
	}
	if first.Fault == Crash {
		fmt.Fprint(log, traceback)
		return 1
	}
	fmt.Fprintf(log, "INFO:     Started server process [%d]\n", os.Getpid())
	listener, err := net.Listen("tcp", first.Listen)
	if err != nil {
		fmt.Fprintf(log, "ERROR:    error while attempting to bind on address %s: %v\n", first.Listen, err)
		return 1
	}
	b := newBackend(first.Key, rand.Text(), first.Fault)
	server := &http.Server{Handler: b.routes(), ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintf(log, "ERROR:    serving: %v\n", err)
		}
	})
	defer serving.Wait()
	defer server.Close()
	fmt.Fprintf(log, "INFO:     Application startup complete, release %s on http://%s\n", first.Release, listener.Addr())
	return b.obey(lines, log)
}

// obey changes the fault as told, and returns the exit code when there is nothing more to do.
func (b *backend) obey(lines *json.Decoder, log io.Writer) int {
	for {
		var next order
		if err := lines.Decode(&next); err != nil {
			return 0
		}
		if next.Fault == Crash {
			fmt.Fprint(log, traceback)
			return 1
		}
		b.fault.Store(next.Fault)
		fmt.Fprintf(log, "INFO:     fault: %s\n", next.Fault)
	}
}
