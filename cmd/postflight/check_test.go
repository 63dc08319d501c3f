package main

import (
	"testing"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

func TestWhatOneLookTellsOfAUnit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		unit probe.Unit
		want probe.Outcome
	}{
		{"active", probe.Unit{ActiveState: "active", ActiveEnter: time.Now()}, probe.Pass},
		{"active since long, after restarts", probe.Unit{ActiveState: "active", NRestarts: 7, ActiveEnter: time.Now().Add(-time.Hour)}, probe.Pass},
		{"active, and restarted just now", probe.Unit{ActiveState: "active", NRestarts: 1, ActiveEnter: time.Now()}, probe.Warn},
		{"between two crashes", probe.Unit{ActiveState: "activating", SubState: "auto-restart", NRestarts: 1}, probe.Fail},
		{"failed", probe.Unit{ActiveState: "failed"}, probe.Fail},
		{"not there", probe.Unit{LoadState: "not-found", ActiveState: "inactive"}, probe.Fail},
	} {
		t.Run(row.name, func(t *testing.T) {
			unit := &state.UnitState{Last: probe.Result{Unit: &row.unit}}
			if got := unitOutcome(unit); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}
