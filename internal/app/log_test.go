package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logs "go.uber.org/zap/zaptest/observer"

	"postflight/internal/state"
	"postflight/probe"
)

func TestOnlyChangesAreLogged(t *testing.T) {
	t.Parallel()
	check := probe.Key{Service: "proxy", Target: "http://h", Check: "health"}
	unit := probe.Key{Service: "proxy", Unit: "proxy.service"}
	began := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	active := &probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running"}
	starting := &probe.Unit{LoadState: "loaded", ActiveState: "activating", SubState: "start"}
	failed := &probe.Unit{LoadState: "loaded", ActiveState: "failed", SubState: "failed", Result: "exit-code"}
	waiting := &probe.Unit{LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", Result: "exit-code"}
	inactive := &probe.Unit{LoadState: "loaded", ActiveState: "inactive", SubState: "dead", Result: "exit-code", NRestarts: 1}
	for _, row := range []struct {
		name    string
		results []probe.Result
		want    []string
	}{
		{"a check that is well from the start is no news",
			[]probe.Result{{Key: check}, {Key: check}}, nil},
		{"a check that fails is logged once, and once when it recovers",
			[]probe.Result{{Key: check}, failing(check), failing(check), {Key: check}},
			[]string{"warn fail connect", "info pass"}},
		{"a check that fails from the start is news",
			[]probe.Result{failing(check), failing(check)}, []string{"warn fail connect"}},
		{"a unit's states",
			[]probe.Result{{Key: unit, Unit: active}, {Key: unit, Unit: active}, {Key: unit, Unit: failed}, {Key: unit, Unit: failed}, {Key: unit, Unit: failed}},
			[]string{"info active", "warn failed"}},
		{"a unit that has failed when it is first seen",
			[]probe.Result{{Key: unit, Unit: failed}}, []string{"warn failed"}},
		{"a restart is logged, not the states that it passes through",
			[]probe.Result{
				{Key: unit, Unit: active}, {Key: unit, Unit: failed}, {Key: unit, Unit: waiting}, {Key: unit, Unit: inactive},
				{Key: unit, Unit: restarted(active, 1)}, {Key: unit, Unit: restarted(active, 1)},
			},
			[]string{"info active", "info active"}},
		{"a unit out of reach",
			[]probe.Result{{Key: unit, Unit: active}, {Key: unit, Outcome: probe.Error, Got: "no bus"}, {Key: unit, Outcome: probe.Error, Got: "no bus"}},
			[]string{"info active", "warn unobservable"}},
		{"a crash loop is one line, however its states alternate",
			[]probe.Result{
				{Key: unit, Unit: active}, {Key: unit, Unit: restarted(active, 3)},
				{Key: unit, Unit: restarted(starting, 3)}, {Key: unit, Unit: restarted(active, 4)},
			},
			[]string{"info active", "warn crash looping"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			core, logged := logs.New(zapcore.DebugLevel)
			store := state.New()
			store.Apply([]state.Service{{Name: "proxy", Checks: []probe.Check{{Key: check}}, Units: []string{unit.Unit}}})
			store.Subscribe(changes(zap.New(core)))
			for i, r := range row.results {
				r.Start = began.Add(time.Duration(i) * time.Second)
				store.Fold(r)
			}
			var got []string
			for _, entry := range logged.All() {
				got = append(got, entry.Level.String()+" "+told(entry.ContextMap()))
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func failing(key probe.Key) probe.Result {
	return probe.Result{Key: key, Outcome: probe.Fail, Reason: probe.ReasonConnect}
}

func restarted(unit *probe.Unit, n uint32) *probe.Unit {
	again := *unit
	again.NRestarts = n
	return &again
}

func told(fields map[string]any) string {
	if state, ok := fields["state"]; ok {
		return state.(string)
	}
	text := fields["outcome"].(string)
	if reason, ok := fields["reason"]; ok {
		text += " " + reason.(string)
	}
	return text
}
