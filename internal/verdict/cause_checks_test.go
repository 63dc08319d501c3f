package verdict_test

import (
	"postflight/probe"
)

// causesOfChecks are those that checks alone tell of.
func causesOfChecks() []causeTest {
	return []causeTest{
		{
			name:    "a refused port",
			checks:  []probe.Result{failing("health", probe.ReasonConnect, "a connection", "127.0.0.1:8000: connection refused")},
			want:    "failed not_listening",
			summary: "http://127.0.0.1:8000: nothing accepts connections",
			hint:    "ss -ltnp",
			seen:    "http: health at http://127.0.0.1:8000: wanted a connection, got 127.0.0.1:8000: connection refused",
		},
		{
			name: "a refused port is one cause, however many checks it fails",
			checks: []probe.Result{
				failing("health", probe.ReasonConnect, "a connection", "connection refused"),
				failing("auth", probe.ReasonConnect, "a connection", "connection refused"),
			},
			want:    "failed not_listening",
			summary: "http://127.0.0.1:8000: nothing accepts connections",
			seen:    "http: auth at http://127.0.0.1:8000",
		},
		{
			name:    "a token that another instance issued is refused",
			checks:  []probe.Result{inconsistent(warning("db-monitor", "the token that http://b issued accepted", "it was refused: do they sign with different keys?"))},
			want:    "passed warning: auth_rejects_valid",
			summary: "db-monitor at http://127.0.0.1:8000: a valid token is refused",
			hint:    "JWT_SECRET_KEY",
			seen:    "do they sign with different keys?",
		},
		{
			name:    "an unknown name",
			checks:  []probe.Result{failing("health", probe.ReasonResolve, "an address for app.invalid", "no such host")},
			want:    "failed unresolvable",
			summary: "the name cannot be resolved",
			hint:    "host name",
			seen:    "no such host",
		},
		{
			name:    "a certificate for another name",
			checks:  []probe.Result{failing("health", probe.ReasonTLS, "a trusted certificate", "certificate is valid for example.org")},
			want:    "failed tls",
			summary: "certificate is valid for example.org",
			hint:    "Renew",
			seen:    "a trusted certificate",
		},
		{
			name:    "no answer in time",
			checks:  []probe.Result{failing("health", probe.ReasonTimeout, "an answer within 5s", "nothing in time, while waiting for the answer")},
			want:    "failed timeout",
			summary: "health at http://127.0.0.1:8000: no complete answer in time",
			hint:    "hangs",
			seen:    "wanted an answer within 5s",
		},
		{
			name:    "another status",
			checks:  []probe.Result{status(404, failing("health", probe.ReasonStatus, "status 200", "status 404"))},
			want:    "failed wrong_status",
			summary: "health at http://127.0.0.1:8000: status 404, wanted status 200",
			hint:    "route",
			seen:    "got status 404",
		},
		{
			name:    "a redirect to a login page",
			checks:  []probe.Result{status(302, failing("health", probe.ReasonRedirect, "status 200", "a redirect to /login"))},
			want:    "failed wrong_status",
			summary: "a redirect to /login",
			hint:    "login page",
			seen:    "a redirect to /login",
		},
		{
			name:    "something that is not HTTP",
			checks:  []probe.Result{failing("health", probe.ReasonProtocol, "an HTTP answer", "malformed HTTP response")},
			want:    "failed wrong_status",
			summary: "malformed HTTP response",
			hint:    "in front of it",
			seen:    "malformed HTTP response",
		},
		{
			name:    "a proxy's page instead of JSON",
			checks:  []probe.Result{status(200, failing("health", probe.ReasonBody, "a JSON object", "<html>…"))},
			want:    "failed not_json",
			summary: "the answer is not a JSON object",
			hint:    "routing",
			seen:    "<html>",
		},
		{
			name:    "forged tokens let in",
			checks:  []probe.Result{status(200, failing("auth", probe.ReasonAuthBypassed, "status 401", "status 200 for a token with alg none"))},
			want:    "failed auth_bypassed",
			summary: "auth at http://127.0.0.1:8000: authentication accepts what it must refuse",
			hint:    "take the release back",
			seen:    "alg none",
		},
		{
			name:    "authentication broken",
			checks:  []probe.Result{status(500, failing("auth", probe.ReasonAuthBroken, "status 401", "status 500"))},
			want:    "failed auth_broken",
			summary: "authentication itself fails, status 500",
			hint:    "database",
			seen:    "status 500",
		},
		{
			name:    "a valid token refused",
			checks:  []probe.Result{status(401, failing("auth", probe.ReasonAuthRejectsValid, "status 2xx", "status 401"))},
			want:    "failed auth_rejects_valid",
			summary: "a valid token is refused",
			hint:    "JWT_SECRET_KEY",
			seen:    "status 401",
		},
		{
			name:    "a queue that hides its error behind a 200",
			checks:  []probe.Result{status(200, failing("queue-status", probe.ReasonBody, "no error", "error: (1146, \"Table 'app.task_queue' doesn't exist\")"))},
			want:    "failed queue_broken",
			summary: "the queue cannot be read, error: (1146",
			hint:    "task_queue",
			seen:    "doesn't exist",
		},
		{
			name: "a lost database, which the queue tells of, and which explains authentication",
			checks: []probe.Result{
				status(200, failing("queue-status", probe.ReasonBody, "no error", "error: (2013, 'Lost connection')")),
				status(500, failing("auth", probe.ReasonAuthBroken, "status 401", "status 500")),
			},
			want:    "failed database_unreachable(auth_broken queue_broken)",
			summary: "the service cannot use its database, as queue-status at http://127.0.0.1:8000 says",
			hint:    "MYSQL_HOST",
			seen:    "http: auth at http://127.0.0.1:8000: wanted status 401, got status 500",
		},
		{
			name: "a lost database that health only warns of, and its fallout",
			checks: []probe.Result{
				component("database", "unhealthy", warning("health", "status healthy", "status degraded, database unhealthy")),
				status(500, failing("auth", probe.ReasonAuthBroken, "status 401", "status 500")),
				status(503, failing("db-monitor", probe.ReasonStatus, "status 200", "status 503")),
				status(404, failing("orders", probe.ReasonStatus, "status 200", "status 404")),
			},
			want:    "failed database_unreachable(auth_broken) wrong_status",
			summary: "as health at http://127.0.0.1:8000 says",
			seen:    "got status degraded, database unhealthy",
		},
		{
			name: "a lost database that health fails of",
			checks: []probe.Result{
				component("db", "unknown", status(200, failing("health", probe.ReasonBody, "status healthy", "status error, db unreachable"))),
				failing("queue-status", probe.ReasonTimeout, "an answer within 5s", "nothing in time"),
			},
			want:    "failed database_unreachable(timeout assertion)",
			summary: "as health at http://127.0.0.1:8000 says",
			seen:    "db unreachable",
		},
		{
			name: "a pool that is exhausted is no lost database",
			checks: []probe.Result{status(200, failing("queue-status", probe.ReasonBody, "no error",
				"error: QueuePool limit of size 25 overflow 30 reached, connection timed out, timeout 30.00"))},
			want:    "failed queue_broken",
			summary: "QueuePool limit",
			seen:    "connection timed out",
		},
		{
			name: "a cache that is down beside something else",
			checks: []probe.Result{
				component("cache", "unhealthy", warning("health", "status healthy", "status degraded, cache unhealthy: Redis未连接")),
				status(404, failing("orders", probe.ReasonStatus, "status 200", "status 404")),
			},
			want:    "failed wrong_status warning: cache_down",
			summary: "orders at http://127.0.0.1:8000: status 404",
			seen:    "got status 404",
		},
		{
			name:    "a cache that is down",
			checks:  []probe.Result{component("redis", "unhealthy", warning("health", "all components healthy", "redis unhealthy: Redis未连接"))},
			want:    "passed warning: cache_down",
			summary: "health at http://127.0.0.1:8000: the service runs without its cache, redis unhealthy",
			hint:    "Redis runs",
			seen:    "Redis未连接",
		},
		{
			name:    "a warning of something else",
			checks:  []probe.Result{warning("db-monitor", "no potential leaks", "3 potential leaks")},
			want:    "passed warning: assertion",
			summary: "db-monitor at http://127.0.0.1:8000: 3 potential leaks, wanted no potential leaks",
			seen:    "3 potential leaks",
		},
		{
			name: "own credentials refused, behind what failed",
			checks: []probe.Result{
				erring("queue-status", probe.ReasonCredentials, "status 200", "status 401 for our own token"),
				status(404, failing("health", probe.ReasonStatus, "status 200", "status 404")),
			},
			want:    "failed wrong_status warning: credentials_rejected",
			summary: "status 404, wanted status 200",
			hint:    "route",
			seen:    "status 404",
		},
		{
			name:    "an assertion of one's own",
			checks:  []probe.Result{status(200, failing("orders", probe.ReasonAssertion, "body.total >= 0", "false"))},
			want:    "failed assertion",
			summary: "orders at http://127.0.0.1:8000: false, wanted body.total >= 0",
			hint:    "what this release changed",
			seen:    "wanted body.total >= 0",
		},
		{
			name:    "a body that is JSON, but not what was wanted",
			checks:  []probe.Result{status(200, failing("health", probe.ReasonBody, "`status` healthy or degraded", "unhealthy"))},
			want:    "failed assertion",
			summary: "unhealthy, wanted `status` healthy or degraded",
			seen:    "unhealthy",
		},
		{
			name:    "right, but slow",
			checks:  []probe.Result{status(200, failing("front-end", probe.ReasonSlow, "an answer within 2s", "one after 3.1s"))},
			want:    "failed slow",
			summary: "right, but slow, one after 3.1s",
			hint:    "waits for",
			seen:    "3.1s",
		},
	}
}

func failing(check string, reason probe.Reason, wanted, got string) probe.Result {
	return probe.Result{Key: checkKey(check), Outcome: probe.Fail, Reason: reason, Wanted: wanted, Got: got}
}

func erring(check string, reason probe.Reason, wanted, got string) probe.Result {
	r := failing(check, reason, wanted, got)
	r.Outcome = probe.Error
	return r
}

func status(code int, r probe.Result) probe.Result {
	r.Status = code
	return r
}

func warning(check, wanted, got string) probe.Result {
	return probe.Result{Key: checkKey(check), Outcome: probe.Warn, Status: 200, Wanted: wanted, Got: got}
}

// component adds how a component of the backend's stands.
func component(name, state string, r probe.Result) probe.Result {
	r.Values = append(r.Values, probe.Value{Metric: "health_component_status", Label: name, State: state})
	return r
}

// inconsistent makes the result that of a target that refuses the tokens of another one.
func inconsistent(r probe.Result) probe.Result {
	r.Tokens = probe.TokensInconsistent
	return r
}
