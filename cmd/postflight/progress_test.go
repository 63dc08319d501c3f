package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

func eventOf(t *testing.T, kind string, data any) deployment.Event {
	t.Helper()
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return deployment.Event{Type: kind, Data: text}
}

func TestALineForEachChange(t *testing.T) {
	t.Parallel()
	health := verdict.Check{Check: "health", Target: "http://h", Outcome: "pass", Runs: 1}
	failing := verdict.Check{Check: "health", Target: "http://h", Outcome: "fail", Reason: "status", Got: "500\x1b[2J\nok", Runs: 2}
	secret := verdict.Check{Check: "health", Target: "http://h", Outcome: "fail", Reason: "status", Runs: 3}
	unit := verdict.Unit{Unit: "shop.service", State: "active"}
	crashed := verdict.Unit{Unit: "shop.service", State: "activating", Restarts: 2}
	blind := verdict.Unit{Unit: "shop.service", State: "unobservable", Why: "no bus"}
	settling := verdict.Document{ID: "1", Service: "shop", State: verdict.Settling}
	failed := verdict.Document{ID: "1", Service: "shop", State: verdict.Failed, Causes: []verdict.Finding{{Cause: "crash_loop"}, {Cause: "slow"}}}
	rolledBack := failed
	rolledBack.Rollback = verdict.Rollback{State: verdict.RollbackRunning, Hook: "command ./back"}
	after := verdict.Document{ID: "2", Service: "shop", State: verdict.Settling, RollbackOf: "1"}
	blinded := verdict.Document{ID: "1", Service: "shop", State: verdict.Inconclusive, Reason: verdict.Blind}
	for _, row := range []struct {
		name   string
		events []deployment.Event
		want   []string
	}{
		{"a state, and once only", []deployment.Event{eventOf(t, "state", settling), eventOf(t, "state", settling)}, []string{"settling"}},
		{"a unit before the first state", []deployment.Event{eventOf(t, "unit", unit), eventOf(t, "state", settling)}, []string{"shop.service: active", "settling"}},
		{"a check", []deployment.Event{eventOf(t, "check", health), eventOf(t, "check", failing), eventOf(t, "check", secret)},
			[]string{"health of http://h: pass", "health of http://h: fail, status: 500 [2J ok", "health of http://h: fail, status"}},
		{"a unit", []deployment.Event{eventOf(t, "unit", crashed), eventOf(t, "unit", blind)},
			[]string{"shop.service: activating, automatic restarts: 2", "shop.service: unobservable: no bus"}},
		{"a verdict, that its state has told", []deployment.Event{eventOf(t, "state", failed), eventOf(t, "verdict", failed)}, []string{"failed, crash_loop"}},
		{"why there is none", []deployment.Event{eventOf(t, "verdict", blinded)}, []string{"inconclusive, blind"}},
		{"a rollback", []deployment.Event{eventOf(t, "verdict", failed), eventOf(t, "state", rolledBack), eventOf(t, "state", after)},
			[]string{"failed, crash_loop", "rollback by command ./back: running", "after the rollback: settling"}},
		{"a rollback at once", []deployment.Event{eventOf(t, "verdict", rolledBack)}, []string{"failed, crash_loop; rollback by command ./back: running"}},
		{"what a newer postflight tells", []deployment.Event{{Type: "weather", Data: json.RawMessage("{}")}, {Type: "state", Data: json.RawMessage("[]")}}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			var written bytes.Buffer
			shown := &lines{to: &written, service: "shop"}
			for _, e := range row.events {
				shown.tell(e)
			}
			shown.end()
			var got []string
			for line := range strings.Lines(written.String()) {
				_, news, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " shop: ")
				got = append(got, news)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPicture(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	doc := verdict.Document{
		ID: "1", Service: "shop", Release: "1.4.2", State: verdict.Settling, Until: now.Add(52 * time.Second),
		Checks: []verdict.Check{
			{Check: "health", Target: "http://h", Outcome: "pass", Runs: 3},
			{Check: "auth", Target: "http://h", Outcome: "fail", Reason: "auth_broken", Runs: 1},
			{Check: "page", Target: "http://h"},
		},
		Units: []verdict.Unit{{Unit: "shop.service", State: "active"}, {Unit: "work.service", State: "unobservable", Why: "no bus"}},
	}
	whole := []string{
		"shop 1.4.2: settling, at most 52s more",
		"  fail        auth  http://h  auth_broken",
		"  …           page  http://h",
		"  unobservable  work.service  no bus",
		"  pass        health  http://h",
		"  active      shop.service  automatic restarts: 0",
	}
	for _, row := range []struct {
		name          string
		change        func(*verdict.Document)
		width, height int
		want          []string
	}{
		{"what is not well comes first", nil, 80, 24, whole},
		{"as many lines as there are, but for the cursor's", nil, 80, 7, whole},
		{"a low terminal", nil, 80, 4, append(whole[:2:2], "  … and 4 more")},
		{"a narrow one", nil, 12, 3, []string{"shop 1.4.2:", "  … and 5 "}},
		{"the time to observe", func(d *verdict.Document) { d.State = verdict.Observing }, 80, 2, []string{"shop 1.4.2: observing, 52s more", "  … and 5 more"}},
		{"its end", func(d *verdict.Document) { d.State, d.Until = verdict.Observing, now }, 80, 2, []string{"shop 1.4.2: observing, waiting for the last answers", "  … and 5 more"}},
		{"a rollback", func(d *verdict.Document) {
			d.State, d.Rollback = verdict.Failed, verdict.Rollback{State: verdict.RollbackRunning, Hook: "command ./back"}
		}, 80, 2, []string{"shop 1.4.2: failed; rollback by command ./back: running", "  … and 5 more"}},
		{"wide characters", func(d *verdict.Document) { d.Release = "发布一号" }, 14, 2, []string{"shop 发布一号", "  … and 5 mo"}},
		{"a release that moves the cursor", func(d *verdict.Document) { d.Release = "1\x1b[2J" }, 80, 2, []string{"shop 1 [2J: settling, at most 52s more", "  … and 5 more"}},
		{"nothing is known", func(d *verdict.Document) { *d = verdict.Document{} }, 80, 24, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			doc := doc
			if row.change != nil {
				row.change(&doc)
			}
			if diff := cmp.Diff(row.want, picture(doc, now, row.width, row.height)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is painted takes the place of what was painted before, only where something has changed; in the end it is gone.
func TestScreen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var written terminal
		s := newScreen(&written, func() (width, height int) { return 80, 24 })
		painted := func(after time.Duration) string {
			time.Sleep(after)
			synctest.Wait()
			return written.take()
		}
		until := time.Now().Add(10 * time.Second)
		s.tell(eventOf(t, "state", verdict.Document{ID: "1", Service: "shop", State: verdict.Settling, Until: until}))
		for _, step := range []struct{ name, got, want string }{
			{"at first", painted(repaint), "\r\x1b[Jshop: settling, at most 10s more\n"},
			{"nothing new", painted(repaint), ""},
			{"time goes by", painted(time.Second), "\x1b[1A\r\x1b[Jshop: settling, at most 9s more\n"},
		} {
			if step.got != step.want {
				t.Errorf("%s: got %q, want %q", step.name, step.got, step.want)
			}
		}
		s.tell(eventOf(t, "check", verdict.Check{Check: "health", Target: "http://h", Outcome: "pass", Runs: 1}))
		if got, want := painted(repaint), "\x1b[1A\r\x1b[Jshop: settling, at most 8s more\n  pass        health  http://h\n"; got != want {
			t.Errorf("a check: got %q, want %q", got, want)
		}
		s.end()
		if got, want := painted(time.Minute), "\x1b[2A\r\x1b[J"; got != want {
			t.Errorf("in the end: got %q, want %q", got, want)
		}
	})
}

// terminal keeps what is written to it until it is taken.
type terminal struct {
	mu      sync.Mutex // guards written
	written bytes.Buffer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written.Write(p)
}

func (t *terminal) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.written.Reset()
	return t.written.String()
}
