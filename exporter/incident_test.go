package exporter_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"postflight/exporter"
	"postflight/internal/logpattern"
	"postflight/internal/state"
	"postflight/probe"
)

// proxy is the unit of the incident: a module was missing, and systemd restarted it for days.
var proxy = probe.Key{Service: "proxy-system", Unit: "proxy-system.service"}

const (
	restarts = 21667
	cycle    = 10 * time.Second // from one start to the next
	lives    = 2 * time.Second  // until it meets the import
)

func running(run int, nRestarts uint32) probe.Unit {
	memory, tasks := uint64(42<<20), uint64(3)
	return probe.Unit{
		LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success", NRestarts: nRestarts,
		InvocationID: fmt.Sprintf("%032x", run), ActiveEnter: time.Now(), MemoryBytes: &memory, Tasks: &tasks,
	}
}

// crash has what runs fail, and be restarted where that is wanted, as the bus and the journal tell of it.
func crash(fold func(probe.Result), run int, nRestarts uint32) {
	time.Sleep(lives)
	crashed := running(run, nRestarts)
	crashed.ActiveState, crashed.SubState, crashed.Result = "activating", "auto-restart", "exit-code"
	crashed.ExecMainCode, crashed.ExecMainStatus, crashed.ExecMainExit = 1, 1, time.Now()
	crashed.ActiveEnter, crashed.MemoryBytes, crashed.Tasks = time.Now().Add(-lives), nil, nil
	fold(probe.Result{Unit: &crashed})
	fold(probe.Result{Log: &probe.Log{Lines: 24, Matches: []probe.Match{{
		Pattern: "missing-module", Severity: probe.SeverityError, Module: "jwt", Text: "ModuleNotFoundError: No module named 'jwt'",
	}}}})
}

// TestTheIncident replays it to its last restart, with a reset of systemd's own figure on the way, and compares all that is
// exported. Then somebody installs the module.
func TestTheIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := state.Service{Name: proxy.Service, Units: []string{proxy.Unit}}
		for _, p := range logpattern.Builtin() {
			service.Patterns = append(service.Patterns, p.Pattern)
		}
		store, e := newExporter(t, exporter.Options{Version: "1.2.3", Revision: "abc", GoVersion: "go1.26"}, service)
		fold := func(r probe.Result) {
			r.Key, r.Start = proxy, time.Now()
			store.Fold(r)
		}
		see := func(u probe.Unit) { fold(probe.Result{Unit: &u}) }

		n := uint32(0)
		see(running(0, n))
		for run := range restarts {
			if run == 20000 { // systemctl reset-failed
				n = 0
				see(running(run, n))
			}
			crash(fold, run, n)
			time.Sleep(cycle - lives)
			n++
			see(running(run+1, n))
		}
		crash(fold, restarts, n)
		compare(t, "testdata/the_incident.prom", scrape(t, e))

		see(running(restarts+1, n)) // systemctl restart, while systemd waits: its figure stays as it is
		time.Sleep(time.Minute)
		see(running(restarts+1, n))
		exposition := scrape(t, e)
		for _, want := range []string{
			`postflight_unit_crash_looping{service="proxy-system",unit="proxy-system.service"} 0`,
			`postflight_unit_restarts_total{service="proxy-system",unit="proxy-system.service"} 21667`,
			`postflight_unit_starts_total{service="proxy-system",trigger="automatic",unit="proxy-system.service"} 21667`,
			`postflight_unit_starts_total{service="proxy-system",trigger="manual",unit="proxy-system.service"} 1`,
		} {
			if seriesWith(exposition, want) != 1 {
				t.Errorf("once it is mended, no %s", want)
			}
		}
	})
}
