package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/internal/web"
	"postflight/probe"
)

// docs/api.md shows requests and the answers to them. Each is sent, one after the other, and answered as the page says.
func TestThePageOfTheAPIShowsWhatIsAnswered(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)\n```http\n(.*?)\n?```\n").FindAllSubmatch(page, -1)
	if len(blocks) == 0 || len(blocks)%2 != 0 {
		t.Fatalf("there are %d requests and answers", len(blocks))
	}
	shown := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at.Add(time.Minute)))
		h := shownAPI(t)
		for i := 0; i < len(blocks); i += 2 {
			r := requestOf(t, blocks[i][1])
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			shown[r.Method+" "+r.Pattern] = true
			if got := answerAsShown(t, w, blocks[i+1][1]); !matches(string(blocks[i+1][1]), got) {
				t.Errorf("%s %s is answered\n%s\nand not\n%s", r.Method, r.URL, got, blocks[i+1][1])
			}
		}
	})
	for _, route := range []string{
		"GET /-/healthy", "GET /-/ready", "POST /-/reload", "GET /api/v1/status", "GET /api/v1/deployments", "POST /api/v1/deployments",
		"GET /api/v1/deployments/{id}", "GET /api/v1/deployments/{id}/events", "POST /api/v1/deployments/{id}/rollback", "POST /api/v1/services/{name}/pause",
	} {
		if method, _, _ := strings.Cut(route, " "); !shown[method+" "+route] {
			t.Errorf("there is no example of %s", route)
		}
	}
}

// shownAPI is the API with what the page tells of: shop, one of whose deployments has failed.
func shownAPI(t *testing.T) http.Handler {
	t.Helper()
	store, d := shop("health"), newDesk()
	doc := crashed(t)
	d.next, d.docs = "9e0b6d2f4a8c1735", []verdict.Document{doc}
	d.follow = func(ctx context.Context, after uint64, f func(deployment.Event) error) error {
		return telling(toldOf(t, doc), 0)(ctx, after, f)
	}
	unit := probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", NRestarts: 4}
	store.Fold(probe.Result{Key: shopUnit, Start: time.Now(), Unit: &unit})
	store.Fold(probe.Result{Key: key("health"), Start: time.Now().Add(-2 * time.Second), Outcome: probe.Warn, Wanted: "status healthy", Got: "status degraded", Release: "1.4.2"})
	store.FoldPause("shop", time.Now().Add(4*time.Minute))
	store.FoldDeployment(state.Deployment{Document: doc})
	return web.Handler(web.Options{
		Store: store, Metrics: http.NotFoundHandler(), Started: time.Now(), Deployments: d, Rules: rules,
		Reload: func(context.Context) error { return nil },
		Token:  func() (string, error) { return "TOKEN", nil },
	})
}

// crashed is the verdict on a release that lacks a module, and what became of its rollback.
func crashed(t *testing.T) verdict.Document {
	t.Helper()
	v, err := verdict.New(verdict.Plan{
		ID: "7d1c3f9ab2e04c55", Service: "shop", Release: "1.4.2", Source: verdict.API, Policy: verdict.DefaultPolicy, Start: at,
		Units: []string{"shop.service"}, Logs: true,
		Checks: []verdict.PlannedCheck{{Check: probe.Check{Key: key("health"), Critical: true}, Timeout: 5 * time.Second}},
	})
	if err != nil {
		t.Fatal(err)
	}
	unit := probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running"}
	v.FoldUnit(verdict.UnitSeen{Unit: "shop.service", Time: at, Reading: &unit, Known: true})
	died := unit
	died.ActiveState, died.SubState, died.Result, died.ExecMainCode, died.ExecMainStatus = "activating", "auto-restart", "exit-code", 1, 1
	died.ExecMainExit = at.Add(1200 * time.Millisecond)
	v.FoldUnit(verdict.UnitSeen{Unit: "shop.service", Time: at.Add(1200 * time.Millisecond), Reading: &died})
	v.FoldCheck(probe.Result{
		Key: key("health"), Start: at.Add(1500 * time.Millisecond), Outcome: probe.Fail, Reason: probe.ReasonConnect,
		Wanted: "a connection", Got: "connection refused",
	})
	v.FoldLog(verdict.LogSeen{Unit: "shop.service", Time: at.Add(1600 * time.Millisecond), Observable: true, Matches: []probe.Match{{
		Pattern: "missing-module", Severity: probe.SeverityError, Time: at.Add(1100 * time.Millisecond), Module: "jwt",
		Before: []string{`  File "/opt/shop/app.py", line 3, in <module>`, "    import jwt"}, Text: "ModuleNotFoundError: No module named 'jwt'",
	}}})
	doc := v.At(at.Add(2 * time.Second))
	if doc.State != verdict.Failed {
		t.Fatalf("it is %s", doc.State)
	}
	return doc
}

// toldOf are the events of a verification that came to this.
func toldOf(t *testing.T, doc verdict.Document) []deployment.Event {
	t.Helper()
	var events []deployment.Event
	for i, e := range []struct {
		kind string
		data any
	}{{"state", doc}, {"check", doc.Checks[0]}, {"unit", doc.Units[0]}, {"verdict", doc}} {
		events = append(events, deployment.Event{ID: uint64(i + 1), Type: e.kind, Data: json.RawMessage(mustJSON(t, e.data))})
	}
	return events
}

// requestOf reads a request: its first line without the protocol, headers, an empty line and the body.
func requestOf(t *testing.T, block []byte) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(string(block), "\n\n")
	line, headers, _ := strings.Cut(head, "\n")
	text := line + " HTTP/1.1\r\nHost: localhost\r\n" + strings.ReplaceAll(headers, "\n", "\r\n")
	if headers != "" {
		text += "\r\n"
	}
	text += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatalf("%v in\n%s", err, block)
	}
	return r
}

// answerAsShown writes an answer as the page does: the status, those headers that the page shows, and the body.
func answerAsShown(t *testing.T, w *httptest.ResponseRecorder, shown []byte) string {
	t.Helper()
	text := fmt.Sprintf("%d %s\n", w.Code, http.StatusText(w.Code))
	head, _, _ := strings.Cut(string(shown), "\n\n")
	for _, line := range strings.Split(head, "\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		text += name + ": " + w.Header().Get(name) + "\n"
	}
	body := w.Body.Bytes()
	if w.Header().Get("Content-Type") == "application/json" {
		var indented bytes.Buffer
		if err := json.Indent(&indented, body, "", "  "); err != nil {
			t.Fatal(err)
		}
		body = indented.Bytes()
	}
	return strings.TrimRight(text+"\n"+string(body), "\n")
}

// matches reports whether an answer is what the page shows, where … stands for anything.
func matches(shown, got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(shown, "\n")), "…", "(?s:.*?)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}
