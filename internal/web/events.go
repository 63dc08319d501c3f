package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

const (
	// keepAlive is how often a stream says that it is still there: proxies close what is silent for a minute.
	keepAlive = 15 * time.Second
	// stuck is how long a client may take to read one event.
	stuck = 10 * time.Second
)

// events streams the events of a verification until the verdict, as server-sent events, or until the client has gone or
// the desk is stopped.
func (a api) events(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	after, err := lastEvent(r)
	if err == nil {
		_, err = a.Deployments.Deployment(id)
	}
	if err != nil {
		answerError(w, err)
		return
	}
	s := newStream(w)
	if r.Method == http.MethodHead || s.flush() != nil {
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	events, followed := make(chan deployment.Event), make(chan struct{})
	go func() {
		defer close(followed)
		_ = a.Deployments.Follow(ctx, id, after, func(e deployment.Event) error { // however it ends, nothing more is to come
			select {
			case events <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	s.copy(ctx, events, followed, !a.knows(r))
	stop()
	<-followed
	s.wait() // for the end of the answer
}

// lastEvent is the id of the event after which to go on, 0 where the stream begins.
func lastEvent(r *http.Request) (uint64, error) {
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("last_event_id")
	}
	if last == "" {
		return 0, nil
	}
	id, err := strconv.ParseUint(last, 10, 64)
	if err != nil {
		return 0, &refusal{http.StatusBadRequest, "", "the last event's id is " + shown(last) + "; send the id of an event, which is a number, or none"}
	}
	return id, nil
}

// stream is an answer that is sent bit by bit.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must not wait for more
	w.WriteHeader(http.StatusOK)
	return &stream{w, http.NewResponseController(w)}
}

// copy sends events until there are no more, the client does not read them, or ctx ends.
func (s *stream) copy(ctx context.Context, events <-chan deployment.Event, followed <-chan struct{}, anybody bool) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		var err error
		select {
		case e := <-events:
			err = s.send(e, anybody)
		case <-alive.C:
			err = s.write(": still here\n\n")
		case <-followed:
			return
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (s *stream) send(e deployment.Event, anybody bool) error {
	data := e.Data
	if anybody {
		var err error
		if data, err = publicData(e); err != nil {
			return err
		}
	}
	return s.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data))
}

func (s *stream) write(text string) error {
	s.wait()
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.flush()
}

// wait gives the client time to read what is written next.
func (s *stream) wait() { _ = s.control.SetWriteDeadline(time.Now().Add(stuck)) }

func (s *stream) flush() error { return s.control.Flush() }

// publicData is an event's data as anybody may see it.
func publicData(e deployment.Event) (json.RawMessage, error) {
	switch e.Type {
	case "state", "verdict":
		return rewritten(e.Data, public)
	case "check":
		return rewritten(e.Data, publicCheck)
	case "unit":
		return e.Data, nil
	default:
		return nil, fmt.Errorf("an event of type %s", e.Type)
	}
}

func rewritten[T verdict.Document | verdict.Check](data json.RawMessage, f func(T) T) (json.RawMessage, error) {
	var t T
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, err
	}
	return json.Marshal(f(t))
}
