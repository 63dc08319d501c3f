package web_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

// watched is the shop with its log.
func watched() *state.Store {
	store := state.New()
	store.Apply([]state.Service{{Name: "shop", Units: []string{shopUnit.Unit}, Patterns: []probe.Pattern{
		{Name: "missing-module", Severity: probe.SeverityError},
		{Name: "address-in-use", Severity: probe.SeverityError},
		{Name: "slow-auth", Severity: probe.SeverityWarning},
	}}})
	return store
}

// TestThePageSaysWhatTheLogTells: what was found in it, or that nobody can look.
func TestThePageSaysWhatTheLogTells(t *testing.T) {
	read := func(log probe.Log) probe.Result { return probe.Result{Log: &log} }
	blind := probe.Result{Outcome: probe.Error, Got: "not in group systemd-journal", Log: &probe.Log{}}
	quiet := read(probe.Log{Lines: 100})
	found := func(pattern, module string) probe.Match { return probe.Match{Pattern: pattern, Module: module} }
	for _, row := range []struct {
		name  string
		folds []probe.Result
		want  string
	}{
		{"it has not been read yet", nil, "log not read yet"},
		{"nothing is wrong", []probe.Result{quiet}, "no error lines in the log"},
		{"a warning is no error", []probe.Result{read(probe.Log{Lines: 1, Matches: []probe.Match{found("slow-auth", "")}})}, "no error lines in the log"},
		{"it cannot be read", []probe.Result{blind}, "log out of reach: not in group systemd-journal"},
		{
			"it cannot be read any more", []probe.Result{quiet, blind},
			"log out of reach: not in group systemd-journal; until then: no error lines in the log",
		},
		{"it can be read again", []probe.Result{quiet, blind, quiet}, "no error lines in the log"},
		{
			"errors, by pattern, and what is missing, once each",
			[]probe.Result{quiet, read(probe.Log{Lines: 4, Matches: []probe.Match{
				found("missing-module", "jwt"), found("missing-module", "yaml"), found("missing-module", "jwt"), found("address-in-use", ""),
			}})},
			"error lines in the log: missing-module 3, address-in-use 1; missing modules: jwt, yaml",
		},
		{
			"there may have been errors among lines that nobody has", []probe.Result{read(probe.Log{Lines: 100, Dropped: 7})},
			"no error lines in the log; journald dropped 7 lines",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := watched()
				store.Fold(probe.Result{Key: shopUnit, Start: time.Now(), Unit: &probe.Unit{LoadState: "loaded", ActiveState: "active"}})
				for _, r := range row.folds {
					r.Key, r.Start = shopUnit, time.Now()
					store.Fold(r)
				}
				if page := text(handler(store)); !strings.Contains(page, "0 restarts "+row.want+" 0 s ago") {
					t.Errorf("does not say %q:\n%s", row.want, page)
				}
			})
		})
	}
}

func TestALogThatIsNotWatchedIsNotToldOf(t *testing.T) {
	store := shop("health")
	store.Fold(probe.Result{Key: shopUnit, Start: time.Now(), Unit: &probe.Unit{LoadState: "loaded", ActiveState: "active"}})
	if page := text(handler(store)); strings.Contains(page, "log") {
		t.Error(page)
	}
}

// TestWhatALogSaysIsNotShown: the page may be open to more people than the log is. Names of modules are, and do nothing.
func TestWhatALogSaysIsNotShown(t *testing.T) {
	store := watched()
	store.Fold(probe.Result{Key: shopUnit, Start: time.Now(), Log: &probe.Log{Lines: 2, Matches: []probe.Match{{
		Pattern: "missing-module", Severity: probe.SeverityError, Text: "top secret", Before: []string{"top secret"}, Module: "<script>jwt",
	}}}})
	body := ask(handler(store), "GET", "/").Body.String()
	if strings.Contains(body, "top secret") || strings.Contains(body, "<script") {
		t.Errorf("it is:\n%s", body)
	}
	if !strings.Contains(body, "missing modules: &lt;script&gt;jwt") {
		t.Errorf("the module is not named:\n%s", body)
	}
}
