package config

import (
	"slices"
	"strings"
	"time"
)

// checkKeys say what is asked, when, and what is expected of the answer.
var checkKeys = slices.Concat(requestKeys, valueKeys, runKeys)

var requestKeys = []key{
	{
		path: "services[].checks", kind: listOf(mappingKind), otherwise: "the four built-in ones, unless there are units only", example: "[{use: health}, {use: auth}]",
		doc: "What is asked of each target.",
	},
	{
		path: "services[].checks[].name", kind: nameKind, otherwise: "the built-in check's; required for one of your own", example: "orders",
		doc: "Name of the check, the label `check` of its metrics. No two checks of a service have the same.",
	},
	{
		path: "services[].checks[].use", kind: builtinKind, otherwise: "none: the check is one of your own", example: "health",
		doc: "The built-in check: `health`, `auth`, `db-monitor` or `queue-status`. The other keys change single fields of it. Its method and body stay; and of `auth`, which judges each answer by the token that it asked with, the keys `follow_redirects`, `values`, `runtime`, `expect.status` and `expect.assertions` are left out.",
	},
	{
		path: "services[].checks[].method", kind: methodKind, fallback: "GET", example: "POST",
		doc: "Method of the request: `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH` or `DELETE`.",
	},
	{
		path: "services[].checks[].path", kind: pathKind, otherwise: "the built-in check's; required for one of your own", example: "/api/orders/search",
		doc: "What is asked for, perhaps with a query. It begins with `/` and is added to the target.",
	},
	{
		path: "services[].checks[].headers", kind: namesOf(headerKind, checkHeaderName), otherwise: "none", example: "{Content-Type: application/json}",
		doc: "Headers of the request by name. They are no place for secrets, for `config show` prints them: `Authorization` is refused (see `credentials`), and of `auth` also `Cookie`, which could log in the requests with forged tokens. Nor are those written here that are made from the target, the body and the connection, such as `Host`.",
	},
	{
		path: "services[].checks[].body", kind: bodyKind, otherwise: "none", example: `'{"limit": 1}'`,
		doc: "Body of the request, sent as it is written. `GET`, `HEAD` and `OPTIONS` have none.",
	},
	{
		path: "services[].checks[].credentials", kind: nameKind, otherwise: "none; of a built-in check `admin`, if the service has them", example: "admin",
		doc: "Name of those of the service's `credentials` that the request is made with.",
	},
	{
		path: "services[].checks[].follow_redirects", kind: booleanKind, fallback: "false", example: "true",
		doc: "Follow redirects, ten at most, and judge the last answer. Where one leads to another scheme, host or port, credentials, headers and body are not sent there, and it is only asked with `GET` (or `HEAD`). By default a redirect is the answer.",
	},
	{
		path: "services[].checks[].tokens", kind: listOf(forgedKind), otherwise: "`[" + strings.Join(defaultTokens(), ", ") + "]` for `auth`", example: "[malformed, wrong_key, alg_none, expired]",
		doc: "Of `auth`: the tokens that have to be refused. `missing` (there is none), `malformed`, `wrong_key` (signed with another key), `alg_none` (not signed) and `expired` (signed with `signing_key`, and too old).",
	},
	{
		path: "services[].checks[].signing_key", kind: secretKind, otherwise: "none", example: "s3cr3t",
		doc: "Of `auth`, with the token `expired`: the key with which the backend itself signs its tokens, with HS256, unless there is a `signing_key_file`. Whether it is the right one postflight cannot tell: with another, `expired` is a token of a `wrong_key` once more, and says nothing about expiry.",
	},
	{
		path: "services[].checks[].signing_key_file", kind: fileKind, otherwise: "none", example: "/run/credentials/postflight.service/jwt-key",
		doc: "File that holds the key.",
	},
	{
		path: "services[].checks[].expect", kind: mappingKind, otherwise: "as below", example: "{status: [200], max_duration: 2s}",
		doc: "What is expected of the answer.",
	},
	{
		path: "services[].checks[].expect.status", kind: listOf(wholeNumber(100, 599)), otherwise: "the built-in check's; any from 200 to 299 for one of your own", example: "[200, 204]",
		doc: "Status codes, one of which the answer has.",
	},
	{
		path: "services[].checks[].expect.max_duration", kind: duration(time.Millisecond, 5*time.Minute), otherwise: "no limit but `timeout`", example: "2s",
		doc: "How long the answer may take. One that takes longer has failed, as `slow`.",
	},
	{
		path: "services[].checks[].expect.assertions", kind: listOf(mappingKind).atMost(100), otherwise: "none", example: `[{name: has-total, that: "body.total >= 0"}]`,
		doc: "What has to hold of the answer.",
	},
	{
		path: "services[].checks[].expect.assertions[].name", kind: nameKind, otherwise: isRequired, example: "has-total",
		doc: "Name of the assertion, the label `assertion` of its metric. No two assertions of a check have the same.",
	},
	{
		path: "services[].checks[].expect.assertions[].that", kind: conditionKind, otherwise: isRequired, example: `'body.total >= 0'`,
		doc: "[Expression](#expressions) that is true or false. If it errs, it does not hold. Whole numbers from 2^53 on have lost digits by the time they are read: " +
			"where two of them look equal, `==`, `!=` and `in` err. `%` takes any number that the body holds, and whole ones that are written: of 5.5, `body.x % 2` is 1.5.",
	},
	{
		path: "services[].checks[].expect.assertions[].severity", kind: severityKind, fallback: "error", example: "warning",
		doc: "What becomes of the check if the assertion does not hold: with `error` it fails, with `warning` it warns and counts as up.",
	},
}

// valueKeys say what is read from the answer.
var valueKeys = []key{
	{
		path: "services[].checks[].values", kind: listOf(mappingKind).atMost(100), otherwise: "none", example: "[{metric: orders_open, from: body.open}]",
		doc: "Metrics that are read from the answer. What cannot be read is left out and counted in `postflight_extraction_errors_total`; the check's outcome stays what it is.",
	},
	{
		path: "services[].checks[].values[].metric", kind: metricAfter(valuePrefix), otherwise: isRequired, example: "orders_open",
		doc: "Name of the metric, which `postflight_value_` is put before. The same metric may be read by several checks, of any service; then its type, help and label are the same.",
	},
	{
		path: "services[].checks[].values[].type", kind: choice("type", gauge, counter), fallback: gauge, example: counter,
		doc: "`gauge`, or `counter` of what the backend counts itself: the metric shows the growth that postflight saw. The name of a counter ends in `_total`.",
	},
	{
		path: "services[].checks[].values[].help", kind: helpKind, otherwise: "a general one", example: "Orders not yet closed.",
		doc: "What the metric is, in a sentence. For a metric that is read in several places once is enough.",
	},
	{
		path: "services[].checks[].values[].from", kind: valueKind, otherwise: "none", example: "body.open",
		doc: "[Expression](#expressions) that gives the number. True is 1 and false 0, and a text is what `states` says. Either `from` or `each` is there.",
	},
	{
		path: "services[].checks[].values[].each", kind: valueKind, otherwise: "none", example: "body.states",
		doc: "[Expression](#expressions) that gives several numbers, each with its value of the `label`: an object of them by that value, or a list of them, which are numbered from 0; or, with `key_field` and `value_field`, a list of objects.",
	},
	{
		path: "services[].checks[].values[].label", kind: labelKind, otherwise: "required with `each`", example: "state",
		doc: "Name of the label that tells the numbers of `each` apart. It has 64 values at most; the rest is added up as `other`.",
	},
	{
		path: "services[].checks[].values[].key_field", kind: fieldKind, otherwise: "none", example: "name",
		doc: "Of objects in a list, the field that holds the label's value. It goes with `value_field`.",
	},
	{
		path: "services[].checks[].values[].value_field", kind: fieldKind, otherwise: "none", example: "count",
		doc: "Of objects in a list, the field that holds the number.",
	},
	{
		path: "services[].checks[].values[].states", kind: namesOf(decimalKind, checkState), otherwise: "none: a text is no number", example: "{healthy: 0, degraded: 1}",
		doc: "Of a gauge, the numbers that texts stand for. Any other text cannot be read.",
	},
	{
		path: "services[].checks[].runtime", kind: valueKind, otherwise: "none: all answers come from one process", example: "body.runtime_seconds",
		doc: "[Expression](#expressions) that gives how many seconds the process that answered has been running. Where several processes share a port, each counts for itself, and counters need it to tell them apart.",
	},
}

// runKeys say when and how a check runs.
var runKeys = []key{
	{
		path: "services[].checks[].schedule", kind: scheduleKind, otherwise: "the built-in check's own (`auth`: `@every 1m`), else `defaults.schedule`", example: `"*/5 * * * * *"`,
		doc: "When the check runs, written as `defaults.schedule` is.",
	},
	{
		path: "services[].checks[].timeout", kind: duration(time.Millisecond, 5*time.Minute), otherwise: "`defaults.timeout`", example: "2s",
		doc: "How long the whole check may take.",
	},
	{
		path: "services[].checks[].min_interval", kind: duration(time.Millisecond, day), otherwise: "the built-in check's own (`auth`: `10s`), else no limit", example: "5s",
		doc: "The check never runs more often than this, not even while a deployment is verified. A schedule that would is refused.",
	},
	{
		path: "services[].checks[].critical", kind: booleanKind, fallback: "true", example: "false",
		doc: "Whether the check decides if the service is up, and the verdict on a deployment.",
	},
	{
		path: "services[].checks[].reuse_connections", kind: booleanKind, fallback: "false", example: "true",
		doc: "Keep connections between runs. By default each run connects anew: that the port accepts connections is part of the question.",
	},
}
