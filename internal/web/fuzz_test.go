package web_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"postflight/internal/verdict"
)

// FuzzAnnouncement: whatever is sent, the answer is one of those that there are, it is JSON, and what reaches the desk is a
// policy that can be verified.
func FuzzAnnouncement(f *testing.F) {
	for _, body := range []string{
		`{"service":"shop","release":"1.5.0","source":"cli","skip_on_failure":true}`,
		`{"service":"shop","verification":{"settle_timeout":"1m","window":"20s","interval":"500ms","consecutive":3,"max_restarts":1,"max_slowdown":2.5}}`,
		`{"service":"shop","service":null,"verification":[{}]}`, `{`, `[[[`, `"`, `{} {}`, "\xff", `{"\ud800":1}`, `{"verification":{"max_slowdown":1e999}}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := newDesk()
		w := request(t, apiOf(d, shop()), "POST", "/api/v1/deployments", body, withToken)
		isAnswer(t, w)
		switch w.Code {
		case 200, 202, 404, 409:
			if !json.Valid([]byte(body)) {
				t.Errorf("status %d for what is no JSON", w.Code)
			}
		case 400, 413:
			if len(d.announced) > 0 {
				t.Errorf("status %d, and yet it is verified", w.Code)
			}
		default:
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if w.Code >= 400 && w.Body.Len() > 20<<10 {
			t.Errorf("the answer has %d bytes", w.Body.Len())
		}
		for _, a := range d.announced {
			if a.Service != "shop" || len(a.Release) > 128 || !utf8.ValidString(a.Release) || a.Source != verdict.API && a.Source != verdict.CLI {
				t.Errorf("announced was %+v", a)
			}
			if a.Policy != nil && a.Policy.Validate() != nil {
				t.Errorf("%+v: %v", a.Policy, a.Policy.Validate())
			}
		}
	})
}

// FuzzRollback: the desk is told what was said, and never more than it keeps.
func FuzzRollback(f *testing.F) {
	for _, body := range []string{
		`{"state":"running","hook":"./rollback.sh"}`, `{"state":"ended","problem":"exit status 1","output":"\u001b[31mno\n"}`,
		`{"state":"ended"}`, `{"state":"running","output":""}`, `{"state":0}`, `null`, ``,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := newDesk()
		w := request(t, apiOf(d, shop()), "POST", "/api/v1/deployments/d1/rollback", body, withToken)
		isAnswer(t, w)
		if told := len(d.told) == 1; told != (w.Code == 200) || !told && w.Code != 400 && w.Code != 413 {
			t.Errorf("status %d, told %q", w.Code, d.told)
		}
	})
}

// FuzzPause: what is paused is paused for as long as was said.
func FuzzPause(f *testing.F) {
	for _, body := range []string{`{"for":"10m"}`, `{"for":"0s"}`, `{"for":"-0s"}`, `{"for":"9999999h"}`, `{"for":{}}`, `{"for":"1e9s"}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := newDesk()
		w := request(t, apiOf(d, shop()), "POST", "/api/v1/services/shop/pause", body, withToken)
		isAnswer(t, w)
		if paused := len(d.paused) == 1; paused != (w.Code == 200) || paused && (d.paused[0] < 0 || d.paused[0].Hours() > 7*24) {
			t.Errorf("status %d, paused for %v", w.Code, d.paused)
		}
	})
}

// TestALongOutputKeepsItsEnd: the end is where it says what went wrong.
func TestALongOutputKeepsItsEnd(t *testing.T) {
	d := newDesk()
	body := `{"state":"ended","problem":"exit status 1","output":"` + strings.Repeat("x", 70<<10) + `the end"}`
	if w := request(t, apiOf(d, shop()), "POST", "/api/v1/deployments/d1/rollback", body, withToken); w.Code != 200 || len(d.told) != 1 {
		t.Fatalf("status %d: %s", w.Code, bytes.TrimSpace(w.Body.Bytes()))
	}
	if n := len(d.told[0]); n > 65<<10 || !strings.HasSuffix(d.told[0], `the end"`) {
		t.Errorf("told are %d bytes, that end with %s", n, d.told[0][n-20:])
	}
}
