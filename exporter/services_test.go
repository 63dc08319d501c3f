package exporter_test

import (
	"testing"
	"time"

	"postflight/exporter"
	"postflight/internal/state"
	"postflight/probe"
)

// TestALoginThatFailsAtOneTargetHasFailed, whatever came of those at the others.
func TestALoginThatFailsAtOneTargetHasFailed(t *testing.T) {
	for _, row := range []struct {
		success []bool // at a target each
		want    string // absent where empty
	}{
		{nil, ""},
		{[]bool{true}, "1"},
		{[]bool{true, true}, "1"},
		{[]bool{true, false}, "0"},
		{[]bool{false, true}, "0"},
	} {
		services := shop()
		services[0].Targets = append(services[0].Targets, state.Target{URL: "http://10.0.0.9"})
		store, e := newExporter(t, exporter.Options{}, services...)
		result := probe.Result{Key: check("auth", true).Key, Start: time.Now()}
		for i, success := range row.success {
			result.Logins = append(result.Logins, probe.Login{Credentials: "admin", Target: services[0].Targets[i].URL, Success: success})
		}
		store.Fold(result)
		exposition := scrape(t, e)
		if got := seriesWith(exposition, "postflight_login_success{"); got != min(1, len(row.success)) {
			t.Errorf("%v: %d series", row.success, got)
		}
		if seriesWith(exposition, `postflight_login_success{credentials="admin",service="shop"} `+row.want) != min(1, len(row.success)) {
			t.Errorf("%v: not %s", row.success, row.want)
		}
	}
}

// TestTokensAreTold only where it is decided whether they are consistent.
func TestTokensAreTold(t *testing.T) {
	for tokens, want := range map[probe.TokenConsistency]string{probe.TokensConsistent: "1", probe.TokensInconsistent: "0", probe.TokensUndecided: ""} {
		store, e := newExporter(t, exporter.Options{}, shop()...)
		store.Fold(probe.Result{Key: check("auth", true).Key, Start: time.Now(), Tokens: tokens})
		exposition := scrape(t, e)
		if got := seriesWith(exposition, "postflight_token_consistent"); got != len(want) {
			t.Errorf("%d: %d series", tokens, got)
		}
		if seriesWith(exposition, `postflight_token_consistent{service="shop"} `+want) != len(want) {
			t.Errorf("%d: not %s", tokens, want)
		}
	}
}

// TestTimesOfWhatHasNotHappenedAreAbsent, of reloads and of target lists.
func TestTimesOfWhatHasNotHappenedAreAbsent(t *testing.T) {
	store, e := newExporter(t, exporter.Options{}, shop()...)
	if n := seriesWith(scrape(t, e), "postflight_config_last"); n != 0 {
		t.Errorf("%d series of reloads before there was one", n)
	}
	store.FoldReload(state.Reload{Time: time.Now(), Problem: "wrong"})
	store.FoldDiscovery("worker", state.Discovery{Problem: "wrong"})
	exposition := scrape(t, e)
	for text, want := range map[string]int{
		"postflight_config_last_reload_successful 0": 1, "postflight_config_last_reload_success_": 0,
		`postflight_discovery_targets{service="worker"} 0`: 1, "postflight_discovery_last": 0,
	} {
		if got := seriesWith(exposition, text); got != want {
			t.Errorf("%d series with %s, want %d", got, text, want)
		}
	}
}
