package exporter_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postflight/exporter"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// deployed is a deployment of the shop's as it began.
func deployed(id, release string, source verdict.Source, at time.Time) state.Deployment {
	return state.Deployment{Document: verdict.Document{
		ID: id, Service: "shop", Release: release, Source: source, StartedAt: at, State: verdict.Settling,
		Rollback: verdict.Rollback{State: verdict.NoRollback},
	}}
}

// decided is how it ended.
func decided(d state.Deployment, as verdict.State, after time.Duration, causes ...verdict.Cause) state.Deployment {
	d.State, d.Verdict, d.DecidedAt = as, as, d.StartedAt.Add(after)
	for _, cause := range causes {
		d.Causes = append(d.Causes, verdict.Finding{Cause: cause, Explains: []verdict.Explained{{Cause: "not_listening"}}})
	}
	return d
}

// aMorningOfDeployments is what the shop goes through: one that passes; one that is superseded; and one that fails, with
// the same cause twice, and is taken back while the shop is paused.
func aMorningOfDeployments(store *state.Store, at func(float64) time.Time) {
	for _, d := range []state.Deployment{
		decided(deployed("a", "1.5.0", verdict.Detected, at(20)), verdict.Passed, 30*time.Second, "cache_down"),
		decided(deployed("b", "1.6.0", verdict.API, at(60)), verdict.Inconclusive, 5*time.Second),
	} {
		store.FoldDeployment(d)
	}
	failed := decided(deployed("c", "1.6.1", verdict.API, at(65)), verdict.Failed, 4500*time.Millisecond,
		"missing_dependency", "timeout", "timeout")
	store.FoldDeployment(failed)
	failed.Rollback.State = verdict.RollbackRunning
	store.FoldDeployment(failed)
	back := deployed("d", "", verdict.API, at(80))
	back.RollbackOf = failed.ID
	store.FoldDeployment(back)
	store.FoldDeployment(decided(back, verdict.Passed, 31*time.Second))
	failed.Rollback.State = verdict.RollbackSucceeded
	store.FoldDeployment(failed)
	store.FoldPause("shop", at(3600))
}

// TestADeploymentAsItGoes: what is told of it at each step, and how it is no longer told once something newer is known.
func TestADeploymentAsItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		store, e := newExporter(t, exporter.Options{}, state.Service{Name: "shop", Checks: []probe.Check{check("health", true)}})
		d, back := deployed("a", "1.5.0", verdict.CLI, began), state.Deployment{}
		health := func(r probe.Result) {
			r.Key, r.Start = check("health", true).Key, time.Now()
			store.Fold(r)
		}
		for _, step := range []struct {
			name   string
			does   func()
			has    []string // with {service="shop"…} left out
			hasNot []string
		}{
			{
				name: "nothing yet",
				does: func() {},
				has: []string{
					`verification_state{state="none"} 1`, `rollback_state{state="none"} 1`, `deployments_total{source="cli"} 0`,
					`service_paused 0`,
				},
				hasNot: []string{`deployment_info`, `deployment_timestamp_seconds`, `verification_cause_info`},
			},
			{
				name:   "a release is seen that nobody announced",
				does:   func() { health(probe.Result{Release: "1.4.0"}) },
				has:    []string{`deployment_info{release="1.4.0"} 1`},
				hasNot: []string{`deployment_timestamp_seconds`},
			},
			{
				name: "one is announced",
				does: func() { d.StartedAt = time.Now(); store.FoldDeployment(d) },
				has: []string{
					`verification_state{state="settling"} 1`, `verification_state{state="none"} 0`,
					`deployment_info{release="1.5.0"} 1`, `deployment_timestamp_seconds 9.`, `deployments_total{source="cli"} 1`,
				},
				hasNot: []string{`release="1.4.0"`, `verification_cause_info`},
			},
			{
				name: "it fails",
				does: func() { d = decided(d, verdict.Failed, 2*time.Second, "port_in_use"); store.FoldDeployment(d) },
				has: []string{
					`verification_state{state="failed"} 1`, `verification_cause_info{cause="port_in_use"} 1`,
					`verifications_total{verdict="failed"} 1`, `verification_detection_seconds_bucket{le="2.5"} 1`,
				},
				hasNot: []string{`not_listening`},
			},
			{
				name: "its rollback runs",
				does: func() { d.Rollback.State = verdict.RollbackRunning; store.FoldDeployment(d) },
				has:  []string{`rollback_state{state="running"} 1`, `rollbacks_total{result="failed"} 0`},
			},
			{
				name: "the rollback is verified",
				does: func() {
					back = deployed("b", "", verdict.CLI, time.Now())
					back.RollbackOf = "a"
					store.FoldDeployment(back)
				},
				has: []string{
					`verification_state{state="failed"} 1`, `rollback_state{state="running"} 1`,
					`deployments_total{source="cli"} 1`, `verification_cause_info{cause="port_in_use"} 1`,
				},
			},
			{
				name: "what ran before is seen to run again",
				does: func() { health(probe.Result{Release: "1.5.0"}); health(probe.Result{Release: "1.4.0"}) },
				has:  []string{`deployment_info{release="1.4.0"} 1`},
			},
			{
				name: "the rollback failed",
				does: func() {
					store.FoldDeployment(decided(back, verdict.Failed, time.Second, "timeout"))
					d.Rollback.State = verdict.RollbackFailed
					store.FoldDeployment(d)
				},
				has: []string{
					`rollback_state{state="failed"} 1`, `rollbacks_total{result="failed"} 1`, `verifications_total{verdict="failed"} 2`,
					`verification_detection_seconds_count 1`, `verification_cause_info{cause="port_in_use"} 1`,
				},
				hasNot: []string{`cause="timeout"`},
			},
			{
				name: "a next one: the last verdict holds until there is another",
				does: func() { d = deployed("c", "1.5.1", verdict.API, time.Now()); store.FoldDeployment(d) },
				has: []string{
					`verification_state{state="settling"} 1`, `verification_cause_info{cause="port_in_use"} 1`,
					`rollback_state{state="none"} 1`,
				},
				hasNot: []string{`release="1.5.0"`},
			},
			{
				name: "it passes",
				does: func() { store.FoldDeployment(decided(d, verdict.Passed, time.Minute)) },
				has: []string{
					`verification_state{state="passed"} 1`, `verification_detection_seconds_count 1`,
					`verification_duration_seconds_count 3`,
				},
				hasNot: []string{`verification_cause_info`},
			},
			{
				name: "a pause",
				does: func() { store.FoldPause("shop", time.Now().Add(time.Minute)) },
				has:  []string{`service_paused 1`},
			},
			{
				name: "which ends by itself",
				does: func() { time.Sleep(time.Minute) },
				has:  []string{`service_paused 0`},
			},
			{
				name:   "19 requests are no baseline",
				does:   func() { health(probe.Result{Latencies: mostlyQuick(19)}) },
				hasNot: []string{`probe_baseline_duration_seconds`},
			},
			{
				name: "20 are",
				does: func() { health(probe.Result{Latencies: mostlyQuick(1)}) },
				has: []string{
					`probe_baseline_duration_seconds{check="health",quantile="0.5",target="` + backend + `"} 0.0`,
					`probe_baseline_duration_seconds{check="health",quantile="0.99",target="` + backend + `"} 0.`,
				},
			},
			{
				name:   "a reload without the service",
				does:   func() { store.Apply([]state.Service{{Name: "other"}}) },
				hasNot: []string{`1.5.1`},
			},
		} {
			step.does()
			time.Sleep(time.Second)
			exposition := withoutService(scrape(t, e))
			for _, want := range step.has {
				if seriesWith(exposition, "postflight_"+want) != 1 {
					t.Errorf("%s: not %s", step.name, want)
				}
			}
			for _, not := range step.hasNot {
				if seriesWith(exposition, not) != 0 {
					t.Errorf("%s: %s is told", step.name, not)
				}
			}
		}
	})
}

// withoutService leaves out the label that all series here have.
func withoutService(exposition string) string {
	return strings.NewReplacer(`{service="shop"}`, "", `,service="shop"`, "", `service="shop",`, "").Replace(exposition)
}
