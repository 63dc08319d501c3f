package web_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// statusOf is what the API tells of the first service, as those see it who may see all.
func statusOf(t *testing.T, store *state.Store, d *desk) map[string]any {
	t.Helper()
	var status struct {
		Time     time.Time
		Services []map[string]any
	}
	w := request(t, apiOf(d, store), "GET", "/api/v1/status", "", withToken)
	if err := json.Unmarshal(w.Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	if !status.Time.Equal(time.Now()) || len(status.Services) != 1 {
		t.Fatalf("as of %v: %s", status.Time, w.Body)
	}
	return status.Services[0]
}

type fields = map[string]any

func TestTheStatusTellsHowThingsAre(t *testing.T) {
	notRun := fields{"check": "health", "target": "http://10.0.0.1:8000", "critical": true, "outcome": "", "reason": "", "wanted": "", "got": ""}
	unseen := fields{
		"unit": "shop.service", "state": "", "restarts": 0.0, "nrestarts": nil, "crash_looping": false, "observable": false, "why": "it has not been looked at yet",
	}
	with := func(base fields, more fields) fields {
		all := fields{}
		for _, from := range []fields{base, more} {
			for k, v := range from {
				all[k] = v
			}
		}
		return all
	}
	for _, row := range []struct {
		name string
		fold func(*state.Store, time.Time)
		want fields
	}{
		{"nothing has run", func(*state.Store, time.Time) {}, fields{}},
		{
			"a check has failed",
			func(s *state.Store, now time.Time) {
				s.Fold(probe.Result{Key: key("health"), Start: now.Add(-time.Second), Duration: time.Second, Outcome: probe.Fail, Reason: probe.ReasonStatus, Wanted: "status 200", Got: "status 500"})
			},
			fields{"checks": []any{with(notRun, fields{"outcome": "fail", "reason": "status", "wanted": "status 200", "got": "status 500", "last_run": "2000-01-01T00:00:00Z"})}},
		},
		{
			"the unit runs, and was restarted",
			func(s *state.Store, now time.Time) {
				for n := range uint32(2) {
					s.Fold(probe.Result{Key: shopUnit, Start: now, Unit: &probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", NRestarts: 7 + n}})
				}
			},
			fields{"units": []any{with(unseen, fields{"state": "active", "restarts": 1.0, "nrestarts": 8.0, "observable": true, "why": ""})}},
		},
		{
			"the unit is in a crash loop",
			func(s *state.Store, now time.Time) {
				s.Fold(probe.Result{Key: shopUnit, Start: now, Unit: &probe.Unit{LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", NRestarts: 0}})
				s.Fold(probe.Result{Key: shopUnit, Start: now, Unit: &probe.Unit{LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", NRestarts: 21667}})
			},
			fields{"units": []any{with(unseen, fields{"state": "activating", "restarts": 21667.0, "nrestarts": 21667.0, "crash_looping": true, "observable": true, "why": ""})}},
		},
		{
			"systemd is out of reach",
			func(s *state.Store, now time.Time) {
				s.Fold(probe.Result{Key: shopUnit, Start: now, Outcome: probe.Error, Got: "no bus"})
			},
			fields{"units": []any{with(unseen, fields{"why": "no bus"})}},
		},
		{
			"a release is known",
			func(s *state.Store, now time.Time) { s.FoldRelease("shop", "1.4.2", now) },
			fields{"release": "1.4.2"},
		},
		{
			"it is paused",
			func(s *state.Store, now time.Time) { s.FoldPause("shop", now.Add(10*time.Minute)) },
			fields{"paused_until": "2000-01-01T00:10:00Z"},
		},
		{
			"a pause is over",
			func(s *state.Store, now time.Time) { s.FoldPause("shop", now) },
			fields{},
		},
		{
			"its credentials do not work",
			func(s *state.Store, now time.Time) {
				s.Fold(probe.Result{Key: key("health"), Start: now, Logins: []probe.Login{{Credentials: "admin", Target: "http://10.0.0.1:8000"}}})
			},
			fields{
				"checks": []any{with(notRun, fields{"outcome": "pass", "last_run": "2000-01-01T00:00:00Z"})},
				"notes":  []any{"The login with credentials admin failed at http://10.0.0.1:8000."},
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := state.New()
				store.Apply([]state.Service{{
					Name: "shop", Units: []string{"shop.service"}, Credentials: []string{"admin"}, Release: "file",
					Checks: []probe.Check{{Key: key("health"), Critical: true}},
				}})
				row.fold(store, time.Now())
				want := with(fields{"name": "shop", "release": "", "notes": []any{}, "checks": []any{notRun}, "units": []any{unseen}, "deployment": nil}, row.want)
				if diff := cmp.Diff(want, statusOf(t, store, newDesk())); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestTheStatusHoldsTheNewestDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, d := shop("health"), newDesk()
		newest := func() verdict.Document {
			t.Helper()
			text := mustJSON(t, statusOf(t, store, d)["deployment"])
			var doc verdict.Document
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			return doc
		}
		store.FoldDeployment(state.Deployment{Document: failed()})
		if diff := cmp.Diff(failed(), newest()); diff != "" {
			t.Errorf("decided: %s", diff)
		}
		begun := d.docs[0]
		begun.State, begun.Checks = verdict.Settling, nil
		store.FoldDeployment(state.Deployment{Document: begun, Resume: &state.Resume{}})
		if diff := cmp.Diff(d.docs[0], newest()); diff != "" {
			t.Errorf("as the desk has it now: %s", diff)
		}
		d.docs = nil
		if diff := cmp.Diff(begun.State, newest().State); diff != "" {
			t.Errorf("as it was kept, where the desk has none: %s", diff)
		}
	})
}
