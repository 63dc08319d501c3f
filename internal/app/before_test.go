package app

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// A unit is stopped after a minute, which takes it two seconds, started eight seconds later with another release, and that is
// announced after two more.
// An error that its log holds from before, and afterwards as well, is not the new release's.
func TestErrorsFromBefore(t *testing.T) {
	for _, row := range []struct {
		name   string
		detect string
		logged time.Duration // since the beginning
		again  bool          // after the announcement
		want   verdict.State
	}{
		{"the release before logged it", "off", 50 * time.Second, true, verdict.Inconclusive},
		{"it is logged while that is being stopped", "off", 61 * time.Second, true, verdict.Failed},
		{"it is logged while that is stopped", "off", 65 * time.Second, true, verdict.Failed},
		{"the new one logs it before it is announced", "off", 71 * time.Second, true, verdict.Failed},
		{"the release before logged it, and the start is detected", "restart", 50 * time.Second, true, verdict.Inconclusive},
		{"the new one logs it, and the start is detected", "restart", 71 * time.Second, true, verdict.Failed},
		{"the new one logs it before it is announced, and never again", "off", 71 * time.Second, false, verdict.Failed},
		{"the release before logs it while that is being stopped, and the new one never", "off", 61 * time.Second, false, verdict.Passed},
		{"the release before logged it, and the new one never", "off", 50 * time.Second, false, verdict.Passed},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t.Context(), state.New(), parse(t, "services: [{name: proxy, units: [proxy], verification: {detect: %s}}]", row.detect), engineOptions{
					watcher: make(units), logs: true, observer: nobody{}, log: zap.NewNop(),
				})
				defer e.close()
				desk := e.desk(e.rules, func() {})
				ctx, stop := context.WithCancel(t.Context())
				var deciding sync.WaitGroup
				deciding.Go(func() { desk.Run(ctx) })
				defer deciding.Wait()
				defer stop()

				key := probe.Key{Service: "proxy", Unit: "proxy.service"}
				unit := probe.Unit{LoadState: "loaded", ActiveState: "active", InvocationID: "a", ActiveEnter: time.Now()}
				read := func() {
					seen := unit
					e.store.Fold(probe.Result{Key: key, Start: time.Now(), Unit: &seen})
				}
				logs := func() {
					now := time.Now()
					e.store.Fold(probe.Result{Key: key, Start: now, Log: &probe.Log{Lines: 1, Until: now, Matches: []probe.Match{{
						Pattern: "db-session-error", Severity: probe.SeverityError, Time: now, Text: "session lost",
					}}}})
				}
				steps := map[time.Duration]func(){
					0:                read,
					60 * time.Second: func() { unit.ActiveState = "deactivating"; read() },
					62 * time.Second: func() { unit.ActiveState, unit.ExecMainCode, unit.ExecMainExit = "inactive", 1, time.Now(); read() },
					70 * time.Second: func() {
						unit = probe.Unit{LoadState: "loaded", ActiveState: "active", InvocationID: "b", ActiveEnter: time.Now()}
						read()
					},
					row.logged: logs,
				}
				for second := range 72 {
					if step := steps[time.Duration(second)*time.Second]; step != nil {
						step()
					}
					time.Sleep(time.Second)
				}
				announced, _, err := desk.Announce(deployment.Announcement{Service: "proxy", Release: "2", Source: verdict.API})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if row.again {
					logs()
				}
				doc, err := desk.Await(t.Context(), announced.ID)
				if err != nil || doc.Verdict != row.want {
					t.Errorf("%s, %v; want %s:\n%s", doc.Verdict, err, row.want, doc.Text())
				}
			})
		})
	}
}

// What a check found before a unit was stopped for the deployment is known for as long as the deployment may be announced
// late: the new release has answered by then.
func TestResultsFromBeforeAnswersOfTheNewRelease(t *testing.T) {
	key := probe.Key{Service: "proxy", Target: "http://proxy", Check: "health"}
	j := &job{Job: &probe.Job{Key: key, Timeout: 5 * time.Second}, check: probe.Check{Key: key, Interval: 5 * time.Second}}
	begun := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	stopped := begun.Add(59 * time.Second)
	for _, row := range []struct {
		name    string
		reasons string // of the results each five seconds; the unit is stopped a second before the thirteenth
		want    probe.Reason
	}{
		{"broken, and still so", "bbbbbbbbbbbbbbbb", probe.ReasonBody},
		{"broken, silent, and still broken", "bbbbbbbbbbbbcccbbb", probe.ReasonBody},
		{"well, silent, and broken", "............cccbbb", probe.ReasonNone},
		{"nobody looked before", "             ccbbb", "unknown"},
		{"it was looked at too long ago", "bbbb         ccbbb", "unknown"},
	} {
		t.Run(row.name, func(t *testing.T) {
			known := newBefores()
			for i, letter := range row.reasons {
				last := probe.Result{Key: key, Start: begun.Add(time.Duration(i) * 5 * time.Second), Outcome: probe.Fail}
				switch letter {
				case ' ':
					continue
				case '.':
					last.Outcome = probe.Pass
				case 'b':
					last.Reason = probe.ReasonBody
				case 'c':
					last.Reason = probe.ReasonConnect
				}
				known.fold(state.Event{Result: last, Check: &state.CheckState{Last: last}})
			}
			got := probe.Reason("unknown")
			if before := known.result(j, stopped); before != nil {
				got = before.Reason
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}
