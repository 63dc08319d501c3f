package builtin_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/builtin"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

const backendKey = "the backend's key"

// jwt makes a token as a backend would.
func jwt(key, header, claims string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func validToken(expires time.Time) token {
	return token(jwt(backendKey, `{"alg":"HS256","typ":"JWT"}`, fmt.Sprintf(`{"sub":"17","exp":%d}`, expires.Unix())))
}

// kindOf tells the tokens apart as a backend that looks closely would: it trusts nothing but the signature.
func kindOf(r *http.Request) string {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(bearer, ".")
	if len(parts) != 3 {
		return "malformed"
	}
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	var algorithm struct{ Alg string }
	if json.Unmarshal(header, &algorithm) != nil {
		return "malformed"
	}
	mac := hmac.New(sha256.New, []byte(backendKey))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	switch signature, _ := base64.RawURLEncoding.DecodeString(parts[2]); {
	case algorithm.Alg == "none" && len(signature) == 0:
		return "alg_none"
	case algorithm.Alg == "HS256" && len(signature) == sha256.Size && !hmac.Equal(signature, mac.Sum(nil)):
		return "wrong_key"
	case algorithm.Alg == "HS256" && hmac.Equal(signature, mac.Sum(nil)):
		return "valid"
	}
	return "malformed"
}

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
		kind := kindOf(r)
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

// The forged tokens have to be right in all but one respect, or their refusal would prove something else.
func TestForgedTokens(t *testing.T) {
	check, _ := builtin.Lookup("auth")
	var kinds []string
	for _, request := range check.Build(nil).Requests {
		r, err := http.NewRequestWithContext(context.Background(), request.Method, request.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+request.Token)
		kinds = append(kinds, kindOf(r))
		if len(request.Token) < 10 {
			t.Errorf("%s: a token this short is refused before anybody looks at it", request.Name)
		}
		if parts := strings.Split(request.Token, "."); len(parts) == 3 {
			payload, err := base64.RawURLEncoding.DecodeString(parts[1])
			if err != nil {
				t.Fatal(err)
			}
			var claims struct {
				Sub      string
				Iat, Exp int64
			}
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			if claims.Sub == "" || claims.Iat >= time.Now().Unix() || claims.Exp < time.Now().AddDate(20, 0, 0).Unix() {
				t.Errorf("%s: claims %+v would be refused for themselves", request.Name, claims)
			}
		}
	}
	if diff := cmp.Diff([]string{"malformed", "wrong_key", "alg_none"}, kinds); diff != "" {
		t.Errorf("kinds of token (-want +got):\n%s", diff)
	}
}
