package deployment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"postflight/internal/verdict"
)

// keptEvents is how many events of a verification are kept for those who follow it late.
const keptEvents = 1000

// timeline is what has been told of a verification, for those who follow it.
type timeline struct {
	mu     sync.Mutex // guards what follows
	events []Event    // the oldest first
	last   uint64     // id
	state  Event      // the last of its type
	over   bool
	more   chan struct{} // closed when something is added, or it is over
}

// newTimeline makes one whose ids come after this one.
func newTimeline(after uint64) *timeline {
	return &timeline{last: after, more: make(chan struct{})}
}

func (t *timeline) add(kind string, data any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	event := Event{ID: t.last, Type: kind, Data: asJSON(data)}
	if kind == "state" {
		t.state = event
	}
	if len(t.events) == keptEvents {
		t.events = slices.Delete(t.events, 0, keptEvents/10) // not one by one: each time all others are moved
	}
	t.events = append(t.events, event)
	t.wake()
}

// end tells that nothing more comes.
func (t *timeline) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.wake()
}

func (t *timeline) wake() {
	close(t.more)
	t.more = make(chan struct{})
}

// after gives the events after this one. Where some are no longer kept, the last state comes first.
func (t *timeline) after(id uint64) (events []Event, over bool, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _ := slices.BinarySearchFunc(t.events, id+1, func(e Event, id uint64) int {
		return int(int64(e.ID) - int64(id))
	})
	events = slices.Clone(t.events[i:])
	if first := t.events; len(first) > 0 && t.state.ID > id && t.state.ID < first[0].ID {
		events = slices.Insert(events, 0, t.state)
	}
	return events, t.over, t.more
}

// follow calls f with each event after this one, until nothing more comes, one of the contexts ends or f returns an error.
func (t *timeline) follow(ctx, life context.Context, id uint64, f func(Event) error) error {
	for {
		events, over, more := t.after(id)
		for _, event := range events {
			if err := f(event); err != nil {
				return err
			}
			id = event.ID
		}
		if over {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		case <-life.Done():
			return errStopping
		}
	}
}

// brief is a document without the causes' evidence.
func brief(doc verdict.Document) verdict.Document {
	doc.Causes = slices.Clone(doc.Causes)
	for i := range doc.Causes {
		doc.Causes[i].Evidence = []verdict.Evidence{}
	}
	return doc
}

func asJSON(data any) json.RawMessage {
	text, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("writing an event: %v", err)) // there is no value in it that JSON has no words for
	}
	return text
}
