package logpattern

import (
	"strings"

	"postflight/probe"
)

// missingModule is the pattern whose groups hold the module's name, or the library's.
const missingModule = "missing-module"

// access is a line that tells of a request: uvicorn's, nginx's. What stands in it was chosen by whoever sent the request.
const access = `"[A-Z]+ \S* HTTP/[0-9.]+" [1-5][0-9][0-9]\b`

// Builtin are the patterns that every unit's log is read with.
func Builtin() []Pattern {
	pattern := func(name string, severity probe.Severity, match ...string) Pattern {
		return Pattern{Pattern: probe.Pattern{Name: name, Severity: severity}, Match: strings.Join(match, "|"), Exclude: access}
	}
	slowAuth := pattern("slow-auth", probe.SeverityWarning, `用户认证耗时过长[:：]\s*(?P<ms>[0-9.]+)\s*ms`)
	slowAuth.Metric = "log_value_auth_duration_seconds"
	slowAuth.Buckets = []float64{1, 1.5, 2, 3, 5, 10, 30, 60} // the line is written from one second on
	slowAuth.Value = `float(ms) / 1000`
	return []Pattern{
		pattern(missingModule, probe.SeverityError,
			`\b(?:ModuleNotFoundError|ImportError): No module named '?([^\s';]+)`,
			`\bpython[0-9.]*: No module named '?([^\s';]+)`, // python -m …
			`\bCould not import module "([^"]+)"`,           // uvicorn, of the application itself
			`\bImportError: cannot import name .+ from (?:partially initialized module )?'([^']+)'`,
			`\bImportError: cannot import name '?([^\s',]+)`,
			`\bImportError: ([^\s:]+): cannot open shared object file`,
			`\bImportError: ([\w.-]+) is not installed`,
			`\bImportError: `,
			`\berror while loading shared libraries: ([^\s:]+)`),
		pattern("address-in-use", probe.SeverityError,
			`\[Errno 98\]`,
			`[Aa]ddress already in use`,
			`\bEADDRINUSE\b`,
			`\bConnection in use: \(`), // gunicorn
		pattern("db-session-error", probe.SeverityError, `数据库会话错误`),
		pattern("rollback-forced", probe.SeverityWarning, `未完成事务.*强制回滚`),
		pattern("token-failure", probe.SeverityInfo, `Token\s*验证失败`),
		slowAuth,
		pattern("mysql-ready", probe.SeverityInfo, `MySQL会话优化完成`),
	}
}
