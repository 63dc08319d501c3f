package verdict_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"postflight/internal/verdict"
	"postflight/probe"
)

// Each row is what was seen of a deployment that fails, or passes with a warning, and what it is told to be of. Every cause
// has its row.
func TestCauses(t *testing.T) {
	tests := []struct {
		name   string
		checks []probe.Result // of critical checks, over and over
		unit   *probe.Unit    // nil: there is none
		grown  uint64         // its automatic restarts, seen one second later
		logged []probe.Match  // in its log by then

		want    string // as brief tells it
		summary string // within the first cause's summary
		hint    string // within its hint
		seen    string // within its evidence
	}{
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
		{
			name:    "a crash loop, which explains the closed port",
			checks:  []probe.Result{failing("health", probe.ReasonConnect, "a connection", "connection refused")},
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			want:    "failed crash_loop(not_listening)",
			summary: "app.service: crash loop, 3 automatic restarts in 1s, last exit status 1",
			hint:    "journalctl -u app.service",
			seen:    "systemd: app.service: exit status 1, Result=exit-code",
		},
		{
			name: "a crash loop behind a proxy explains its 502, but not a refused token",
			checks: []probe.Result{
				status(502, failing("health", probe.ReasonStatus, "status 200", "status 502")),
				status(401, failing("auth", probe.ReasonAuthRejectsValid, "status 2xx", "status 401")),
			},
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			want:    "failed crash_loop(wrong_status) auth_rejects_valid",
			summary: "crash loop",
			hint:    "systemctl restart app.service",
			seen:    "http: health at http://127.0.0.1:8000: wanted status 200, got status 502",
		},
		{
			name: "a crash loop does not explain a route that is missing",
			checks: []probe.Result{
				status(502, failing("health", probe.ReasonStatus, "status 200", "status 502")),
				status(404, failing("orders", probe.ReasonStatus, "status 200", "status 404")),
			},
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			want:    "failed crash_loop wrong_status",
			summary: "crash loop",
			seen:    "3 automatic restarts since",
		},
		{
			name:    "killed again and again",
			unit:    &probe.Unit{LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", Result: "signal", ExecMainCode: 2, ExecMainStatus: 9},
			grown:   3,
			want:    "failed crash_loop",
			summary: "last ended by signal 9",
			seen:    "Result=signal",
		},
		{
			name:    "dumping core again and again",
			unit:    &probe.Unit{LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", Result: "core-dump", ExecMainCode: 3, ExecMainStatus: 11},
			grown:   3,
			want:    "failed crash_loop",
			summary: "last ended by signal 11 with a core dump",
			seen:    "Result=core-dump",
		},
		{
			name:    "a unit that nobody knows",
			checks:  []probe.Result{failing("health", probe.ReasonConnect, "a connection", "connection refused")},
			unit:    &probe.Unit{LoadState: "not-found", ActiveState: "inactive", SubState: "dead", Result: "success"},
			want:    "failed unit_missing(not_listening)",
			summary: "app.service: systemd knows no unit of this name",
			hint:    "daemon-reload",
			seen:    "systemd: app.service: LoadState=not-found ActiveState=inactive",
		},
		{
			name:    "a masked unit",
			unit:    &probe.Unit{LoadState: "masked", ActiveState: "inactive", SubState: "dead", Result: "success"},
			want:    "failed unit_missing",
			summary: "app.service: the unit is masked",
			hint:    "unmask",
			seen:    "LoadState=masked",
		},
		{
			name:    "a unit whose file is wrong",
			unit:    &probe.Unit{LoadState: "bad-setting", ActiveState: "inactive", SubState: "dead", Result: "success"},
			want:    "failed unit_missing",
			summary: "app.service: systemd cannot load the unit (bad-setting)",
			seen:    "LoadState=bad-setting",
		},
		{
			name:    "a failed unit, which explains the silence",
			checks:  []probe.Result{failing("health", probe.ReasonTimeout, "an answer within 5s", "nothing in time")},
			unit:    once(crashed("failed", "failed")),
			want:    "failed unit_failed(timeout)",
			summary: "app.service: failed (failed), last exit status 1",
			hint:    "systemctl status app.service",
			seen:    "systemd: app.service: ActiveState=failed SubState=failed",
		},
		{
			name:    "a unit that was never started",
			unit:    &probe.Unit{LoadState: "loaded", ActiveState: "inactive", SubState: "dead", Result: "success"},
			want:    "failed unit_failed",
			summary: "app.service: inactive (dead), not active",
			hint:    "journalctl -u app.service",
			seen:    "ActiveState=inactive",
		},
		{
			name:   "a missing module, which explains the crash loop and the closed port",
			checks: []probe.Result{failing("health", probe.ReasonConnect, "a connection", "connection refused")},
			unit:   crashed("activating", "auto-restart"),
			grown:  3,
			logged: []probe.Match{{
				Pattern: "missing-module", Severity: probe.SeverityError, Module: "jwt",
				Before: []string{"Traceback (most recent call last):", `  File "/srv/app/main.py", line 3, in <module>`, "    import jwt"},
				Text:   "ModuleNotFoundError: No module named 'jwt'",
			}},
			want:    "failed missing_dependency(crash_loop not_listening)",
			summary: "app.service: the module jwt is missing",
			hint:    "Add PyJWT to the requirements and recreate the venv.",
			seen: "journal: Traceback (most recent call last):\n" +
				"journal:   File \"/srv/app/main.py\", line 3, in <module>\n" +
				"journal:     import jwt\n" +
				"journal: ModuleNotFoundError: No module named 'jwt'\n" +
				"systemd: app.service: exit status 1",
		},
		{
			name:    "a missing module of which a unit has failed",
			unit:    once(crashed("failed", "failed")),
			logged:  []probe.Match{logged("missing-module", "ModuleNotFoundError: No module named 'shop.cart'", "shop.cart")},
			want:    "failed missing_dependency(unit_failed)",
			summary: "the module shop.cart is missing",
			hint:    "Add shop to the requirements and recreate the venv; if the module is the service's own, the release is incomplete.",
			seen:    "journal: ModuleNotFoundError: No module named 'shop.cart'\nsystemd: ",
		},
		{
			name:    "a missing shared library",
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			logged:  []probe.Match{logged("missing-module", "ImportError: libmysqlclient.so.21: cannot open shared object file", "libmysqlclient.so.21")},
			want:    "failed missing_dependency(crash_loop)",
			summary: "app.service: the shared library libmysqlclient.so.21 is missing",
			hint:    "(`apt-file search` or `dnf provides` names it), then `systemctl restart app.service`",
			seen:    "cannot open shared object file",
		},
		{
			name:    "a module of another version",
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			logged:  []probe.Match{logged("missing-module", "ImportError: cannot import name 'PyJWKClient' from 'jwt'", "jwt")},
			want:    "failed missing_dependency(crash_loop)",
			summary: "app.service: the module jwt lacks what is imported from it",
			hint:    "Pin the version of PyJWT that this release was made for",
			seen:    "PyJWKClient",
		},
		{
			name:    "an import that fails without a name",
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			logged:  []probe.Match{logged("missing-module", "ImportError: dynamic module does not define its init function", "")},
			want:    "failed missing_dependency(crash_loop)",
			summary: "app.service: something cannot be imported",
			hint:    "recreate the venv",
			seen:    "dynamic module",
		},
		{
			name:    "an address in use, which explains the crash loop",
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			logged:  []probe.Match{logged("address-in-use", "[Errno 98] error while attempting to bind on address", "")},
			want:    "failed port_in_use(crash_loop)",
			summary: "app.service: the address that it listens on is in use",
			hint:    "`ss -ltnp`",
			seen:    "journal: [Errno 98]",
		},
		{
			name:    "a lost database that the log tells of, which explains the crash loop",
			checks:  []probe.Result{failing("health", probe.ReasonConnect, "a connection", "connection refused")},
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			logged:  []probe.Match{logged("db-session-error", "数据库会话错误: (2003, \"Can't connect\")", "")},
			want:    "failed database_unreachable(crash_loop not_listening)",
			summary: "the service cannot use its database, as the log of app.service says",
			hint:    "MYSQL_HOST",
			seen:    "journal: 数据库会话错误: (2003",
		},
		{
			name:    "killed for want of memory, which explains the crash loop",
			checks:  []probe.Result{failing("health", probe.ReasonConnect, "a connection", "connection refused")},
			unit:    killed("oom-kill", 9),
			grown:   3,
			want:    "failed oom_killed(crash_loop not_listening)",
			summary: "app.service: killed for want of memory, ended by signal 9",
			hint:    "systemctl show -p MemoryMax app.service",
			seen:    "Result=oom-kill",
		},
		{
			name:    "killed by the watchdog, and not restarted",
			unit:    failed(killed("watchdog", 6)),
			want:    "failed watchdog(unit_failed)",
			summary: "app.service: killed by systemd's watchdog, ended by signal 6",
			hint:    "WatchdogSec=",
			seen:    "Result=watchdog",
		},
		{
			name:    "a start that systemd refuses",
			checks:  []probe.Result{failing("health", probe.ReasonConnect, "a connection", "connection refused")},
			unit:    &probe.Unit{LoadState: "loaded", ActiveState: "failed", SubState: "failed", Result: "start-limit-hit"},
			want:    "failed start_limit_hit(not_listening)",
			summary: "app.service: systemd has given up starting it, its start limit is hit",
			hint:    "systemctl reset-failed app.service",
			seen:    "Result=start-limit-hit",
		},
		{
			name:    "given up before it was looked at",
			unit:    crashed("failed", "failed"),
			want:    "failed start_limit_hit",
			summary: "its start limit is hit after 3 automatic restarts, last exit status 1",
			seen:    "NRestarts=3",
		},
		{
			name:    "another error in the log, which explains nothing",
			unit:    crashed("activating", "auto-restart"),
			grown:   3,
			logged:  []probe.Match{logged("db-session-error", "数据库会话错误: (1054, \"Unknown column 'x'\")", "")},
			want:    "failed crash_loop log_errors",
			summary: "app.service: crash loop",
			seen:    "3 automatic restarts since",
		},
		{
			name:    "an error in the log of what runs and answers",
			checks:  []probe.Result{{Key: checkKey("health")}},
			unit:    &probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success"},
			logged:  []probe.Match{logged("db-session-error", "数据库会话错误: (1054, \"Unknown column 'x'\")", "")},
			want:    "failed log_errors",
			summary: "app.service: errors in the log, db-session-error",
			hint:    "journalctl -u app.service",
			seen:    "journal: 数据库会话错误",
		},
	}
	told := ""
	for _, test := range tests {
		told += " " + test.want
	}
	for _, cause := range verdict.Causes() {
		if !regexp.MustCompile(`[ (]` + string(cause) + `\b`).MatchString(told) {
			t.Errorf("no row tells of %s", cause)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := verified(t, test.checks, test.unit, test.grown, test.logged)
			if got := brief(d); got != test.want {
				t.Fatalf("%s, want %s", got, test.want)
			}
			first := d.Causes[0]
			holds(t, "summary", first.Summary, test.summary)
			holds(t, "hint", first.Hint, test.hint)
			var seen strings.Builder
			for _, e := range first.Evidence {
				seen.WriteString(e.Source + ": " + e.Text + "\n")
			}
			holds(t, "evidence", seen.String(), test.seen)
		})
	}
}

// verified is the end of a verification in which each second brings these results of the checks, and the unit is, from
// the second on, as given.
func verified(t *testing.T, checks []probe.Result, unit *probe.Unit, grown uint64, logged []probe.Match) verdict.Document {
	t.Helper()
	plan := verdict.Plan{Service: "app", Source: "cli", Start: start, Policy: verdict.DefaultPolicy}
	for _, r := range checks {
		check := probe.Check{Key: r.Key, Critical: true}
		plan.Checks = append(plan.Checks, verdict.PlannedCheck{Check: check, Timeout: 5 * time.Second})
	}
	if unit != nil {
		plan.Units = []string{"app.service"}
	}
	v, err := verdict.New(plan)
	if err != nil {
		t.Fatal(err)
	}
	if grown > 0 {
		running := probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", Result: "success"}
		v.FoldUnit(verdict.UnitSeen{Unit: "app.service", Time: start, Reading: &running})
	}
	for at := range 60 {
		now := start.Add(time.Duration(at) * time.Second)
		for _, r := range checks {
			r.Start = now
			v.FoldCheck(r)
		}
		if logged != nil && at == 1 {
			for i := range logged {
				logged[i].Time = now
			}
			v.FoldLog(verdict.LogSeen{Unit: "app.service", Time: now, Observable: true, Matches: logged})
		}
		if unit != nil && at == 1 {
			v.FoldUnit(verdict.UnitSeen{Unit: "app.service", Time: now, Reading: unit, Restarts: grown})
		}
	}
	return v.At(start.Add(time.Hour))
}

func holds(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s: %q does not hold %q", what, text, part)
	}
}

func failing(check string, reason probe.Reason, wanted, got string) probe.Result {
	return probe.Result{Key: checkKey(check), Outcome: probe.Fail, Reason: reason, Wanted: wanted, Got: got}
}

func logged(pattern, text, module string) probe.Match {
	return probe.Match{Pattern: pattern, Severity: probe.SeverityError, Text: text, Module: module}
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

func killed(result string, signal int32) *probe.Unit {
	return &probe.Unit{
		LoadState: "loaded", ActiveState: "activating", SubState: "auto-restart", Result: result, ExecMainCode: 2, ExecMainStatus: signal,
	}
}

func failed(u *probe.Unit) *probe.Unit {
	u.ActiveState, u.SubState = "failed", "failed"
	return u
}

// once is a unit that was not restarted before.
func once(u *probe.Unit) *probe.Unit {
	u.NRestarts = 0
	return u
}

func crashed(active, sub string) *probe.Unit {
	return &probe.Unit{
		LoadState: "loaded", ActiveState: active, SubState: sub, Result: "exit-code",
		NRestarts: 3, ExecMainCode: 1, ExecMainStatus: 1,
	}
}
