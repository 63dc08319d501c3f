package deployment_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// A deployment is announced, and postflight is killed ten seconds later.
func TestAVerificationIsTakenUpAgain(t *testing.T) {
	for _, row := range []struct {
		name   string
		before func(h *host) // between the announcement and the kill
		gap    time.Duration
		after  func(h *host) // as soon as postflight runs again
		want   string
		note   bool
	}{
		{"at once", nil, time.Second, nil, "api 2 passed", true},
		{"after a minute", nil, time.Minute, nil, "api 2 passed", true},
		{"after longer than it would have taken", nil, 91 * time.Second, nil, "api 2 inconclusive interrupted", true},
		{"and nothing happened meanwhile", nil, time.Second,
			func(h *host) { h.read(proxy, "active", "") }, "api 2 passed", true},
		{"and the unit crashed meanwhile", nil, time.Second,
			func(h *host) { h.read(proxy, "active", state.Automatic) }, "api 2 failed", true},
		{"and the unit had crashed before", func(h *host) { h.read(proxy, "active", state.Automatic) }, time.Second,
			nil, "api 2 failed", false},
		{"and the unit was started by hand meanwhile", nil, time.Second,
			func(h *host) { h.read(proxy, "active", state.Manual) }, "api 2 passed", true},
		{"and the unit had been started by hand before, and crashed meanwhile", func(h *host) { h.start() }, time.Second,
			func(h *host) { h.read(proxy, "active", state.Automatic) }, "api 2 failed", true},
		{"and it fails now", nil, time.Second, func(h *host) { h.answers(probe.Fail) }, "api 2 failed", true},
		{"and it is announced again", nil, time.Second, func(h *host) { h.announce("2") }, "api 2 passed", true},
		{"and another one is announced", nil, time.Second, func(h *host) { h.announce("3") }, "api 2 inconclusive superseded; api 3 passed", true},
		{"once it was decided", func(h *host) { time.Sleep(time.Minute) }, time.Second, nil, "api 2 passed", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, deployment.Rules{Detect: deployment.DetectRestart})
				began := time.Now().UTC()
				id := h.announce("2")
				time.Sleep(time.Second)
				if row.before != nil {
					row.before(h)
				}
				time.Sleep(9 * time.Second)
				h.kill(row.gap)
				if row.after != nil {
					row.after(h)
				}
				for _, unit := range []probe.Key{proxy, worker} { // the first look of whoever watches units
					h.read(unit, "active", "")
				}
				h.settle()
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				doc, err := h.desk.Deployment(id)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(began, doc.StartedAt); diff != "" {
					t.Errorf("it began (-want +got):\n%s", diff)
				}
				if note := strings.Contains(strings.Join(doc.Notes, "\n"), "postflight did not look from 20"); note != row.note {
					t.Errorf("notes: %q", doc.Notes)
				}
				h.stop()
			})
		})
	}
}

// What was seen of a deployment, and what was known from before it, is not forgotten with postflight.
func TestATakenUpVerificationRemembers(t *testing.T) {
	lost := probe.Pattern{Name: "db-session-error", Severity: probe.SeverityError}
	for _, row := range []struct {
		name   string
		failed bool // before the deployment
		logs   func(at time.Time) []probe.Match
		want   string
	}{
		{"nothing", false, nil, "api 2 passed"},
		{"an error in the log", false, func(at time.Time) []probe.Match {
			return []probe.Match{{Pattern: lost.Name, Severity: lost.Severity, Time: at, Text: "session lost"}}
		}, "api 2 failed"},
		{"that the check failed before", true, nil, "api 2 inconclusive preexisting"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, deployment.Rules{}, lost)
				h.failed = row.failed
				if row.failed {
					h.answers(probe.Fail)
				}
				h.announce("2")
				time.Sleep(5 * time.Second)
				if row.logs != nil {
					now := time.Now()
					h.store.Fold(probe.Result{Key: proxy, Start: now, Log: &probe.Log{Lines: 1, Until: now, Matches: row.logs(now)}})
				}
				time.Sleep(5 * time.Second)
				h.kill(time.Second)
				for _, unit := range []probe.Key{proxy, worker} {
					h.read(unit, "active", "")
				}
				h.settle()
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				h.stop()
			})
		})
	}
}

// A service that is no longer configured has no history: nothing is left to be taken up. One whose rules are gone for the
// moment is not verified on.
func TestAVerificationOfNoServiceIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		h.announce("2")
		time.Sleep(5 * time.Second)
		h.unconfigured = true
		h.kill(time.Second)
		h.settle()
		if got, want := h.history(), "api 2 inconclusive interrupted"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		h.stop()
	})
}

// The hook did what it should, and postflight is killed while the service is verified after it.
func TestTheVerificationOfARollbackIsTakenUpAgain(t *testing.T) {
	for _, row := range []struct {
		name string
		gap  time.Duration
		want string
	}{
		{"in time", time.Second, "api 2 failed rollback succeeded; api passed after a rollback"},
		{"too late", time.Hour, "api 2 failed rollback interrupted; api inconclusive interrupted after a rollback"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, deployment.Rules{OnFailure: runs("true", verdict.API)})
				h.answers(probe.Fail)
				h.announce("2")
				time.Sleep(65 * time.Second)
				h.answers(probe.Pass)
				h.kill(row.gap)
				for _, unit := range []probe.Key{proxy, worker} {
					h.read(unit, "active", "")
				}
				h.settle()
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				h.stop()
			})
		})
	}
}

// The journal tells of crashes while nobody watched, and no reading comes with that: it counts as if one did.
func TestWhatTheJournalTellsLateCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		h.announce("2")
		time.Sleep(5 * time.Second)
		unit := *h.store.Snapshot(time.Now()).Services[0].Units[0]
		unit.Restarts++
		h.fold(state.Event{Result: probe.Result{Key: proxy, Start: time.Now(), Log: &probe.Log{}}, Unit: &unit})
		time.Sleep(5 * time.Second) // it waits for what the log says of that
		if got, want := h.history(), "api 2 failed"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		h.stop()
	})
}
