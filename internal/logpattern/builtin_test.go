package logpattern_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/logpattern"
	"postflight/probe"
)

// told is what the built-in patterns find in a line, as "pattern", "pattern module" or "pattern number".
func told(matches []probe.Match) string {
	var all []string
	for _, m := range matches {
		text := strings.TrimSpace(m.Pattern + " " + m.Module)
		if m.Measured {
			text += fmt.Sprint(" ", m.Value)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestBuiltin(t *testing.T) {
	tests := []struct{ line, want string }{
		// a module that is missing
		{`ModuleNotFoundError: No module named 'jwt'`, `missing-module jwt`},
		{`ModuleNotFoundError: No module named 'jwt.algorithms'`, `missing-module jwt.algorithms`},
		{`ModuleNotFoundError: No module named 'jwt.x'; 'jwt' is not a package`, `missing-module jwt.x`},
		{`ModuleNotFoundError: No module named '数据库'`, `missing-module 数据库`},
		{`2026-11-21 09:30:00,123 ERROR [main] ModuleNotFoundError: No module named 'jwt'`, `missing-module jwt`},
		{`❌ 启动失败: ModuleNotFoundError: No module named 'jwt'`, `missing-module jwt`},
		{`    | ModuleNotFoundError: No module named 'jwt'`, `missing-module jwt`}, // in a group of exceptions
		{`ImportError: No module named jwt`, `missing-module jwt`},
		{`ImportError: No module named jwt.algorithms`, `missing-module jwt.algorithms`},
		{`ImportError: cannot import name 'encode' from 'jwt' (/opt/venv/lib/python3.11/site-packages/jwt/__init__.py)`, `missing-module jwt`},
		{`ImportError: cannot import name 'router' from partially initialized module 'app.routes' (most likely due to a circular import) (/app/routes.py)`, `missing-module app.routes`},
		{`ImportError: cannot import name 'encode'`, `missing-module encode`},
		{`ImportError: libGL.so.1: cannot open shared object file: No such file or directory`, `missing-module libGL.so.1`},
		{"ImportError: email-validator is not installed, run `pip install pydantic[email]`", `missing-module email-validator`},
		{`ImportError: attempted relative import with no known parent package`, `missing-module`},
		{`/opt/venv/bin/python3.11: No module named uvicorn`, `missing-module uvicorn`},
		{`/usr/bin/python3: Error while finding module specification for 'app.main' (ModuleNotFoundError: No module named 'app')`, `missing-module app`},
		{`ERROR:    Error loading ASGI app. Could not import module "main".`, `missing-module main`},
		{`/opt/app/bin/worker: error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file or directory`, `missing-module libfoo.so.1`},
		// the code of a traceback is none, nor is what was handled
		{`    raise ImportError("No module named 'jwt'")`, ``},
		{`    from jwt import encode`, ``},
		{`WARNING: No module named 'uvloop', going on without`, ``},
		{`json.MyImportError: no`, ``},

		// a port that is taken
		{`ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use`, `address-in-use`},
		{`OSError: [Errno 98] Address already in use`, `address-in-use`},
		{`nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)`, `address-in-use`},
		{`Error: listen EADDRINUSE: address already in use :::8000`, `address-in-use`},
		{`listen tcp :8000: bind: address already in use`, `address-in-use`},
		{`[2026-11-21 09:30:00 +0000] [7] [ERROR] Connection in use: ('0.0.0.0', 8000)`, `address-in-use`},
		{`OSError: [Errno 99] Cannot assign requested address`, ``},

		// what the backend writes
		{`❌ 数据库会话错误 [fastapi_a333249c]: (pymysql.err.OperationalError) (2013, 'Lost connection')`, `db-session-error`},
		{`2026-11-21 09:30:00 [ERROR] app.database - ❌ 数据库会话错误 [fastapi_a333249c]: timed out`, `db-session-error`},
		{`⚠️ 检测到未完成事务，强制回滚: fastapi_a333249c`, `rollback-forced`},
		{`⚠️ 检测到未完成事务, 强制回滚: fastapi_a333249c`, `rollback-forced`},
		{`❌ Token验证失败: Signature verification failed`, `token-failure`},
		{`⚠️ 用户认证耗时过长: 1534.2ms, 用户: ops`, `slow-auth 1.5342`},
		{`⚠️ 用户认证耗时过长：2000 ms, 用户: ops`, `slow-auth 2`},
		{`⚠️ 用户认证耗时过长: 1.5.3ms, 用户: ops`, `slow-auth`}, // a line that is counted, and no number
		{`✅ MySQL会话优化完成: fastapi_a333249c`, `mysql-ready`},
		{`✅ 数据库连接正常`, ``},

		// our own probes
		{`INFO:     10.0.0.7:53965 - "GET /api/tasks/statistics HTTP/1.1" 401 Unauthorized`, ``},
		{`INFO:     127.0.0.1:40000 - "GET /api/tasks/db-monitor HTTP/1.1" 401 Unauthorized`, ``},
		{`INFO:     127.0.0.1:40000 - "GET /health HTTP/1.1" 200 OK`, ``},
		// whoever sends a request writes its line
		{`INFO:     10.0.0.7:53965 - "GET /?EADDRINUSE HTTP/1.1" 404 Not Found`, ``},
		{`INFO:     10.0.0.7:53965 - "GET /?Address%20already%20in%20use&[Errno_98] HTTP/1.1" 404 Not Found`, ``},
		{`10.0.0.7 - - [21/Nov/2026:09:30:00 +0000] "GET /?数据库会话错误 HTTP/1.0" 404 153 "-" "curl/8"`, ``},

		// what a terminal is told
		{"\x1b[31mERROR\x1b[0m:    \x1b[1mModuleNotFoundError\x1b[22m: No module named 'jwt'", `missing-module jwt`},
		{"ModuleNotFoundError: No module named 'jwt'\r", `missing-module jwt`},

		// several lines in one entry, several patterns in one line
		{"Traceback (most recent call last):\n  File \"main.py\", line 1\nModuleNotFoundError: No module named 'jwt'\n\n❌ Token验证失败", `missing-module jwt, token-failure`},
		{`ImportError: EADDRINUSE`, `missing-module, address-in-use`},

		{``, ``}, {` `, ``}, {"\n\n", ``}, {"\x1b", ``}, {"\x1b[", ``}, {"\xff\xfe", ``},
	}
	for _, tt := range tests {
		if got := told(builtin(t).Line(pid, now, []byte(tt.line))); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, tt.want)
		}
	}
}

func TestBuiltinPatterns(t *testing.T) {
	want := []probe.Pattern{
		{Name: "missing-module", Severity: probe.SeverityError},
		{Name: "address-in-use", Severity: probe.SeverityError},
		{Name: "db-session-error", Severity: probe.SeverityError},
		{Name: "rollback-forced", Severity: probe.SeverityWarning},
		{Name: "token-failure", Severity: probe.SeverityInfo},
		{Name: "slow-auth", Severity: probe.SeverityWarning, Metric: "log_value_auth_duration_seconds", Buckets: []float64{1, 1.5, 2, 3, 5, 10, 30, 60}},
		{Name: "mysql-ready", Severity: probe.SeverityInfo},
	}
	if diff := cmp.Diff(want, compile(t, logpattern.Builtin()...).Patterns()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A module's name becomes a label's value.
func TestModuleNames(t *testing.T) {
	tests := []struct{ name, written, want string }{
		{"a long one", strings.Repeat("x", 2000), strings.Repeat("x", 119) + "…"},
		{"a long one of many bytes", strings.Repeat("行", 2000), strings.Repeat("行", 42)},
		{"no UTF-8", "jw\xfft", "jw\uFFFDt"},
		{"unprintable", "j\x00wt", "j wt"},
	}
	for _, tt := range tests {
		matches := builtin(t).Line(pid, now, []byte("ModuleNotFoundError: No module named '"+tt.written+"'"))
		if len(matches) != 1 || matches[0].Module != tt.want || len(tt.want) > 128 || !utf8.ValidString(matches[0].Module) {
			t.Errorf("%s: got %+v, want %q", tt.name, matches, tt.want)
		}
	}
}
