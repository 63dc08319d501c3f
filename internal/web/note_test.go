package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"postflight/internal/state"
	"postflight/probe"
)

var noted = time.Date(2026, 11, 22, 14, 3, 22, 0, time.FixedZone("CET", 3600))

// listed is a healthy service whose targets come from lists.
func listed() *state.Store {
	store := state.New()
	store.Apply([]state.Service{{
		Name: "shop", Lists: true, Credentials: []string{"admin", "reader"},
		Targets: []state.Target{{URL: "http://a"}, {URL: "http://b"}},
		Checks: []probe.Check{
			{Key: probe.Key{Service: "shop", Target: "http://a", Check: "health"}, Critical: true},
			{Key: probe.Key{Service: "shop", Target: "http://b", Check: "health"}, Critical: true},
		},
	}})
	store.FoldDiscovery("shop", state.Discovery{LastSuccess: noted})
	for _, target := range []string{"http://a", "http://b"} {
		store.Fold(probe.Result{Key: probe.Key{Service: "shop", Target: target, Check: "health"}, Start: noted})
	}
	return store
}

func login(store *state.Store, credentials, target string, success bool) {
	store.Fold(probe.Result{
		Key: probe.Key{Service: "shop", Target: target, Check: "health"}, Start: noted,
		Logins: []probe.Login{{Credentials: credentials, Target: target, Success: success}},
	})
}

func tokens(store *state.Store, target string, consistency probe.TokenConsistency) {
	store.Fold(probe.Result{Key: probe.Key{Service: "shop", Target: target, Check: "health"}, Start: noted, Tokens: consistency})
}

func TestThePageSaysWhatIsWrongBesidesChecksAndUnits(t *testing.T) {
	const healthy = "postflight 1 service healthy shop healthy http://a"
	for _, row := range []struct {
		name string
		fold func(*state.Store)
		want string // from the headline up to the first target
	}{
		{"all is well", func(*state.Store) {}, healthy},
		{
			"reloaded",
			func(s *state.Store) { s.FoldReload(state.Reload{Time: noted, Successful: true}) },
			healthy,
		},
		{
			"a reload failed: the first line is enough, the rest is in the log",
			func(s *state.Store) {
				s.FoldReload(state.Reload{Time: noted, Successful: true})
				s.FoldReload(state.Reload{Time: noted.Add(time.Hour), Problem: "postflight.yml:3:5: services[0].name: is missing\npostflight.yml:9:1: colour: unknown key"})
			},
			"postflight 1 service healthy The last reload of the configuration failed; the one of 2026-11-22 13:03:22 UTC is in effect. " +
				"postflight.yml:3:5: services[0].name: is missing shop healthy http://a",
		},
		{
			"and the next one did not",
			func(s *state.Store) {
				s.FoldReload(state.Reload{Time: noted, Problem: "postflight.yml:3:5: services[0].name: is missing"})
				s.FoldReload(state.Reload{Time: noted, Successful: true})
			},
			healthy,
		},
		{
			"a list that was read once",
			func(s *state.Store) {
				s.FoldDiscovery("shop", state.Discovery{LastSuccess: noted, Problem: "/etc/a.json: permission denied\n/etc/b.json: not JSON"})
			},
			"postflight 1 service with warnings shop warnings " +
				"A target list cannot be read; the targets that it named last are kept: /etc/a.json: permission denied; /etc/b.json: not JSON http://a",
		},
		{
			"a list that was never read: nobody knows what is missing",
			func(s *state.Store) {
				s.FoldDiscovery("shop", state.Discovery{Problem: "/etc/a.json: permission denied"})
			},
			"postflight 1 service not known shop not known A target list has never been read, so targets may be missing: /etc/a.json: permission denied http://a",
		},
		{
			"a list that is yet to be read",
			func(s *state.Store) { s.FoldDiscovery("shop", state.Discovery{}) },
			"postflight 1 service not known shop not known Its target lists have not been read yet. http://a",
		},
		{
			"targets refuse each other's tokens",
			func(s *state.Store) {
				tokens(s, "http://a", probe.TokensConsistent)
				tokens(s, "http://b", probe.TokensInconsistent)
			},
			"postflight 1 service with warnings shop warnings Its targets refuse each other&#39;s tokens; perhaps they sign with different keys. http://a",
		},
		{"targets accept each other's tokens", func(s *state.Store) { tokens(s, "http://a", probe.TokensConsistent) }, healthy},
		{
			"a login failed",
			func(s *state.Store) {
				login(s, "admin", "http://a", false)
				login(s, "admin", "http://b", true)
			},
			"postflight 1 service with warnings shop warnings The login with credentials admin failed at http://a. http://a",
		},
		{
			"logins failed at all targets",
			func(s *state.Store) {
				login(s, "reader", "http://b", false)
				login(s, "admin", "http://a", false)
				login(s, "admin", "http://b", false)
			},
			"postflight 1 service with warnings shop warnings The login with credentials reader failed at http://b. " +
				"The login with credentials admin failed at 2 targets, such as http://a. http://a",
		},
		{
			"a login failed, and the next one did not",
			func(s *state.Store) {
				login(s, "admin", "http://a", false)
				login(s, "admin", "http://a", true)
			},
			healthy,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := listed()
			row.fold(store)
			page := text(handler(store))
			if !strings.HasPrefix(page, row.want) {
				t.Errorf("got  %s\nwant %s …", page, row.want)
			}
		})
	}
}

// A service that lists no target, and has no unit, is not healthy: nobody has looked.
func TestAServiceOfWhichNothingIsLookedAtIsNotHealthy(t *testing.T) {
	store := state.New()
	store.Apply([]state.Service{{Name: "shop", Lists: true}})
	store.FoldDiscovery("shop", state.Discovery{LastSuccess: noted})
	want := "postflight 1 service not known shop not known Nothing of it is looked at: there is no target to check, and no unit."
	if page := text(handler(store)); !strings.HasPrefix(page, want) {
		t.Errorf("got  %s\nwant %s …", page, want)
	}
}

func TestReadyOnceTargetListsHaveBeenRead(t *testing.T) {
	for _, row := range []struct {
		name   string
		known  state.Discovery
		status int
		says   string
	}{
		{"not yet", state.Discovery{}, http.StatusServiceUnavailable, "\nshop: its target lists\n"},
		{"they cannot be read, which is an answer", state.Discovery{Problem: "/etc/a.json: permission denied"}, http.StatusOK, "ready"},
		{"they have been", state.Discovery{LastSuccess: noted}, http.StatusOK, "ready"},
	} {
		store := listed()
		store.FoldDiscovery("shop", row.known)
		if w := ask(handler(store), "GET", "/-/ready"); w.Code != row.status || !strings.Contains(w.Body.String(), row.says) {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
}

func TestNotesAreEscaped(t *testing.T) {
	const nasty = `<script>alert("1")</script>`
	store := listed()
	store.FoldReload(state.Reload{Problem: nasty})
	store.FoldDiscovery("shop", state.Discovery{Problem: nasty})
	login(store, "admin", "http://a", false)
	if body := ask(handler(store), "GET", "/").Body.String(); strings.Contains(body, "<script") {
		t.Errorf("not escaped:\n%s", body)
	}
}
