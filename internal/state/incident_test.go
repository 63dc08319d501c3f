package state_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

// incidentRestarts is how often the service was restarted in the incident that postflight is there to end: a module was missing
// after a deployment, the process died as it started, and systemd said "active" whenever somebody looked.
const incidentRestarts = 21667

// TestTheIncident replays it: a day and a night of restarts every four seconds. In the evening postflight itself is killed
// for ten minutes, and at night the bus for an hour. In the morning somebody installs the module and restarts the
// service.
func TestTheIncident(t *testing.T) {
	s, told := newSystemd(), begin(t)
	follow := true
	look := func() {
		if follow {
			told.store.Fold(probe.Result{Key: unit, Start: s.now, Unit: s.shown()})
		}
	}
	read := 0
	journal := func() {
		events := s.journal[read:]
		read = len(s.journal)
		traceback := module("jwt")
		traceback.Pattern, traceback.Time, traceback.Before = "any", s.now, []string{"Traceback (most recent call last):", `  File "main.py", line 3, in <module>`}
		told.store.Fold(probe.Result{Key: unit, Start: s.now, Log: &probe.Log{
			Lines: 12, Until: s.now, Events: events, Matches: []probe.Match{traceback},
		}})
		told.store.FoldCursor(strconv.Itoa(read))
	}
	s.signal = look
	s.start(&s.truth.Starts.Boot)
	journal()
	s.pass(time.Hour)
	s.restart() // the deployment
	journal()

	var saved []byte
	for n := 1; n <= incidentRestarts; n++ {
		s.pass(800 * time.Millisecond)
		s.crash()
		s.pass(3200 * time.Millisecond)
		s.timer()
		switch {
		case n == 10_000:
			saved, follow = told.store.Save(), false
		case n > 10_000 && n < 10_150: // killed: all this is written, and nobody reads
			continue
		case n == 10_150:
			told.takes(saved)
			follow = true
			look()
		case n == 15_000:
			told.store.Fold(probe.Result{Key: unit, Start: s.now, Outcome: probe.Error, Reason: probe.ReasonConnect})
			follow = false
		case n == 15_900:
			follow = true
			look()
		}
		journal()
		if n >= 3 && follow && !told.store.Snapshot(s.now).Services[0].Units[0].CrashLooping(s.now) {
			t.Fatalf("after %d restarts it is not crash looping", n)
		}
	}
	s.crash()
	s.pass(time.Second)
	s.restart() // while it waits for the next restart: systemd's own count stays
	journal()
	s.pass(2 * time.Minute)
	look()

	got := told.store.Snapshot(s.now).Services[0].Units[0]
	if got.Restarts != incidentRestarts || got.Last.Unit.NRestarts != incidentRestarts {
		t.Errorf("%d restarts, systemd's own count %d, want %d", got.Restarts, got.Last.Unit.NRestarts, incidentRestarts)
	}
	if diff := cmp.Diff(state.Starts{Automatic: incidentRestarts, Manual: 2}, got.Starts); diff != "" {
		t.Errorf("starts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]uint64{"exit-code": incidentRestarts + 1, "success": 1}, counted(got)); diff != "" {
		t.Errorf("exits (-want +got):\n%s", diff)
	}
	if got.CrashLooping(s.now) {
		t.Error("two minutes after it was mended it is still crash looping")
	}
	if diff := cmp.Diff([]string{"run-2", "run-21670"}, told.told); diff != "" {
		t.Errorf("deployments that were told (-want +got):\n%s", diff)
	}
	if len(got.Log.Evidence) != 5 || len(got.Log.Evidence[4].Before) != 2 {
		t.Errorf("evidence %+v", got.Log.Evidence)
	}
	golden(t, "incident.json", told.store.Save())
}
