package config

import (
	"postflight/internal/logpattern"
	"postflight/probe"
)

// logKeys say what is looked for in the logs of a service's units.
var logKeys = []key{
	{
		path: "services[].logs", kind: mappingKind, otherwise: "the built-in patterns", example: "{patterns: [{name: worker-lost, match: 'worker \\d+ was lost'}]}",
		doc: "How the journal of the service's units is read.",
	},
	{
		path: "services[].logs.patterns", kind: listOf(mappingKind).atMost(100), otherwise: "none", example: "[{name: worker-lost, match: 'worker \\d+ was lost'}]",
		doc: "What is looked for in the lines of the units, beside the [built-in patterns](#log-patterns).",
	},
	{
		path: "services[].logs.patterns[].name", kind: nameKind, otherwise: isRequired, example: "slow-query",
		doc: "Name of the pattern, the label `pattern` of `postflight_log_matches_total`. No two patterns of a service have the same, and none has a built-in one's.",
	},
	{
		path: "services[].logs.patterns[].match", kind: regexpKind, otherwise: isRequired, example: `'query took (?P<ms>[0-9.]+)ms'`,
		doc: "[Regular expression](https://github.com/google/re2/wiki/Syntax) that matches somewhere in the line. A group with a name, `(?P<name>…)`, is for `value`.",
	},
	{
		path: "services[].logs.patterns[].exclude", kind: regexpKind, otherwise: "none", example: `'from cache'`,
		doc: "Regular expression that matches nowhere in the line.",
	},
	{
		path: "services[].logs.patterns[].severity", kind: choice("severity", severityNames...), fallback: string(probe.SeverityWarning), example: "error",
		doc: "How bad it is that a line matches: `error`, `warning` or `info`. What a line of an error or a warning says is kept as evidence; of `info` lines are counted only.",
	},
	{
		path: "services[].logs.patterns[].metric", kind: metricAfter(logPrefix), otherwise: "none", example: "query_duration_seconds",
		doc: "Name of a histogram of what the lines measure, which `postflight_log_value_` is put before. It goes with `value`. The same metric may be measured by several patterns, of any service; then its buckets are the same.",
	},
	{
		path: "services[].logs.patterns[].value", kind: formulaKind, otherwise: "required with `metric`", example: `'float(ms) / 1000'`,
		doc: "[Expression](#expressions) over the named groups of `match`, in place of an answer, that gives the number. Each group is a text, empty where it took no part. Where the expression errs the line is counted, and not measured.",
	},
	{
		path: "services[].logs.patterns[].buckets", kind: listOf(decimalKind).atMost(50), otherwise: "`" + listed(logpattern.DefaultBuckets()) + "`", example: "[0.1, 1, 10]",
		doc: "Upper bounds of the histogram's buckets, from the smallest on. What is above the last is counted, too.",
	},
}

var severityNames = []string{string(probe.SeverityError), string(probe.SeverityWarning), string(probe.SeverityInfo)}
