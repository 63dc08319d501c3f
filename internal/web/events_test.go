package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

// told are the events of a verification that failed.
func told(t *testing.T) []deployment.Event {
	t.Helper()
	begun, doc := failed(), failed()
	begun.State, begun.Verdict, begun.DecidedAt, begun.Causes, begun.Rollback = verdict.Settling, "", time.Time{}, []verdict.Finding{}, verdict.Rollback{State: verdict.NoRollback}
	var events []deployment.Event
	for i, e := range []struct {
		kind string
		data any
	}{{"state", begun}, {"check", doc.Checks[0]}, {"unit", doc.Units[0]}, {"verdict", doc}} {
		data, err := json.Marshal(e.data)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, deployment.Event{ID: uint64(i + 1), Type: e.kind, Data: data})
	}
	return events
}

// telling follows by telling events with a pause before each.
func telling(events []deployment.Event, pause time.Duration) func(context.Context, uint64, func(deployment.Event) error) error {
	return func(ctx context.Context, after uint64, f func(deployment.Event) error) error {
		for _, e := range events[min(after, uint64(len(events))):] {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := f(e); err != nil {
				return err
			}
		}
		return nil
	}
}

// silent follows what tells nothing until it is ended.
func silent(ctx context.Context, _ uint64, _ func(deployment.Event) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// ids are those of the events in a stream.
func ids(stream string) string {
	var found []string
	for line := range strings.Lines(stream) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			found = append(found, strings.TrimSpace(id))
		}
	}
	return strings.Join(found, " ")
}

func TestAStreamTellsAllEventsAndEndsAfterTheVerdict(t *testing.T) {
	d := newDesk()
	d.follow = telling(told(t), 0)
	w := request(t, apiOf(d, shop()), "GET", "/api/v1/deployments/d1/events", "", withToken)
	var want strings.Builder
	for i, e := range told(t) {
		want.WriteString("id: " + string(rune('1'+i)) + "\nevent: " + e.Type + "\ndata: " + string(e.Data) + "\n\n")
	}
	if w.Code != 200 || w.Body.String() != want.String() {
		t.Errorf("status %d:\n%s\nwant:\n%s", w.Code, w.Body, want.String())
	}
	for name, value := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "",
	} {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func TestAStreamGoesOnAfterTheLastEvent(t *testing.T) {
	for _, row := range []struct{ name, path, header, want string }{
		{"from the beginning", "", "Accept: text/event-stream", "1 2 3 4"},
		{"after the second", "", "Last-Event-ID: 2", "3 4"},
		{"as those ask who cannot send the header", "?last_event_id=2", "Accept: */*", "3 4"},
		{"the header, which a browser keeps up, goes first", "?last_event_id=1", "Last-Event-ID: 3", "4"},
		{"all has been told", "", "Last-Event-ID: 4", ""},
		{"more than has been told", "", "Last-Event-ID: 99", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk()
			d.follow = telling(told(t), 0)
			w := request(t, apiOf(d, shop()), "GET", "/api/v1/deployments/d1/events"+row.path, "", row.header)
			if got := ids(w.Body.String()); w.Code != 200 || got != row.want {
				t.Errorf("status %d, events %q, want %q", w.Code, got, row.want)
			}
		})
	}
}

// served is a server over connections within the bubble, such as the daemon makes them.
type served struct {
	*http.Server
	connections chan net.Conn
	closed      chan struct{}
}

func serve(t *testing.T, h http.Handler) *served {
	t.Helper()
	s := &served{
		Server:      &http.Server{Handler: h, ReadTimeout: 10 * time.Second},
		connections: make(chan net.Conn), closed: make(chan struct{}),
	}
	go s.Serve(s)
	t.Cleanup(func() { s.Server.Close() })
	return s
}

func (s *served) Accept() (net.Conn, error) {
	select {
	case c := <-s.connections:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *served) Addr() net.Addr { return &net.TCPAddr{} }

func (s *served) Close() error {
	close(s.closed)
	return nil
}

// open asks for the events of d1, and gives what comes.
func (s *served) open(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	s.connections <- server
	if _, err := io.WriteString(client, "GET /api/v1/deployments/d1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(client)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client, bufio.NewReader(response.Body)
}

func TestAStreamOutlastsTheTimeoutOfRequestsAndSaysThatItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.follow = telling(told(t), 40*time.Second)
		_, stream := serve(t, apiOf(d, shop())).open(t)
		begun := time.Now()
		all, err := io.ReadAll(stream)
		if err != nil || ids(string(all)) != "1 2 3 4" {
			t.Errorf("%v after %v:\n%s", err, time.Since(begun), all)
		}
		if n := strings.Count(string(all), ": still here\n\n"); n != 10 {
			t.Errorf("in %v it said %d times that it is there, want once in 15 s", time.Since(begun), n)
		}
	})
}

func TestAReaderThatHangsIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		d := newDesk()
		d.follow = func(ctx context.Context, _ uint64, f func(deployment.Event) error) error {
			var err error
			for err == nil {
				err = f(told(t)[1])
			}
			ended <- time.Now()
			return err
		}
		begun := time.Now()
		serve(t, apiOf(d, shop())).open(t) // and reads no more than the header
		if held := (<-ended).Sub(begun); held != 10*time.Second {
			t.Errorf("it held on for %v, want 10 s", held)
		}
	})
}

func TestAStreamEndsWhenTheReaderGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		d := newDesk()
		d.follow = func(ctx context.Context, after uint64, f func(deployment.Event) error) error {
			defer close(ended)
			return silent(ctx, after, f)
		}
		client, _ := serve(t, apiOf(d, shop())).open(t)
		client.Close()
		<-ended
	})
}

// TestAStreamEndsWholeAfterASilence: what a client has to wait for between two events does not cut off the end.
func TestAStreamEndsWholeAfterASilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.follow = func(ctx context.Context, _ uint64, f func(deployment.Event) error) error {
			err := f(told(t)[0])
			time.Sleep(14 * time.Second)
			return err
		}
		_, stream := serve(t, apiOf(d, shop())).open(t)
		if all, err := io.ReadAll(stream); err != nil || ids(string(all)) != "1" {
			t.Errorf("%v after %s", err, all)
		}
	})
}

func TestAServerStopsOnceTheDeskHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life, stop := context.WithCancel(t.Context())
		d := newDesk()
		d.follow = func(_ context.Context, after uint64, f func(deployment.Event) error) error {
			return silent(life, after, f)
		}
		server := serve(t, apiOf(d, shop()))
		_, stream := server.open(t)
		synctest.Wait()
		begun := time.Now()
		soon, enough := context.WithTimeout(t.Context(), time.Second)
		defer enough()
		var stopping sync.WaitGroup
		stopping.Go(func() {
			if err := server.Shutdown(soon); err != nil {
				t.Errorf("stopping took %v: %v", time.Since(begun), err)
			}
		})
		stop()
		if rest, err := io.ReadAll(stream); err != nil || len(rest) > 0 {
			t.Errorf("%v: %s", err, rest)
		}
		stopping.Wait()
	})
}
