package config

import (
	"fmt"
	"strings"
	"testing"

	"postflight/internal/logpattern"
)

// logPatterns is the section on patterns. It lists the built-in ones as they are.
func logPatterns(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`
## Log patterns

The journal of a service's units is read line by line. Patterns say which lines mean something, and how bad that is. These are built in:

| pattern | severity | what the line tells | metric |
| --- | --- | --- | --- |
`)
	for _, p := range logpattern.Builtin() {
		tells, told := builtinTells[p.Name]
		if !told {
			t.Errorf("what a line of the built-in pattern %s tells is not told", p.Name)
		}
		metric := "-"
		if p.Metric != "" {
			metric = fmt.Sprintf("`postflight_%s`, with the buckets `%s`", p.Metric, listed(p.Buckets))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name, p.Severity, tells, metric)
	}
	b.WriteString(`
A line that an access log writes of a request is none of them, for whoever sent the request chose what stands in it.
Patterns of one's own are looked for beside these:

` + "```yaml" + `
services:
  - name: shop
    units: [shop.service]
    logs:
      patterns:
        - name: worker-lost
          match: 'worker \d+ was lost'
          severity: error
        - name: slow-query
          match: 'query took (?P<ms>[0-9.]+)ms|(?P<ms>[0-9.]+)ms for a query'      # whichever of the two matches
          exclude: 'from cache'
          metric: query_duration_seconds      # the histogram postflight_log_value_query_duration_seconds
          value: 'float(ms) / 1000'
          buckets: [0.1, 1, 10]
` + "```" + `

A regular expression is one of [RE2](https://github.com/google/re2/wiki/Syntax), which can neither look ahead nor back. It stands in single quotes, where YAML leaves backslashes as they are. It is looked for
within one line, without the colours of a terminal, and what it matches is counted once a line. It has 4 KiB at most; how often ` + "`{…}`" + ` repeats and how large the classes of characters are is limited, too,
for each expression and for all of a file together.
`)
	return b.String()
}

var builtinTells = map[string]string{
	"missing-module":   "Python could not import a module or something of it, or a program could not load a library. Its name is the label `module` of `postflight_log_missing_modules_total`.",
	"address-in-use":   "Another process has the port.",
	"db-session-error": "`数据库会话错误`: a session with the database failed.",
	"rollback-forced":  "`未完成事务 … 强制回滚`: a transaction was left open, and has been rolled back.",
	"token-failure":    "`Token验证失败`: a token was refused. The check `auth` causes it, too.",
	"slow-auth":        "`用户认证耗时过长`: it took long to authenticate a user.",
	"mysql-ready":      "`MySQL会话优化完成`: a session with MySQL has been set up.",
}
