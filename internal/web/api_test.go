package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postflight/internal/state"
	"postflight/internal/web"
)

// apiOf is the API with a token, in front of a desk.
func apiOf(d web.Deployments, store *state.Store) http.Handler {
	return web.Handler(web.Options{
		Store: store, Metrics: http.NotFoundHandler(), Started: time.Now(), Token: right, Deployments: d, Rules: rules,
	})
}

// request asks with the headers given as "Name: value".
func request(t *testing.T, h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const withToken = "Authorization: Bearer " + secret

func TestEachRouteOfTheAPI(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	for _, row := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/api/v1/status", "", 200, `"services":[{"name":"shop"`},
		{"HEAD", "/api/v1/status", "", 200, ""},
		{"GET", "/api/v1/deployments", "", 200, `{"deployments":[{"id":"d2"`},
		{"GET", "/api/v1/deployments?service=shop", "", 200, `{"deployments":[{"id":"d2"`},
		{"GET", "/api/v1/deployments?service=idle", "", 200, `{"deployments":[]}`},
		{"GET", "/api/v1/deployments?service=shoe", "", 404, "there is no such service"},
		{"GET", "/api/v1/deployments/d1", "", 200, `{"id":"d1","service":"shop","release":"1.4.2"`},
		{"GET", "/api/v1/deployments/d9", "", 404, "there is no such deployment"},

		{"POST", "/api/v1/deployments", `{"service":"shop","release":"1.5.0"}`, 202, `{"id":"d/3"`},
		{"POST", "/api/v1/deployments", `{"service":"shop"}`, 202, `"release":""`},
		{"POST", "/api/v1/deployments", `{"service":"shop","release":"1.4.3"}`, 200, `{"id":"d2"`},
		{"POST", "/api/v1/deployments", `{"service":"shoe"}`, 404, "there is no such service"},
		{"POST", "/api/v1/deployments", `{"service":"shoe","verification":{"window":"1m"}}`, 404, "there is no such service"},
		{"POST", "/api/v1/deployments", `{"service":"idle"}`, 409, "nothing to verify"},
		{"POST", "/api/v1/deployments", `{"service":"shop","release":"` + long + `"}`, 413, "larger than 64 KiB"},
		{"POST", "/api/v1/deployments", `{"service":"shop"}` + strings.Repeat(" ", 64<<10-18), 202, `"release":""`},
		{"POST", "/api/v1/deployments", `{"service":"shop"}` + strings.Repeat(" ", 64<<10-17), 413, "larger than 64 KiB"},
		{"POST", "/api/v1/deployments", `{"release":"1.5.0"}`, 400, "service: it is missing"},

		{"POST", "/api/v1/services/shop/pause", `{"for":"10m"}`, 200, `{"service":"shop","paused_until":"2026-11-21T09:40:00Z"}`},
		{"POST", "/api/v1/services/shop/pause", `{"for":"0s"}`, 200, `{"service":"shop"}`},
		{"POST", "/api/v1/services/shoe/pause", `{"for":"10m"}`, 404, "there is no such service"},
		{"POST", "/api/v1/services/shop/pause", `{}`, 400, "for: write how long to pause"},
		{"POST", "/api/v1/services/shop/pause", `{"for":"-1s"}`, 400, "too short"},
		{"POST", "/api/v1/services/shop/pause", `{"for":"169h"}`, 400, "too long"},
		{"POST", "/api/v1/services/shop/pause", `{"for":600}`, 400, "not a duration"},
		{"POST", "/api/v1/services/shop/pause", long + "x", 413, "larger than 64 KiB"},

		{"POST", "/api/v1/deployments/d1/rollback", `{"state":"running","hook":"./rollback.sh"}`, 200, `{"id":"d1"`},
		{"POST", "/api/v1/deployments/d1/rollback", `{"state":"ended","problem":"","output":"done"}`, 200, `{"id":"d1"`},
		{"POST", "/api/v1/deployments/d2/rollback", `{"state":"running"}`, 409, "only a failed deployment is rolled back, and this one is observing"},
		{"POST", "/api/v1/deployments/d9/rollback", `{"state":"running"}`, 404, "there is no such deployment"},
		{"POST", "/api/v1/deployments/d1/rollback", `{}`, 400, "state: write"},
		{"POST", "/api/v1/deployments/d1/rollback", `{"state":"running","output":"x"}`, 400, "there is no such key"},
		{"POST", "/api/v1/deployments/d1/rollback", `{"state":"ended","hook":"x"}`, 400, "there is no such key"},
		{"POST", "/api/v1/deployments/d1/rollback", `{"state":"ended","output":"` + strings.Repeat(`\u001b`, 64<<10) + `"}`, 200, `{"id":"d1"`},
		{"POST", "/api/v1/deployments/d1/rollback", strings.Repeat(long, 7) + "x", 413, "larger than 448 KiB"},

		{"GET", "/api/v1/deployments/d9/events", "", 404, "there is no such deployment"},
		{"GET", "/api/v1/deployments/d1/events?last_event_id=x", "", 400, "the last event's id is"},
		{"HEAD", "/api/v1/deployments/d1/events", "", 200, ""},

		{"GET", "/api/v2/status", "", 404, "there is no /api/v2/status"},
		{"GET", "/api/v1/", "", 404, "there is no /api/v1/"},
		{"PUT", "/api/v1/status", "", 405, "/api/v1/status takes GET, HEAD, and not PUT"},
		{"DELETE", "/api/v1/deployments", "", 405, "takes GET, HEAD, POST, and not DELETE"},
		{"GET", "/api/v1/services/shop/pause", "", 405, "takes POST, and not GET"},
		{"GET", "/api/v1/deployments/d1/rollback", "", 405, "takes POST, and not GET"},
	} {
		t.Run(row.method+" "+row.path+" "+row.body[:min(len(row.body), 60)], func(t *testing.T) {
			w := request(t, apiOf(newDesk(), shop("health")), row.method, row.path, row.body, withToken)
			if w.Code != row.status || !strings.Contains(w.Body.String(), row.says) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			isAnswer(t, w)
		})
	}
}

// isAnswer holds an answer to what all of them are: JSON, an error or not, that nobody stores.
func isAnswer(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the header is %v", w.Header())
	}
	if w.Header().Get("Content-Type") != "application/json" {
		if w.Body.Len() > 0 {
			t.Errorf("it is %s", w.Header().Get("Content-Type"))
		}
		return
	}
	var body struct{ Error *string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Errorf("%v in %s", err, w.Body)
	}
	if failed := w.Code >= 400; (body.Error != nil) != failed {
		t.Errorf("status %d with %s", w.Code, w.Body)
	}
}

func TestWhereADeploymentIsFound(t *testing.T) {
	for body, want := range map[string]string{
		`{"service":"shop","release":"1.4.3"}`: "/api/v1/deployments/d2",
		`{"service":"shop","release":"1.5.0"}`: "/api/v1/deployments/d%2F3",
		`{"service":"shoe"}`:                   "",
	} {
		if got := request(t, apiOf(newDesk(), shop("health")), "POST", "/api/v1/deployments", body, withToken).Header().Get("Location"); got != want {
			t.Errorf("%s: at %q, want %q", body, got, want)
		}
	}
}

func TestWithoutADeskThereIsOnlyTheStatus(t *testing.T) {
	h := web.Handler(web.Options{Store: shop("health"), Metrics: http.NotFoundHandler(), Token: right})
	for path, want := range map[string]int{
		"/api/v1/status": 200, "/api/v1/deployments": 404, "/api/v1/deployments/d1": 404, "/api/v1/deployments/d1/events": 404,
	} {
		w := request(t, h, "GET", path, "", withToken)
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
		isAnswer(t, w)
	}
}

func TestWhoMayChangeSomething(t *testing.T) {
	changes := []struct{ path, body string }{
		{"/api/v1/deployments", `{"service":"shop","release":"1.4.3"}`},
		{"/api/v1/services/shop/pause", `{"for":"1m"}`},
		{"/api/v1/deployments/d1/rollback", `{"state":"running"}`},
	}
	for _, row := range []struct {
		name      string
		token     func() (string, error)
		trusted   bool
		header    string
		status    int
		challenge string
	}{
		{"the right token", right, false, withToken, 200, ""},
		{"beside basic auth", right, false, "X-Postflight-Token: " + secret, 200, ""},
		{"no token", right, false, "Accept: */*", 401, `Bearer realm="postflight"`},
		{"a wrong token", right, false, "Authorization: Bearer wrong", 401, `Bearer realm="postflight", error="invalid_token"`},
		{"none configured", nil, false, withToken, 403, ""},
		{"the token file cannot be read", unreadable, false, withToken, 403, ""},
		{"a form on somebody's page", right, false, "Content-Type: application/x-www-form-urlencoded", 401, `Bearer realm="postflight"`},
		{"over the control socket", nil, true, "Accept: */*", 200, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk()
			h := web.Handler(web.Options{Store: shop(), Metrics: http.NotFoundHandler(), Token: row.token, Deployments: d, Rules: rules})
			if row.trusted {
				h = web.Trusted(h)
			}
			for _, change := range changes {
				w := request(t, h, "POST", change.path, change.body, row.header)
				if w.Code != row.status || w.Header().Get("WWW-Authenticate") != row.challenge {
					t.Errorf("%s: %d, %v", change.path, w.Code, w.Header())
				}
				isAnswer(t, w)
				if strings.Contains(answerOf(t, w), secret) {
					t.Errorf("%s: the answer holds the token", change.path)
				}
			}
			if changed := len(d.announced) + len(d.paused) + len(d.told); changed != 0 && row.status != 200 || changed != 3 && row.status == 200 {
				t.Errorf("%d of 3 changes were made", changed)
			}
		})
	}
}
