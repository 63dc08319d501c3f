package logpattern_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/internal/logpattern"
	"postflight/probe"
)

// slowQuery is a pattern that measures.
func slowQuery() logpattern.Pattern {
	return logpattern.Pattern{
		Pattern: probe.Pattern{Name: "slow-query", Severity: probe.SeverityWarning, Metric: "log_value_query_duration_seconds", Buckets: []float64{0.1, 1, 10}},
		Match:   `query took (?P<ms>[0-9.]+)(?P<unit>m?s)`,
		Value:   `float(ms) / (unit == "ms" ? 1000 : 1)`,
	}
}

func TestCompileRefuses(t *testing.T) {
	with := func(change func(*logpattern.Pattern)) []logpattern.Pattern {
		p := slowQuery()
		change(&p)
		return []logpattern.Pattern{p}
	}
	plain := lookingFor("plain", "plain")
	tests := []struct {
		name     string
		patterns []logpattern.Pattern
		want     string
	}{
		{"no name", []logpattern.Pattern{plain, lookingFor("", "x")},
			`pattern 2: name: is missing`},
		{"a name that another has", []logpattern.Pattern{plain, plain},
			`pattern "plain": name: another pattern has it already; choose another`},
		{"a built-in one's name", append(logpattern.Builtin(), lookingFor("slow-auth", "x")),
			`pattern "slow-auth": name: another pattern has it already; choose another`},
		{"nothing to look for", with(func(p *logpattern.Pattern) { p.Match = "" }),
			`pattern "slow-query": match: is missing: say what to look for in a line`},
		{"an expression that is none", with(func(p *logpattern.Pattern) { p.Match = `took (?P<ms>[0-9]+` }),
			"pattern \"slow-query\": match: line 1, column 6: it is never closed; write ) after it, or \\( for the character\ntook (?P<ms>[0-9]+\n     ^"},
		{"what matches every line", []logpattern.Pattern{lookingFor("all", `error|`)},
			`pattern "all": match: it matches every line, since it matches nothing at all; write what a line has to hold`},
		{"an exclude that is none", with(func(p *logpattern.Pattern) { p.Exclude = `[` }),
			"pattern \"slow-query\": exclude: line 1, column 1: it is never closed; write ] after it, or \\[ for the character\n[\n^"},
		{"what excludes every line", with(func(p *logpattern.Pattern) { p.Exclude = `x*` }),
			`pattern "slow-query": exclude: it excludes every line, since it matches nothing at all; write what a line must not hold`},
		{"no severity", with(func(p *logpattern.Pattern) { p.Severity = "" }),
			`pattern "slow-query": severity: "" is none; it is error, warning or info`},
		{"another severity", with(func(p *logpattern.Pattern) { p.Severity = "fatal" }),
			`pattern "slow-query": severity: "fatal" is none; it is error, warning or info`},
		{"a metric of nothing", with(func(p *logpattern.Pattern) { p.Value = "" }),
			`pattern "slow-query": value: is missing: say what of a line log_value_query_duration_seconds measures`},
		{"a value for nothing", with(func(p *logpattern.Pattern) { p.Metric, p.Buckets = "", nil }),
			`pattern "slow-query": metric: is missing: say which metric the value is of`},
		{"buckets of nothing", with(func(p *logpattern.Pattern) { p.Metric, p.Value = "", "" }),
			`pattern "slow-query": buckets: they are of a metric, and there is none`},
		{"a value over what is not captured", with(func(p *logpattern.Pattern) { p.Value = "float(sec)" }),
			"pattern \"slow-query\": value: line 1, column 7: unknown name sec\nfloat(sec)\n      ^"},
		{"a value that is a text", with(func(p *logpattern.Pattern) { p.Value = "ms" }),
			"pattern \"slow-query\": value: line 1, column 1: the expression yields text, not a number; float(…) makes one of a text\nms\n^"},
		{"buckets that fall", with(func(p *logpattern.Pattern) { p.Buckets = []float64{1, 10, 5} }),
			`pattern "slow-query": buckets: 5 comes after 10; each has to be greater than the one before`},
		{"buckets that stay", with(func(p *logpattern.Pattern) { p.Buckets = []float64{1, 1} }),
			`pattern "slow-query": buckets: 1 comes after 1; each has to be greater than the one before`},
		{"a bucket without bound", with(func(p *logpattern.Pattern) { p.Buckets = []float64{1, math.Inf(1)} }),
			`pattern "slow-query": buckets: +Inf is no bound; all that is above the last one is counted by itself`},
		{"a bucket that is no number", with(func(p *logpattern.Pattern) { p.Buckets = []float64{math.NaN()} }),
			`pattern "slow-query": buckets: NaN is no bound; all that is above the last one is counted by itself`},
		{"too many buckets", with(func(p *logpattern.Pattern) { p.Buckets = make([]float64, 51) }),
			`pattern "slow-query": buckets: 51 of them; at most 50 are allowed`},
		{"one metric with two kinds of buckets", append(with(func(p *logpattern.Pattern) { p.Name = "slow-update"; p.Buckets = nil }), slowQuery()),
			`pattern "slow-query": buckets: pattern "slow-update" has others, and they share the metric log_value_query_duration_seconds`},
		{"all at once", []logpattern.Pattern{{Pattern: probe.Pattern{Name: "a", Severity: "x"}}, lookingFor("b", "(")},
			"pattern \"a\": match: is missing: say what to look for in a line\npattern \"a\": severity: \"x\" is none; it is error, warning or info\npattern \"b\": match: line 1, column 1: it is never closed; write ) after it, or \\( for the character\n(\n^"},
	}
	for _, tt := range tests {
		_, err := logpattern.Compile(tt.patterns)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.name, err, tt.want)
		}
	}
}

// What reads a configuration points at the key.
func TestCompileSaysWhere(t *testing.T) {
	wrong := slowQuery()
	wrong.Value = "float(sec)"
	_, err := logpattern.Compile([]logpattern.Pattern{lookingFor("plain", "plain"), wrong})
	var problem *logpattern.Error
	var place *expect.SyntaxError
	if !errors.As(err, &problem) || !errors.As(err, &place) {
		t.Fatalf("%v", err)
	}
	if problem.Index != 1 || problem.Key != "value" || place.Column != 7 {
		t.Errorf("pattern %d, %s, column %d", problem.Index, problem.Key, place.Column)
	}
}

func TestMetricsGetBuckets(t *testing.T) {
	without := slowQuery()
	without.Buckets = nil
	want := without.Pattern
	want.Buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	if diff := cmp.Diff([]probe.Pattern{want}, compile(t, without).Patterns()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
