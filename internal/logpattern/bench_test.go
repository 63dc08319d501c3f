package logpattern_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"postflight/internal/logpattern"
)

// ten are the built-in patterns and three of one's own.
func ten() []logpattern.Pattern {
	return append(logpattern.Builtin(), slowQuery(), lookingFor("worker-lost", `Worker (?P<id>\d+) (?:timed out|was lost)`), lookingFor("out-of-memory", `(?i)out of memory|cannot allocate`))
}

// ordinary are lines of 200 bytes that mean nothing.
func ordinary() map[string][]byte {
	lines := make(map[string][]byte)
	for name, line := range map[string]string{
		"a request":  `INFO:     10.0.0.7:53965 - "GET /api/tasks/statistics?from=2026-11-01&to=2026-11-21&page=1&page_size=50&order_by=created_at HTTP/1.1" 401 Unauthorized`,
		"of Chinese": "✅ 用户登录成功，正在加载任务列表: 用户数据库会话已经建立，缓存命中，任务排队中，",
		"of words":   "2026-11-21 09:30:00,123 app.tasks INFO module imported, the address of the worker is in use by no one, query planned; ",
	} {
		lines[name] = []byte(strings.Repeat(line, 3)[:200])
	}
	return lines
}

func BenchmarkTenPatterns(b *testing.B) {
	for name, line := range ordinary() {
		b.Run(name, func(b *testing.B) {
			reader := compile(b, ten()...).Reader()
			b.ReportAllocs()
			for b.Loop() {
				if reader.Line(pid, now, line) != nil {
					b.Fatal("it matches")
				}
			}
		})
		b.Run(name+", regexp by regexp", func(b *testing.B) {
			var all []*regexp.Regexp
			for _, p := range ten() {
				all = append(all, regexp.MustCompile(p.Match))
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range all {
					if e.Match(line) {
						b.Fatal("it matches")
					}
				}
			}
		})
	}
}

// BenchmarkMatch is what a line costs that means something: one of many in a second, and one with its text.
func BenchmarkMatch(b *testing.B) {
	line := []byte(`⚠️ 用户认证耗时过长: 1534.2ms, 用户: ops`)
	for name, pause := range map[string]time.Duration{"one of a flood": 0, "one with its text": time.Second} {
		b.Run(name, func(b *testing.B) {
			reader := compile(b, ten()...).Reader()
			at := now
			b.ReportAllocs()
			for b.Loop() {
				if at = at.Add(pause); len(reader.Line(pid, at, line)) != 1 {
					b.Fatal("it does not match")
				}
			}
		})
	}
}

// BenchmarkTraceback is a process that crashes with 22 lines, of which the last means something.
func BenchmarkTraceback(b *testing.B) {
	reader := compile(b, ten()...).Reader()
	text := []byte(strings.Join(append(append([]string{header}, frames(1, 20)...), jwt), "\n"))
	at := now
	b.ReportAllocs()
	for b.Loop() {
		if at = at.Add(time.Second); len(reader.Line(pid, at, text)) != 1 {
			b.Fatal("it does not match")
		}
	}
}
