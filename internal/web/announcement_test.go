package web_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/config"
	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

// announce tells of a deployment, and gives what reached the desk of it.
func announce(t *testing.T, body string) (deployment.Announcement, string) {
	t.Helper()
	d := newDesk()
	w := request(t, apiOf(d, shop("health")), "POST", "/api/v1/deployments", body, withToken)
	isAnswer(t, w)
	if w.Code == 400 {
		if len(d.announced) > 0 {
			t.Errorf("it is refused, and verified")
		}
		var told struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil {
			t.Fatal(err)
		}
		return deployment.Announcement{}, told.Error
	}
	if len(d.announced) != 1 {
		t.Fatalf("%s: announced %d times, status %d", body, len(d.announced), w.Code)
	}
	return d.announced[0], ""
}

func TestWhatAnAnnouncementSays(t *testing.T) {
	policy := func(change func(*verdict.Policy)) *verdict.Policy {
		rules, _ := rules("shop")
		change(&rules.Policy)
		return &rules.Policy
	}
	for _, row := range []struct {
		name, body string
		want       deployment.Announcement
	}{
		{"no more than it must", `{"service":"shop"}`, deployment.Announcement{Service: "shop", Source: "api"}},
		{"a release", `{"service":"shop","release":"v1.5.0+fix"}`, deployment.Announcement{Service: "shop", Release: "v1.5.0+fix", Source: "api"}},
		{"blanks around it", ` {"service" : "shop", "release": " 1.5.0\n"} `, deployment.Announcement{Service: "shop", Release: "1.5.0", Source: "api"}},
		{
			"verify, which rolls back by itself", `{"service":"shop","source":"cli","skip_on_failure":true}`,
			deployment.Announcement{Service: "shop", Source: "cli", SkipHook: true},
		},
		{
			"one key of the policy; the others stay as configured", `{"service":"shop","verification":{"settle_timeout":"1m30s"}}`,
			deployment.Announcement{Service: "shop", Source: "api", Policy: policy(func(p *verdict.Policy) { p.SettleTimeout = 90 * time.Second })},
		},
		{
			"all of it", `{"service":"shop","verification":{"settle_timeout":"2m","window":"20s","interval":"500ms","consecutive":3,"max_restarts":1,"max_slowdown":0}}`,
			deployment.Announcement{Service: "shop", Source: "api", Policy: &verdict.Policy{
				SettleTimeout: 2 * time.Minute, Window: 20 * time.Second, Interval: 500 * time.Millisecond, Consecutive: 3, MaxRestarts: 1, MaxSlowdown: 0,
			}},
		},
		{"nothing of it", `{"service":"shop","verification":{}}`, deployment.Announcement{Service: "shop", Source: "api", Policy: policy(func(*verdict.Policy) {})}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, wrong := announce(t, row.body)
			if diff := cmp.Diff(row.want, got); diff != "" || wrong != "" {
				t.Errorf("%s%s", wrong, diff)
			}
		})
	}
}

func TestWhatIsWrongWithAnAnnouncement(t *testing.T) {
	for _, row := range []struct{ name, body, want string }{
		{"nothing", ``, "the request's body is not JSON: line 1, column 1: unexpected end of JSON input"},
		{"no JSON", "service=shop", "the request's body is not JSON: line 1, column 1: invalid character 's' looking for beginning of value"},
		{"cut off", "{\n  \"service\": \"shop\"", "the request's body is not JSON: line 2, column 19: unexpected end of JSON input"},
		{"a comma too much", "{\n  \"release\": \"ü\",}", "the request's body is not JSON: line 2, column 18: invalid character '}' looking for beginning of object key string"},
		{"something behind it", `{"service":"shop"} {}`, "the request's body is not JSON: line 1, column 20: invalid character '{' after top-level value"},
		{"a list", `[]`, "the request's body: [] is not an object"},
		{"null", `null`, "the request's body: null is not an object"},

		{"no service", `{}`, "service: it is missing; write the name of the service that was deployed"},
		{"a key that there is not", `{"service":"shop","relase":"1"}`, `"relase": there is no such key; there are service, release, source, skip_on_failure`},
		{"a key in another case", `{"Service":"shop"}`, "service: it is missing; write the name of the service that was deployed; " + `"Service": there is no such key; there are service, release, source, skip_on_failure`},
		{"a key twice", `{"service":"shop","service":"idle"}`, `"service": the key stands there twice`},
		{"a number in place of a text", `{"service":"shop","release":1.5}`, "release: 1.5 is not a text"},
		{"null in place of a text", `{"service":"shop","release":null}`, "release: null is not a text"},
		{"a text in place of true or false", `{"service":"shop","skip_on_failure":"yes"}`, `skip_on_failure: "yes" is not true or false`},
		{"a release that is too long", `{"service":"shop","release":"` + strings.Repeat("ü", 65) + `"}`, "release: it is longer than 128 bytes; write a shorter name"},
		{"a release of two lines", `{"service":"shop","release":"1\n2"}`, "release: it holds a control character; write a name on one line"},
		{"a source that is ours alone", `{"service":"shop","source":"detected"}`, `source: "detected" is none; write "api" or "cli"`},

		{"a policy that is none", `{"service":"shop","verification":"quick"}`, `verification: "quick" is not an object`},
		{"a list in place of the policy", `{"service":"shop","verification":[]}`, `verification: [] is not an object`},
		{"a key that the policy has not", `{"service":"shop","verification":{"windows":"1m"}}`, `verification."windows": there is no such key; there are settle_timeout, window, interval, consecutive, max_restarts, max_slowdown`},
		{"no unit", `{"service":"shop","verification":{"window":30}}`, `verification.window: 30 is not a duration; write one such as "10s" or "1h30m"`},
		{"no unit either", `{"service":"shop","verification":{"window":"30"}}`, `verification.window: "30" is not a duration; write one such as "10s" or "1h30m"`},
		{"more often than a backend bears", `{"service":"shop","verification":{"interval":"99ms"}}`, `verification.interval: "99ms" is too short; write 100ms or more`},
		{"half a pass", `{"service":"shop","verification":{"consecutive":1.5}}`, "verification.consecutive: 1.5 is not a whole number"},
		{"faster than before", `{"service":"shop","verification":{"max_slowdown":1}}`, "verification.max_slowdown: 1 is not above 1; write 0 where latencies are not to be compared"},
		{"an on_failure, which is the operator's alone", `{"service":"shop","verification":{"on_failure":{"command":["/bin/sh"]}}}`, `verification."on_failure": there is no such key; there are settle_timeout, window, interval, consecutive, max_restarts, max_slowdown`},
		{
			"all that is wrong, at once", `{"service":"shop","release":1,"verification":{"window":"-1s","max_restarts":-1}}`,
			`release: 1 is not a text; verification.window: "-1s" is too short; write 1ms or more; verification.max_restarts: -1 is out of range; write 0 to 1000000`,
		},
		{
			"a great deal is wrong", `{"service":"shop"` + strings.Repeat(`,"service":"shop"`, 100) + "}",
			strings.Repeat(`"service": the key stands there twice; `, 20) + "and 80 more",
		},
		{"something long is not repeated", `{"service":"shop","release":{"x":"` + strings.Repeat("y", 1000) + `"}}`, `release: {"x":"` + strings.Repeat("y", 54) + "… is not a text"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, wrong := announce(t, row.body); wrong != row.want {
				t.Errorf("got  %s\nwant %s", wrong, row.want)
			}
		})
	}
}

// TestThePolicysLimitsAreTheConfigurations: what one lets pass, so does the other.
func TestThePolicysLimitsAreTheConfigurations(t *testing.T) {
	for _, p := range []struct {
		body   string
		change func(*verdict.Policy)
	}{
		{`"settle_timeout":"0s"`, func(p *verdict.Policy) { p.SettleTimeout = 0 }},
		{`"settle_timeout":"1ms"`, func(p *verdict.Policy) { p.SettleTimeout = time.Millisecond }},
		{`"settle_timeout":"24h"`, func(p *verdict.Policy) { p.SettleTimeout = 24 * time.Hour }},
		{`"settle_timeout":"24h0m1s"`, func(p *verdict.Policy) { p.SettleTimeout = 24*time.Hour + time.Second }},
		{`"window":"0s"`, func(p *verdict.Policy) { p.Window = 0 }},
		{`"window":"1ms"`, func(p *verdict.Policy) { p.Window = time.Millisecond }},
		{`"window":"24h"`, func(p *verdict.Policy) { p.Window = 24 * time.Hour }},
		{`"window":"25h"`, func(p *verdict.Policy) { p.Window = 25 * time.Hour }},
		{`"interval":"99ms"`, func(p *verdict.Policy) { p.Interval = 99 * time.Millisecond }},
		{`"interval":"100ms"`, func(p *verdict.Policy) { p.Interval = 100 * time.Millisecond }},
		{`"interval":"24h"`, func(p *verdict.Policy) { p.Interval = 24 * time.Hour }},
		{`"interval":"25h"`, func(p *verdict.Policy) { p.Interval = 25 * time.Hour }},
		{`"consecutive":0`, func(p *verdict.Policy) { p.Consecutive = 0 }},
		{`"consecutive":1`, func(p *verdict.Policy) { p.Consecutive = 1 }},
		{`"consecutive":1000000`, func(p *verdict.Policy) { p.Consecutive = 1_000_000 }},
		{`"consecutive":1000001`, func(p *verdict.Policy) { p.Consecutive = 1_000_001 }},
		{`"max_restarts":-1`, func(p *verdict.Policy) { p.MaxRestarts = -1 }},
		{`"max_restarts":0`, func(p *verdict.Policy) { p.MaxRestarts = 0 }},
		{`"max_restarts":1000000`, func(p *verdict.Policy) { p.MaxRestarts = 1_000_000 }},
		{`"max_restarts":1000001`, func(p *verdict.Policy) { p.MaxRestarts = 1_000_001 }},
		{`"max_slowdown":0`, func(p *verdict.Policy) { p.MaxSlowdown = 0 }},
		{`"max_slowdown":0.5`, func(p *verdict.Policy) { p.MaxSlowdown = 0.5 }},
		{`"max_slowdown":1`, func(p *verdict.Policy) { p.MaxSlowdown = 1 }},
		{`"max_slowdown":1.1`, func(p *verdict.Policy) { p.MaxSlowdown = 1.1 }},
	} {
		policy := verdict.DefaultPolicy
		p.change(&policy)
		_, wrong := announce(t, `{"service":"shop","verification":{`+p.body+`}}`)
		if err := config.CheckPolicy(policy); (err == nil) != (wrong == "") {
			t.Errorf("%s: the configuration says %v, and the API %q", p.body, err, wrong)
		}
	}
}
