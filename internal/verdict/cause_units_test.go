package verdict_test

import (
	"postflight/probe"
)

// causesOfUnits are those that units and their logs tell of, and what they explain.
func causesOfUnits() []causeTest {
	return []causeTest{
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
}

func logged(pattern, text, module string) probe.Match {
	return probe.Match{Pattern: pattern, Severity: probe.SeverityError, Text: text, Module: module}
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
