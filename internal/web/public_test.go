package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/internal/web"
	"postflight/probe"
)

// ofShop is a store in which a backend said something, and in which shop's newest deployment failed.
func ofShop(t *testing.T) *state.Store {
	t.Helper()
	store := shop("health")
	store.Fold(probe.Result{
		Key: key("health"), Start: time.Now(), Outcome: probe.Fail, Reason: probe.ReasonAssertion, Wanted: "status healthy", Got: "false, with " + quoted,
	})
	store.Fold(probe.Result{Key: shopUnit, Start: time.Now(), Unit: &probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", NRestarts: 3}})
	store.FoldDeployment(state.Deployment{Document: failed()})
	return store
}

var tellingRoutes = []string{
	"/api/v1/status", "/api/v1/deployments", "/api/v1/deployments?service=shop", "/api/v1/deployments/d1", "/api/v1/deployments/d2",
	"/api/v1/deployments/d1/events",
}

func TestWhatBackendsLogsAndHooksSaidIsForThoseWhoMayKnow(t *testing.T) {
	for _, row := range []struct {
		name    string
		token   func() (string, error)
		trusted bool
		header  string
		told    bool
	}{
		{"with the token", right, false, withToken, true},
		{"with the token beside basic auth", right, false, "X-Postflight-Token: " + secret, true},
		{"over the control socket", nil, true, "Accept: */*", true},
		{"anybody", right, false, "Accept: */*", false},
		{"with a wrong token", right, false, "Authorization: Bearer wrong", false},
		{"where no token is configured", nil, false, withToken, false},
		{"where the token file cannot be read", unreadable, false, withToken, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk()
			d.follow = telling(told(t), 0)
			h := web.Handler(web.Options{Store: ofShop(t), Metrics: http.NotFoundHandler(), Token: row.token, Deployments: d, Rules: rules})
			if row.trusted {
				h = web.Trusted(h)
			}
			for _, path := range tellingRoutes {
				w := request(t, h, "GET", path, "", row.header)
				answer := answerOf(t, w)
				if w.Code != 200 || strings.Contains(answer, quoted) != row.told {
					t.Errorf("%s: status %d:\n%s", path, w.Code, answer)
				}
				if strings.Contains(answer, secret) {
					t.Errorf("%s: the answer holds the token", path)
				}
			}
		})
	}
}

// TestWhatAnybodyIsToldOfAFailure: enough to know what happened and what to do.
func TestWhatAnybodyIsToldOfAFailure(t *testing.T) {
	d := newDesk()
	h := apiOf(d, shop())
	got := request(t, h, "GET", "/api/v1/deployments/d1", "").Body.String()
	for _, want := range []string{
		`"verdict":"failed"`, `"cause":"missing_dependency"`, `"summary":"shop.service: the module jwt is missing"`, `"hint":"add PyJWT to the requirements"`,
		`{"source":"journal","time":"2026-11-21T09:30:01Z","text":""}`,
		`{"cause":"wrong_status","summary":"front-end at http://10.0.0.1:8000"}`,
		`"summary":"health at http://10.0.0.1:8000"`,
		`"outcome":"fail","reason":"assertion","runs":3,"passes":0,"wanted":"status healthy","got":""`,
		`"state":"failed","hook":"unit shop-rollback.service"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not hold %s:\n%s", want, got)
		}
	}
	if after := request(t, h, "GET", "/api/v1/deployments/d1", "", withToken).Body.String(); strings.Count(after, quoted) != strings.Count(mustJSON(t, failed()), quoted) {
		t.Errorf("who may know all is told less after somebody else has asked:\n%s", after)
	}
}

// reasons are all that a probe may have to fail.
var reasons = []probe.Reason{
	probe.ReasonResolve, probe.ReasonConnect, probe.ReasonTLS, probe.ReasonTimeout, probe.ReasonProtocol, probe.ReasonTooLarge, probe.ReasonRedirect,
	probe.ReasonStatus, probe.ReasonBody, probe.ReasonAssertion, probe.ReasonSlow, probe.ReasonCredentials, probe.ReasonRateLimited,
	probe.ReasonAuthBypassed, probe.ReasonAuthBroken, probe.ReasonAuthRejectsValid, probe.ReasonInternal,
}

// TestNoVerdictQuotesABackendToAnybody: whatever may go wrong, in the words that verdicts have for it.
func TestNoVerdictQuotesABackendToAnybody(t *testing.T) {
	for _, reason := range reasons {
		for _, row := range []struct {
			name    string
			crashes bool
			status  int
			outcome probe.Outcome
		}{
			{"it fails", false, 200, probe.Fail}, {"its proxy answers", false, 502, probe.Fail}, {"it warns", false, 200, probe.Warn},
			{"it crashes", true, 0, probe.Fail}, {"it crashes behind a proxy", true, 502, probe.Fail}, {"it crashes, and could not be asked", true, 0, probe.Error},
		} {
			t.Run(string(reason)+", "+row.name, func(t *testing.T) {
				v, err := verdict.New(verdict.Plan{
					ID: "d1", Service: "shop", Policy: verdict.DefaultPolicy, Units: []string{"shop.service"}, Logs: true, Start: at,
					Checks: []verdict.PlannedCheck{{Check: probe.Check{Key: key("health"), Critical: true}, Timeout: time.Second}},
				})
				if err != nil {
					t.Fatal(err)
				}
				unit := probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running"}
				v.FoldUnit(verdict.UnitSeen{Unit: "shop.service", Time: at, Reading: &unit})
				for i := range 200 {
					now := at.Add(time.Duration(i) * time.Second)
					v.FoldCheck(probe.Result{Key: key("health"), Start: now, Outcome: row.outcome, Reason: reason, Status: row.status, Wanted: "an answer", Got: quoted})
					if i == 2 && row.crashes {
						v.FoldLog(verdict.LogSeen{Unit: "shop.service", Time: now, Observable: true, Matches: []probe.Match{
							{Pattern: "db-session-error", Severity: probe.SeverityError, Time: now, Text: quoted, Before: []string{quoted}},
						}})
						v.FoldUnit(verdict.UnitSeen{Unit: "shop.service", Time: now, Reading: &unit, Restarts: 5})
					}
				}
				doc := v.At(at.Add(time.Hour))
				if !doc.State.Decided() || !strings.Contains(mustJSON(t, doc), quoted) {
					t.Fatalf("it tests nothing: %s", mustJSON(t, doc))
				}
				d := newDesk()
				d.docs = []verdict.Document{doc}
				if told := request(t, apiOf(d, shop()), "GET", "/api/v1/deployments/d1", "").Body.String(); strings.Contains(told, quoted) {
					t.Error(told)
				}
			})
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
