package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
)

// A metric is one, wherever it is read, and its help is that of the place where it is said.
func TestValuesOfTheSameNameShareTheirMetric(t *testing.T) {
	c, err := Parse("f.yml", []byte(`services:
  - name: a
    targets: ["http://a"]
    checks:
      - {name: a, path: /, values: [{metric: open, from: body.a}, {metric: by_state, each: body.b, label: state}]}
      - {name: b, path: /, values: [{metric: open, from: body.b, help: Open orders.}]}
  - name: b
    targets: ["http://b"]
    checks:
      - {name: a, path: /, values: [{metric: open, from: body.c}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	var metrics []*probe.Metric
	for _, s := range c.Services {
		for _, check := range s.Checks {
			metrics = append(metrics, check.Request.Expect.Values[0].Metric)
		}
	}
	for _, metric := range metrics {
		if metric != metrics[0] {
			t.Errorf("%p is not %p", metric, metrics[0])
		}
	}
	if diff := cmp.Diff(&probe.Metric{Name: "value_open", Help: "Open orders."}, metrics[0]); diff != "" {
		t.Error(diff)
	}
}
