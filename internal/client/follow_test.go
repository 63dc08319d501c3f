package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

// turn is what becomes of one connection to a daemon.
type turn struct {
	stream  string        // of events; empty: there is no stream
	stays   bool          // the stream does not end by itself
	stands  verdict.State // what is answered to who asks after it; empty: nobody answers
	refuses string        // what is answered instead
}

// scripted is a daemon that plays its turns one after the other, the last for ever.
type scripted struct {
	turns []turn
	n     int
	after []string // the last event's id that each stream was asked for
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	now := s.turns[min(s.n, len(s.turns)-1)]
	if strings.HasSuffix(r.URL.Path, "/events") {
		s.after = append(s.after, r.Header.Get("Last-Event-ID"))
		if now.stream == "" {
			return nil, errors.New("connection refused")
		}
		response := answerOf(http.StatusOK, now.stream)
		response.Header.Set("Content-Type", "text/event-stream")
		if now.stays {
			response.Body = staying(r.Context(), now.stream)
		}
		return response, nil
	}
	s.n++
	switch {
	case now.refuses != "":
		return answerOf(http.StatusNotFound, fmt.Sprintf(`{"error": %q}`, now.refuses)), nil
	case now.stands == "":
		return nil, errors.New("connection refused")
	default:
		return answerOf(http.StatusOK, standing(now.stands)), nil
	}
}

func answerOf(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// staying is a body that says nothing more, and ends with the request.
func staying(ctx context.Context, said string) io.ReadCloser {
	from, to := io.Pipe()
	go func() {
		_, _ = io.WriteString(to, said)
		<-ctx.Done()
		to.CloseWithError(ctx.Err())
	}()
	return from
}

// standing is a document in a state.
func standing(s verdict.State) string {
	doc := verdict.Document{ID: "01", State: s}
	if s.Decided() {
		doc.Verdict = s
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func event(id int, kind, data string) string {
	return fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", id, kind, data)
}

var (
	settling  = event(1, "state", standing(verdict.Settling))
	health    = event(2, "check", `{"check": "health"}`)
	observing = event(3, "state", standing(verdict.Observing))
	passed    = event(4, "verdict", standing(verdict.Passed))
)

func TestFollow(t *testing.T) {
	for _, row := range []struct {
		name  string
		turns []turn
		want  verdict.State // empty: an error
		told  []string
		after []string
		takes time.Duration
		err   string
	}{
		{"from the beginning to the verdict", []turn{{stream: settling + health + observing + passed}},
			verdict.Passed, []string{"1 state", "2 check", "3 state", "4 verdict"}, []string{""}, 0, ""},
		{"a connection that is lost is taken up after the last event", []turn{{stream: settling + health, stands: verdict.Settling}, {stream: observing + passed}},
			verdict.Passed, []string{"1 state", "2 check", "3 state", "4 verdict"}, []string{"", "2"}, soon, ""},
		{"an event that is cut off comes again", []turn{{stream: settling + health[:12], stands: verdict.Settling}, {stream: health + passed}},
			verdict.Passed, []string{"1 state", "2 check", "4 verdict"}, []string{"", "1"}, soon, ""},
		{"what is no event ends the stream", []turn{{stream: settling + "data: {\n\n" + passed, stands: verdict.Settling}, {stream: passed}},
			verdict.Passed, []string{"1 state", "4 verdict"}, []string{"", "1"}, soon, ""},
		{"a daemon that is started again", []turn{{stream: settling}, {}, {}, {stream: observing, stands: verdict.Observing}, {stream: passed}},
			verdict.Passed, []string{"1 state", "3 state", "4 verdict"}, []string{"", "1", "1", "1", "3"}, (1 + 2 + 4 + 1) * soon, ""},
		{"a verdict that no stream told", []turn{{stream: settling, stands: verdict.Failed}},
			verdict.Failed, []string{"1 state", "1 verdict"}, []string{""}, 0, ""},
		{"a proxy that holds streams back", []turn{{stream: ": \n", stays: true, stands: verdict.Observing}, {stream: ": \n", stays: true, stands: verdict.Passed}},
			verdict.Passed, []string{"0 verdict"}, []string{"", ""}, 2*silence + soon, ""},
		{"no streams at all", []turn{{stands: verdict.Settling}, {stands: verdict.Observing}, {stands: verdict.Inconclusive}},
			verdict.Inconclusive, []string{"0 verdict"}, []string{"", "", ""}, 3 * soon, ""},
		{"a daemon that has forgotten it", []turn{{stream: settling}, {refuses: "there is no such deployment"}},
			"", []string{"1 state"}, []string{"", "1"}, soon, "http://daemon refuses: there is no such deployment"},
		{"a daemon that is gone", []turn{{stream: settling}, {}},
			"", []string{"1 state"}, nil, patience + 1300*time.Millisecond, "lost for 2m1s: asking http://daemon: connection refused"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{turns: row.turns}
				c := open(t, "http://daemon", "")
				c.http.Transport = s
				var told []string
				began := time.Now()
				doc, err := c.Follow(t.Context(), verdict.Document{ID: "01"}, func(e deployment.Event) {
					told = append(told, fmt.Sprint(e.ID, " ", e.Type))
				})
				if doc.State != row.want || textOf(err) != row.err {
					t.Errorf("got %q, %v; want %q, %s", doc.State, err, row.want, row.err)
				}
				if diff := cmp.Diff(row.told, told); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(row.after, s.after); row.after != nil && diff != "" {
					t.Error(diff)
				}
				if took := time.Since(began); took != row.takes {
					t.Errorf("took %v, want %v", took, row.takes)
				}
			})
		})
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Nothing is late as long as the verification would still be in the same state.
func TestADaemonThatIsAwayForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "http://daemon", "")
		c.http.Transport = &scripted{turns: []turn{{}}}
		until := time.Now().Add(10 * time.Minute)
		_, err := c.Follow(t.Context(), verdict.Document{ID: "01", Until: until}, func(deployment.Event) {})
		if late := time.Since(until); err == nil || late < patience || late > patience+2*seldom {
			t.Errorf("given up %v after %v, with %v", late, until, err)
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	for name, now := range map[string]turn{"in a stream": {stream: settling, stays: true}, "between two": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := open(t, "http://daemon", "")
				c.http.Transport = &scripted{turns: []turn{now}}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				began := time.Now()
				_, err := c.Follow(ctx, verdict.Document{ID: "01"}, func(deployment.Event) {})
				if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}
