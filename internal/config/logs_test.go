package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/logpattern"
	"postflight/probe"
)

func TestPatternsHaveDefaults(t *testing.T) {
	c, err := Parse("f.yml", []byte(`services:
  - name: a
    units: [a]
    logs: {patterns: [{name: slow, match: '(?P<ms>\d+)ms', metric: slow_seconds, value: float(ms) / 1000}]}
  - {name: b, units: [b], logs: {patterns: []}}
  - {name: c, units: [c], logs: {}}
  - {name: d, targets: ["http://d"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	slow := logpattern.Pattern{
		Pattern: probe.Pattern{
			Name: "slow", Severity: probe.SeverityWarning, Metric: "log_value_slow_seconds",
			Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
		},
		Match: `(?P<ms>\d+)ms`, Value: "float(ms) / 1000",
	}
	if diff := cmp.Diff([]logpattern.Pattern{slow}, c.Services[0].Patterns); diff != "" {
		t.Error(diff)
	}
	if want := "buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]"; !strings.Contains(string(c.YAML()), want) {
		t.Errorf("want %s in\n%s", want, c.YAML())
	}
	found := c.Services[0].Logs.Reader().Line(1, time.Unix(0, 0), []byte("用户认证耗时过长: 1500ms"))
	if len(found) != 2 || found[0].Pattern != "slow-auth" || found[1].Pattern != "slow" || found[1].Value != 1.5 {
		t.Errorf("the built-in one and the own one should find it: %+v", found)
	}
	if b, c := c.Services[1], c.Services[2]; b.Patterns != nil || b.Logs == nil || b.Logs != c.Logs {
		t.Errorf("without patterns of its own a service shares the built-in ones: %v, %p and %p", b.Patterns, b.Logs, c.Logs)
	}
	if d := c.Services[3]; d.Patterns != nil || d.Logs != nil {
		t.Errorf("a service without units reads no log: %v, %v", d.Patterns, d.Logs)
	}
}

// What one service says of a metric does not reach the next file.
func TestPatternsOfTwoFilesAreApart(t *testing.T) {
	for _, buckets := range []string{"[1]", "[2]"} {
		if _, err := Parse("f.yml", []byte("services: [{name: a, units: [a], logs: {patterns: [{name: a, match: a, metric: a, value: '1', buckets: "+buckets+"}]}}]")); err != nil {
			t.Error(err)
		}
	}
}
