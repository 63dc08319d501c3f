package config

import (
	"strconv"
	"strings"
	"time"

	"postflight/internal/verdict"
)

// key is one key of the configuration. The table of keys drives the walk over a file, and makes the documentation.
type key struct {
	path      string // [] stands for any item of a list, <name> for any name
	kind      kind
	fallback  string // as it would be written; empty: there is none, or otherwise tells
	otherwise string // what holds where the key is left out, if that is not one value
	doc       string
	example   string // YAML
}

const day = 24 * time.Hour

var keys = []key{
	{
		path: "native_histograms", kind: booleanKind, fallback: "false", example: "true",
		doc: "Export histograms as native ones too. They cost Prometheus less for the same detail, and postflight some KiB of memory a series.",
	},
	{
		path: "defaults", kind: mappingKind, otherwise: "as below", example: `{schedule: "@every 30s", timeout: 3s}`,
		doc: "What holds for every check that does not say otherwise.",
	},
	{
		path: "defaults.schedule", kind: scheduleKind, fallback: "@every 15s", example: `"*/10 * * * * *"`,
		doc: "When checks run, unless they have a schedule of their own: a cron expression of 5 fields, or 6 with seconds in front; " +
			"`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`; or `@every` with a duration from 100ms to 8760h. Times are UTC unless the text begins with `CRON_TZ=Europe/Berlin` or the like. " +
			"Checks do not all run at the same moment: those of `@every 15s` are spread over 15 s, those of a cron expression over its shortest interval, a minute at most.",
	},
	{
		path: "defaults.timeout", kind: duration(time.Millisecond, 5*time.Minute), fallback: "5s", example: "3s",
		doc: "How long a whole check may take, all of its requests and their bodies included. It may be longer than the interval: a check that is still running is not started again.",
	},
	{
		path: "services", kind: listOf(mappingKind), otherwise: "required", example: `[{name: proxy-system, units: [proxy-system.service]}]`,
		doc: "What is deployed. Each service has targets, units, or both.",
	},
	{
		path: "services[].name", kind: nameKind, otherwise: "required", example: "proxy-system",
		doc: "Name of the service, the label `service` of its metrics: letters, digits, `.`, `_` and `-`, 64 at most. No two services have the same.",
	},
	{
		path: "services[].targets", kind: listOf(targetKind), otherwise: "none", example: `["http://127.0.0.1:8000"]`,
		doc: "Base URLs of the running copies of the service, `http` or `https`, perhaps with a path, to which each check adds its own. The URL is the label `target`, as it is written. " +
			"It holds no user or password: see `credentials`.",
	},
	{
		path: "services[].units", kind: listOf(unitKind), otherwise: "none", example: "[proxy-system.service]",
		doc: "systemd units of the service. `.service` is added where there is no suffix.",
	},
	{
		path: "services[].credentials", kind: namesOf(mappingKind, checkName), otherwise: "none", example: "{admin: {token_file: admin-token}}",
		doc: "Credentials by name. The built-in checks use those named `admin`, and do without where there are none; a check of your own says which it uses.",
	},
	{
		path: "services[].credentials.<name>.token_file", kind: fileKind, otherwise: "required", example: "/run/credentials/postflight.service/admin-token",
		doc: "File that holds a bearer token, relative to the configuration file unless it is absolute. It is read again when it changes. A file that cannot be read is no mistake of the configuration: " +
			"the checks that need it report it, until it can be.",
	},
	{
		path: "services[].checks", kind: listOf(mappingKind), otherwise: "the four built-in ones, if there are targets", example: "[{use: health}, {use: auth}]",
		doc: "What is asked of each target.",
	},
	{
		path: "services[].checks[].name", kind: nameKind, otherwise: "the built-in check's; required for one of your own", example: "orders",
		doc: "Name of the check, the label `check` of its metrics. No two checks of a service have the same.",
	},
	{
		path: "services[].checks[].use", kind: builtinKind, otherwise: "none: the check is one of your own", example: "health",
		doc: "The built-in check: `health`, `auth`, `db-monitor` or `queue-status`. It makes its own requests, so that the keys from `method` to `expect` do not go with it.",
	},
	{
		path: "services[].checks[].method", kind: methodKind, fallback: "GET", example: "POST",
		doc: "Method of the request: `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH` or `DELETE`.",
	},
	{
		path: "services[].checks[].path", kind: pathKind, otherwise: "required for a check of your own", example: "/api/orders/search",
		doc: "What is asked for, perhaps with a query. It begins with `/` and is added to the target.",
	},
	{
		path: "services[].checks[].headers", kind: namesOf(headerKind, checkHeaderName), otherwise: "none", example: "{Content-Type: application/json}",
		doc: "Headers of the request by name. Not `Authorization`, which would put a secret into the file: see `credentials`; and not those that are made from the target, the body and the connection, such as `Host`.",
	},
	{
		path: "services[].checks[].body", kind: bodyKind, otherwise: "none", example: `'{"limit": 1}'`,
		doc: "Body of the request, sent as it is written. `HEAD` and `OPTIONS` have none.",
	},
	{
		path: "services[].checks[].credentials", kind: nameKind, otherwise: "none", example: "admin",
		doc: "Name of those of the service's `credentials` that the request is made with.",
	},
	{
		path: "services[].checks[].expect", kind: mappingKind, otherwise: "as below", example: "{status: [200], max_duration: 2s}",
		doc: "What is expected of the answer.",
	},
	{
		path: "services[].checks[].expect.status", kind: listOf(wholeNumber(100, 599)), otherwise: "any from 200 to 299", example: "[200, 204]",
		doc: "Status codes, one of which the answer has. Redirects are not followed.",
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
		path: "services[].checks[].expect.assertions[].name", kind: nameKind, otherwise: "required", example: "has-total",
		doc: "Name of the assertion, the label `assertion` of its metric. No two assertions of a check have the same.",
	},
	{
		path: "services[].checks[].expect.assertions[].that", kind: conditionKind, otherwise: "required", example: `'body.total >= 0'`,
		doc: "Expression of [expr-lang](https://expr-lang.org/docs/language-definition) that is true or false, over `status` (a number), `header` (text by name), `body` (what its JSON holds, else its text), " +
			"`size` (bytes) and `duration` (seconds). A field that is not there is an error, and an assertion that errs does not hold: ask with `?.`, `??` or `in`; comparing a text with a number is an error too. " +
			"Functions: `all`, `none`, `any`, `one`, `count`, `filter`, `map`, `sum`, `find`, `findIndex`, `findLast`, `findLastIndex`, `len`, `keys`, `values`, `trim`, `lower`, `upper`, `min`, `max`, `abs`, `ceil`, `floor`, `round`, `int`, `float`. It stands in quotes, or YAML may take it for something else.",
	},
	{
		path: "services[].checks[].expect.assertions[].severity", kind: severityKind, fallback: "error", example: "warning",
		doc: "What becomes of the check if the assertion does not hold: with `error` it fails, with `warning` it warns and counts as up.",
	},
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
	{
		path: "services[].verification", kind: mappingKind, otherwise: "as below", example: "{window: 1m, interval: 2s}",
		doc: "How a deployment of the service is verified.",
	},
	{
		path: "services[].verification.settle_timeout", kind: duration(time.Millisecond, day), fallback: short(verdict.DefaultPolicy.SettleTimeout), example: "90s",
		doc: "How long the service may take until every critical check passes once. If it takes longer the deployment has failed.",
	},
	{
		path: "services[].verification.window", kind: duration(time.Millisecond, day), fallback: short(verdict.DefaultPolicy.Window), example: "1m",
		doc: "How long the service is observed after that.",
	},
	{
		path: "services[].verification.interval", kind: duration(100*time.Millisecond, day), fallback: short(verdict.DefaultPolicy.Interval), example: "2s",
		doc: "How often checks run meanwhile.",
	},
	{
		path: "services[].verification.consecutive", kind: wholeNumber(1, mostNumber), fallback: strconv.Itoa(verdict.DefaultPolicy.Consecutive), example: "3",
		doc: "How many passes in a row each critical check must end with; one, of a check whose `min_interval` is over 5s. Where the window ends before they are complete they are waited for.",
	},
	{
		path: "services[].verification.max_restarts", kind: wholeNumber(0, mostNumber), fallback: strconv.Itoa(verdict.DefaultPolicy.MaxRestarts), example: "1",
		doc: "How many automatic restarts of the service's units are let pass.",
	},
}

// table finds keys.
type table struct {
	below map[string][]key // by the path of the mapping that they stand in
}

func newTable() table {
	t := table{below: map[string][]key{}}
	for _, k := range keys {
		parent, _ := k.split()
		t.below[parent] = append(t.below[parent], k)
	}
	return t
}

// split tells the mapping in which the key stands, and the key's own name.
func (k key) split() (parent, name string) {
	dot := strings.LastIndexByte(k.path, '.')
	return k.path[:max(dot, 0)], k.path[dot+1:]
}

// find gives the key of that name in a mapping.
func (t table) find(parent, name string) (key, bool) {
	for _, k := range t.below[parent] {
		if _, own := k.split(); own == name {
			return k, true
		}
	}
	return key{}, false
}

// names lists the keys of a mapping.
func (t table) names(parent string) []string {
	var names []string
	for _, k := range t.below[parent] {
		_, name := k.split()
		names = append(names, name)
	}
	return names
}

// fallback reads what holds where a key is left out.
func fallback[T any](path string) T {
	for _, k := range keys {
		if k.path == path {
			got, err := k.kind.read(k.fallback)
			if err != nil {
				break
			}
			return got.(T)
		}
	}
	panic("no fallback for " + path)
}
