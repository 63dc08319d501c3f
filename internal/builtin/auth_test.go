package builtin_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/builtin"
	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

type reply struct {
	status      int
	kind, body  string
	destination string
}

// backend answers each kind of token as the table says, and refuses the others.
func backend(table map[string]reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/tasks/statistics" || r.Method != http.MethodGet {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		kind, _ := kindOf(r.Header["Authorization"])
		said, ok := table[kind]
		switch {
		case !ok && kind == "valid":
			said = reply{status: 200, kind: "application/json", body: `{"total":3}`}
		case !ok:
			said = reply{status: 401, kind: "application/json", body: `{"detail":"Token无效"}`}
		}
		w.Header().Set("Content-Type", said.kind)
		if said.destination != "" {
			w.Header().Set("Location", said.destination)
		}
		w.WriteHeader(said.status)
		w.Write([]byte(said.body))
	})
}

func every(said reply) map[string]reply {
	return map[string]reply{"malformed": said, "wrong_key": said, "alg_none": said, "valid": said}
}

func TestAuth(t *testing.T) {
	valid := validToken(time.Now().Add(time.Hour))
	expired := validToken(time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC))
	accepted := reply{status: 200, kind: "application/json", body: `{"total":3}`}
	page := reply{status: 200, kind: "text/html; charset=utf-8", body: "<!doctype html><title>Log in</title>"}
	const undecided = -1
	tests := []struct {
		name        string
		credentials httpprobe.Credentials
		answers     map[string]reply
		want        verdict
		statuses    [3]float64 // malformed, wrong_key, alg_none; 0: no value
		bypassed    float64
	}{
		{name: "all forged ones are refused", statuses: [3]float64{401, 401, 401}},
		{name: "and the valid one is accepted", credentials: valid, statuses: [3]float64{401, 401, 401}},
		{name: "the signature is not looked at", answers: map[string]reply{"wrong_key": accepted},
			want:     verdict{probe.Fail, probe.ReasonAuthBypassed, "status 401", "token signed with another key: status 200 OK, so it was accepted"},
			statuses: [3]float64{401, 200, 401}, bypassed: 1},
		{name: "alg none is believed", answers: map[string]reply{"alg_none": {status: 204}},
			want:     verdict{probe.Fail, probe.ReasonAuthBypassed, "status 401", "token with alg none: status 204 No Content, so it was accepted"},
			statuses: [3]float64{401, 401, 204}, bypassed: 1},
		{name: "a bypass is worse than what failed before it", answers: map[string]reply{"malformed": {status: 500}, "alg_none": accepted},
			want:     verdict{probe.Fail, probe.ReasonAuthBypassed, "status 401", "token with alg none: status 200 OK, so it was accepted"},
			statuses: [3]float64{500, 401, 200}, bypassed: 1},
		{name: "JSON sent as HTML is still the statistics", answers: every(reply{status: 200, kind: "text/html", body: `{"total":3}`}),
			want:     verdict{probe.Fail, probe.ReasonAuthBypassed, "status 401", "malformed token: status 200 OK, so it was accepted"},
			statuses: [3]float64{200, 200, 200}, bypassed: 1},
		{name: "a login page for an answer", answers: every(page),
			want:     verdict{probe.Fail, probe.ReasonBody, "status 401", "malformed token: status 200 OK with a page: <!doctype html><title>Log in</title>"},
			statuses: [3]float64{200, 200, 200}, bypassed: undecided},
		{name: "a page that does not say what it is", answers: every(reply{status: 200, kind: "text/plain", body: "\n <HTML><body>hi"}),
			want:     verdict{probe.Fail, probe.ReasonBody, "status 401", "malformed token: status 200 OK with a page: <HTML><body>hi"},
			statuses: [3]float64{200, 200, 200}, bypassed: undecided},
		{name: "a page of another beginning", answers: every(reply{status: 200, kind: "text/plain", body: "<!-- v2 --><html>hi"}),
			want:     verdict{probe.Fail, probe.ReasonBody, "status 401", "malformed token: status 200 OK with a page: <!-- v2 --><html>hi"},
			statuses: [3]float64{200, 200, 200}, bypassed: undecided},
		{name: "a page behind a byte order mark", answers: every(reply{status: 200, kind: "text/plain", body: "\ufeff\n<title>hi"}),
			want:     verdict{probe.Fail, probe.ReasonBody, "status 401", "malformed token: status 200 OK with a page: <title>hi"},
			statuses: [3]float64{200, 200, 200}, bypassed: undecided},
		{name: "a page that is XML", answers: every(reply{status: 200, kind: "text/xml", body: "\ufeff<?xml version=\"1.0\"?>\n<!DOCTYPE html><html/>"}),
			want: verdict{probe.Fail, probe.ReasonBody, "status 401",
				`malformed token: status 200 OK with a page: <?xml version="1.0"?> <!DOCTYPE html><html/>`},
			statuses: [3]float64{200, 200, 200}, bypassed: undecided},
		{name: "XML that is no page", answers: every(reply{status: 200, kind: "text/xml", body: "<?xml version=\"1.0\"?><total>3</total>"}),
			want:     verdict{probe.Fail, probe.ReasonAuthBypassed, "status 401", "malformed token: status 200 OK, so it was accepted"},
			statuses: [3]float64{200, 200, 200}, bypassed: 1},
		{name: "authentication is broken", answers: every(reply{status: 500, kind: "application/json", body: `{"detail":"认证服务异常"}`}),
			want:     verdict{probe.Fail, probe.ReasonAuthBroken, "status 401", `malformed token: status 500 Internal Server Error: {"detail":"认证服务异常"}`},
			statuses: [3]float64{500, 500, 500}, bypassed: undecided},
		{name: "a redirect to a login page", answers: every(reply{status: 302, destination: "/login?next=%2Fapi&token=abc"}),
			want:     verdict{probe.Fail, probe.ReasonRedirect, "status 401", "malformed token: status 302 Found, a redirect to /login"},
			statuses: [3]float64{302, 302, 302}, bypassed: undecided},
		{name: "the route is missing", answers: every(reply{status: 404}),
			want:     verdict{probe.Fail, probe.ReasonStatus, "status 401", "malformed token: status 404 Not Found"},
			statuses: [3]float64{404, 404, 404}, bypassed: undecided},
		{name: "forbidden is not the answer to a forged token", answers: every(reply{status: 403}),
			want:     verdict{probe.Fail, probe.ReasonStatus, "status 401", "malformed token: status 403 Forbidden"},
			statuses: [3]float64{403, 403, 403}, bypassed: undecided},
		{name: "the valid one is refused", credentials: valid, answers: map[string]reply{"valid": {status: 401, body: `{"detail":"no"}`}},
			want:     verdict{probe.Fail, probe.ReasonAuthRejectsValid, "status 2xx", `valid token: status 401 Unauthorized: {"detail":"no"}`},
			statuses: [3]float64{401, 401, 401}},
		{name: "the valid one may not", credentials: valid, answers: map[string]reply{"valid": {status: 403}},
			want:     verdict{probe.Fail, probe.ReasonAuthRejectsValid, "status 2xx", "valid token: status 403 Forbidden"},
			statuses: [3]float64{401, 401, 401}},
		{name: "the valid one has expired", credentials: expired, answers: map[string]reply{"valid": {status: 401}},
			want: verdict{probe.Error, probe.ReasonCredentials, "credentials that are valid",
				"valid token: status 401; our token expired at 2025-03-01T12:00:00Z"},
			statuses: [3]float64{401, 401, 401}},
		{name: "the handler fails for the valid one", credentials: valid, answers: map[string]reply{"valid": {status: 500}},
			want:     verdict{probe.Fail, probe.ReasonStatus, "status 2xx", "valid token: status 500 Internal Server Error"},
			statuses: [3]float64{401, 401, 401}},
		{name: "the valid one is not to be had", credentials: httpprobe.TokenFile("/nowhere/token"),
			want: verdict{probe.Error, probe.ReasonCredentials, "credentials",
				"valid token: reading token file: no such file or directory (what was given is not shown: it may be the token)"},
			statuses: [3]float64{401, 401, 401}},
		{name: "asked too often in the middle", answers: map[string]reply{"wrong_key": {status: 429}},
			want:     verdict{probe.Error, probe.ReasonRateLimited, "an answer", "token signed with another key: status 429 Too Many Requests"},
			statuses: [3]float64{401, 0, 401}, bypassed: undecided},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := look(t, "auth", tt.credentials, backend(tt.answers))
			if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			var want []probe.Value
			for i, label := range []string{"malformed", "wrong_key", "alg_none"} {
				if tt.statuses[i] != 0 {
					want = append(want, probe.Value{Metric: "auth_rejection_status_code", Label: label, Number: tt.statuses[i]})
				}
			}
			if tt.bypassed != undecided {
				want = append(want, probe.Value{Metric: "auth_bypassed", Number: tt.bypassed})
			}
			if diff := cmp.Diff(want, got.Values); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEachForgedToken asks with one token only.
func TestEachForgedToken(t *testing.T) {
	const right, wrong, undecided = 0, 1, -1
	type answer struct {
		name     string
		said     reply
		outcome  probe.Outcome
		reason   probe.Reason
		bypassed float64
	}
	common := []answer{
		{"refused", reply{status: 401}, probe.Pass, "", right},
		{"accepted", reply{status: 200, kind: "application/json", body: `{"total":3}`}, probe.Fail, probe.ReasonAuthBypassed, wrong},
		{"accepted without a word", reply{status: 204}, probe.Fail, probe.ReasonAuthBypassed, wrong},
		{"shown a page", reply{status: 200, kind: "text/html", body: "<html>"}, probe.Fail, probe.ReasonBody, undecided},
		{"broken", reply{status: 500}, probe.Fail, probe.ReasonAuthBroken, undecided},
		{"not there", reply{status: 404}, probe.Fail, probe.ReasonStatus, undecided},
		{"sent elsewhere", reply{status: 302, destination: "/login"}, probe.Fail, probe.ReasonRedirect, undecided},
		{"asked too often", reply{status: 429}, probe.Error, probe.ReasonRateLimited, undecided},
	}
	forbidden := map[string]answer{ // where it is not the answer to a forged token
		"missing": {"forbidden", reply{status: 403}, probe.Pass, "", right},
	}
	for _, token := range builtin.ForgedTokens() {
		own, ok := forbidden[token]
		if !ok {
			own = answer{"forbidden", reply{status: 403}, probe.Fail, probe.ReasonStatus, undecided}
		}
		for _, tt := range append([]answer{own}, common...) {
			t.Run(token+" "+tt.name, func(t *testing.T) {
				auth := builtin.Auth{Path: "/api/tasks/statistics", Tokens: []string{token}, SigningKey: hasKey}
				got := run(t, auth.Check(), backend(map[string]reply{token: tt.said}))
				if got.Outcome != tt.outcome || got.Reason != tt.reason || got.Status != tt.said.status {
					t.Errorf("%v %s with status %d, want %v %s", got.Outcome, got.Reason, got.Status, tt.outcome, tt.reason)
				}
				var want []probe.Value
				if tt.said.status != 429 {
					want = append(want, probe.Value{Metric: "auth_rejection_status_code", Label: token, Number: float64(tt.said.status)})
				}
				if tt.bypassed != undecided {
					want = append(want, probe.Value{Metric: "auth_bypassed", Number: tt.bypassed})
				}
				if diff := cmp.Diff(want, got.Values); diff != "" {
					t.Errorf("values (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestAuthThatIsSlow(t *testing.T) {
	check := builtin.Auth{Tokens: []string{"missing", "malformed"}, Credentials: token("valid"), MaxDuration: time.Second}.Check()
	const inTime, late = time.Second, 1500 * time.Millisecond
	tests := []struct {
		name     string
		request  int // no token, malformed token, valid token
		status   int
		duration time.Duration
		want     probe.Reason
	}{
		{"refused in time", 1, 401, inTime, ""},
		{"refused late", 1, 401, late, probe.ReasonSlow},
		{"forbidden late to who sends none", 0, 403, late, probe.ReasonSlow},
		{"accepted late is accepted", 1, 200, late, probe.ReasonAuthBypassed},
		{"broken late is broken", 1, 500, late, probe.ReasonAuthBroken},
		{"the valid one accepted in time", 2, 200, inTime, ""},
		{"the valid one accepted late", 2, 200, late, probe.ReasonSlow},
		{"the valid one refused late is refused", 2, 401, late, probe.ReasonAuthRejectsValid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := check.Requests[tt.request].Expect.Judge(expect.Answer{Status: tt.status, Duration: tt.duration})
			if j.Reason != tt.want {
				t.Errorf("reason %s (wanted %s, got %s), want %s", j.Reason, j.Wanted, j.Got, tt.want)
			}
		})
	}
}

// Whether authentication can be bypassed is told by the forged tokens alone, and by all of them.
func TestConcludingBypass(t *testing.T) {
	passed := expect.Judgement{}
	failed := func(reason probe.Reason) expect.Judgement {
		return expect.Judgement{Outcome: probe.Fail, Reason: reason}
	}
	bypassed := func(n float64) []probe.Value { return []probe.Value{{Metric: "auth_bypassed", Number: n}} }
	tests := []struct {
		name   string
		judged []expect.Judgement // no token, malformed token, valid token
		want   []probe.Value
	}{
		{"refused", []expect.Judgement{passed, passed, passed}, bypassed(0)},
		{"refused late", []expect.Judgement{passed, failed(probe.ReasonSlow), passed}, bypassed(0)},
		{"refused, as the valid one is", []expect.Judgement{passed, passed, failed(probe.ReasonAuthRejectsValid)}, bypassed(0)},
		{"one accepted", []expect.Judgement{failed(probe.ReasonTimeout), failed(probe.ReasonAuthBypassed), passed}, bypassed(1)},
		{"one accepted, and no time for the others", []expect.Judgement{failed(probe.ReasonAuthBypassed)}, bypassed(1)},
		{"no answer to one", []expect.Judgement{passed, failed(probe.ReasonTimeout), passed}, nil},
		{"no time for one", []expect.Judgement{passed}, nil},
	}
	conclude := builtin.Auth{Tokens: []string{"missing", "malformed"}, Credentials: token("valid")}.Check().Conclude
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, conclude(tt.judged)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Where no forged token is asked with, nothing is known of how one would be answered.
func TestAuthWithTheValidTokenAlone(t *testing.T) {
	got := run(t, builtin.Auth{Path: "/api/tasks/statistics", Credentials: validToken(time.Now().Add(time.Hour))}.Check(), backend(nil))
	if got.Outcome != probe.Pass || got.Status != 200 || got.Values != nil {
		t.Errorf("%v with status %d and values %v, want pass with 200 and none", got.Outcome, got.Status, got.Values)
	}
}
