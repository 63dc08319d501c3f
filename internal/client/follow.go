package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

const (
	// patience is how long the daemon may be out of reach: one that is started again takes its verifications up. It counts
	// from when time would have ended the state that the verification was in: nothing is late before that.
	patience = 2 * time.Minute
	// silence is how long a stream may tell nothing before it is taken for lost. Asking anew harms nobody.
	silence = 30 * time.Second
	// soon and seldom are how long to wait between two attempts, at first and at most.
	soon, seldom = 100 * time.Millisecond, 5 * time.Second
)

// Follow calls f with each event of a verification until its verdict, and returns that. Where the connection is lost it is
// taken up again, after the last event that came. An error says why the verification can no longer be followed; the daemon
// goes on with it, if it can.
func (c *Client) Follow(ctx context.Context, doc verdict.Document, f func(deployment.Event)) (verdict.Document, error) {
	follower := follower{c: c, tell: f, doc: doc}
	lost, pause := time.Time{}, soon
	for {
		// A stream may end early, be held back by a proxy, or leave out what is no longer kept: how it stands is asked as well.
		told := follower.stream(ctx)
		if follower.doc.State.Decided() {
			return follower.doc, nil
		}
		err := follower.ask(ctx)
		if err == nil && follower.doc.State.Decided() {
			return follower.doc, nil
		}
		var refused *RefusedError
		switch {
		case ctx.Err() != nil:
			return verdict.Document{}, ctx.Err()
		case errors.As(err, &refused):
			return verdict.Document{}, err
		case told:
			lost, pause = time.Time{}, soon
		case err == nil:
			lost = time.Time{}
		case lost.IsZero():
			lost = time.Now()
		case time.Since(later(lost, follower.doc.Until)) > patience:
			return verdict.Document{}, fmt.Errorf("lost for %v: %w", time.Since(lost).Round(time.Second), err)
		}
		wait(ctx, pause)
		pause = min(2*pause, seldom)
	}
}

// follower follows one verification, over as many streams as it takes. It is for one goroutine.
type follower struct {
	c    *Client
	tell func(deployment.Event)
	doc  verdict.Document // as it stood when its state was told last
	last uint64           // the id of the last event
}

// ask asks how the verification stands, and tells it where it is decided.
func (f *follower) ask(ctx context.Context) error {
	doc, err := f.c.Deployment(ctx, f.doc.ID)
	if err != nil || !doc.State.Decided() {
		return err
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	f.doc = doc
	f.tell(deployment.Event{ID: f.last, Type: "verdict", Data: data})
	return nil
}

// stream tells the events of one stream until its end, or until it has been silent for too long. told: there were some.
func (f *follower) stream(ctx context.Context) (told bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := f.c.request(ctx, http.MethodGet, "api/v1/deployments/"+url.PathEscape(f.doc.ID)+"/events", nil)
	if err != nil {
		return false
	}
	request.Header.Set("Accept", "text/event-stream")
	if f.last > 0 {
		request.Header.Set("Last-Event-ID", strconv.FormatUint(f.last, 10))
	}
	response, err := f.c.http.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return false
	}
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	// Whatever ends it, a broken event as well: how the verification stands is asked next.
	_ = readMessages(heard{response.Body, quiet}, func(m message) error {
		err := f.take(m)
		told = told || err == nil
		return err
	})
	return told
}

// errDecided ends a stream whose last event has come.
var errDecided = errors.New("decided")

// take takes up a message.
func (f *follower) take(m message) error {
	event := deployment.Event{Type: m.event, Data: json.RawMessage(m.data)}
	if m.id != "" {
		id, err := strconv.ParseUint(m.id, 10, 64)
		if err != nil {
			return fmt.Errorf("the id of an event: %w", err)
		}
		event.ID, f.last = id, id
	}
	if !json.Valid(event.Data) {
		return errors.New("an event that is no JSON")
	}
	if event.Type == "state" || event.Type == "verdict" {
		var doc verdict.Document
		if err := json.Unmarshal(event.Data, &doc); err != nil {
			return err
		}
		f.doc = doc
	}
	f.tell(event)
	if f.doc.State.Decided() {
		return errDecided
	}
	return nil
}

// heard puts the alarm off each time that something comes.
type heard struct {
	from  io.Reader
	alarm *time.Timer
}

// Read reads.
func (h heard) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.alarm.Reset(silence)
	return n, err
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
