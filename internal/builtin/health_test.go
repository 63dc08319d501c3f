package builtin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
)

func TestHealth(t *testing.T) {
	status := func(s string) probe.Value { return probe.Value{Metric: "health_status", State: s} }
	component := func(name, s string) probe.Value {
		return probe.Value{Metric: "health_component_status", Label: name, State: s}
	}
	tests := []struct {
		name   string
		status int
		body   string
		want   verdict
		values []probe.Value
	}{
		{"healthy", 200, `{"status":"healthy","service":"s","issues":null,"cache":{"status":"healthy","message":"Redis运行正常"}}`,
			verdict{}, []probe.Value{status("healthy"), component("cache", "healthy")}},
		{"an older build", 200, `{"status":"healthy","service":"s"}`, verdict{}, []probe.Value{status("healthy")}},
		{"degraded, as Redis is down", 200, `{"status":"degraded","issues":["x"],"cache":{"status":"unhealthy","message":"Redis未连接"}}`,
			verdict{probe.Warn, "", "status healthy", "status degraded, cache unhealthy: Redis未连接"},
			[]probe.Value{status("degraded"), component("cache", "unhealthy")}},
		{"degraded, no more said", 200, `{"status":"degraded"}`, verdict{probe.Warn, "", "status healthy", "status degraded"}, []probe.Value{status("degraded")}},
		{"a component that is not healthy", 200, `{"status":"healthy","cache":{"status":"unknown"},"db":{"status":"healthy"}}`,
			verdict{probe.Warn, "", "all components healthy", "cache unknown"},
			[]probe.Value{status("healthy"), component("cache", "unknown"), component("db", "healthy")}},
		{"a component of a state that nobody knows", 200, `{"status":"healthy","db":{"status":"on\"\nfire"}}`,
			verdict{probe.Warn, "", "all components healthy", `db on" fire`}, []probe.Value{status("healthy"), component("db", "unknown")}},
		{"a component whose state is not text", 200, `{"status":"healthy","cache":{"status":null,"message":"m"},"db":{"status":7}}`,
			verdict{probe.Warn, "", "all components healthy", "cache unknown: m"},
			[]probe.Value{status("healthy"), component("cache", "unknown"), component("db", "unknown")}},
		{"objects that are no components", 200, `{"status":"healthy","limits":{"max":3}}`, verdict{}, []probe.Value{status("healthy")}},
		{"unhealthy", 200, `{"status":"unhealthy","cache":{"status":"unhealthy"}}`,
			verdict{probe.Fail, probe.ReasonBody, "status healthy", "status unhealthy, cache unhealthy"},
			[]probe.Value{status("unhealthy"), component("cache", "unhealthy")}},
		{"a status that nobody knows", 200, `{"status":"starting"}`, verdict{probe.Fail, probe.ReasonBody, "status healthy", "status starting"}, []probe.Value{status("unknown")}},
		{"quotes and newlines in keys", 200, "{\"status\":\"healthy\",\"a\\\"b\\nc\":{\"status\":\"degraded\"}}",
			verdict{probe.Warn, "", "all components healthy", `a"b c degraded`}, []probe.Value{status("healthy"), component("a\"b\nc", "degraded")}},
		{"no status", 200, `{"service":"s"}`, verdict{probe.Fail, probe.ReasonBody, "a JSON object with a status", `{"service":"s"}`}, nil},
		{"null for a status", 200, `{"status":null}`, verdict{probe.Fail, probe.ReasonBody, "a JSON object with a status", `{"status":null}`}, nil},
		{"a list", 200, `["healthy"]`, verdict{probe.Fail, probe.ReasonBody, "a JSON object", `["healthy"]`}, nil},
		{"a page", 200, `<html>ok</html>`, verdict{probe.Fail, probe.ReasonBody, "a JSON object", `<html>ok</html>`}, nil},
		{"nothing", 200, ``, verdict{probe.Fail, probe.ReasonBody, "a JSON object", "an empty body"}, nil},
		{"a proxy in front of nothing", 502, `<html>Bad Gateway</html>`,
			verdict{probe.Fail, probe.ReasonStatus, "status 200", "status 502 Bad Gateway: <html>Bad Gateway</html>"}, nil},
		{"another 2xx", 204, ``, verdict{probe.Fail, probe.ReasonStatus, "status 200", "status 204 No Content"}, nil},
		{"asked too often", 429, ``, verdict{probe.Error, probe.ReasonRateLimited, "an answer", "status 429 Too Many Requests"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := look(t, "health", nil, answers(tt.status, tt.body))
			if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.values, got.Values); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			if got.Status != tt.status {
				t.Errorf("status %d, want %d", got.Status, tt.status)
			}
		})
	}
}

// What to do with so many is for those who keep them; here none is lost.
func TestHealthOfFiveThousandComponents(t *testing.T) {
	var body strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&body, `"c%04d":{"status":"s%d"},`, i, i)
	}
	got := look(t, "health", nil, answers(200, "{"+body.String()+`"status":"healthy"}`))
	if got.Outcome != probe.Warn || len(got.Values) != 5001 {
		t.Fatalf("outcome %v with %d values, want warn with 5001", got.Outcome, len(got.Values))
	}
	for _, value := range got.Values[1:] {
		if value.State != "unknown" {
			t.Fatalf("component %s has state %q, want unknown", value.Label, value.State)
		}
	}
}
