package logpattern_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/logpattern"
	"postflight/probe"
)

func TestOwnPatterns(t *testing.T) {
	notHealth := lookingFor("not-health", `(?i)error`)
	notHealth.Exclude = `GET /health|errors: 0`
	constant := slowQuery()
	constant.Name, constant.Metric, constant.Value = "constant", "log_value_one", "1"
	slowUpdate := slowQuery()
	slowUpdate.Name, slowUpdate.Match, slowUpdate.Value = "slow-update", `update: (?P<ms>\d+)ms|(?P<ms>\d+)ms to update`, "float(ms)"
	set := compile(t, slowQuery(), notHealth, constant, slowUpdate, lookingFor("anchored", `^started in \d+ s$`))
	tests := []struct{ line, want string }{
		{`the query took 1500ms`, `slow-query 1.5, constant 1`},
		{`the query took 2s`, `slow-query 2, constant 1`},
		{`the query took 1.2.3s`, `slow-query, constant 1`}, // counted, not measured
		{`the query took long`, ``},
		{`update: 12ms`, `slow-update 12`},
		{`13ms to update`, `slow-update 13`}, // the same name in either alternative
		{`ERROR: out of memory`, `not-health`},
		{`Error in GET /health`, ``},
		{`done, errors: 0`, ``},
		{`started in 12 s`, `anchored`},
		{"started in 12 s\r\n", `anchored`},
		{`has started in 12 s`, ``},
		{"one\nstarted in 12 s\ntwo", `anchored`},
		{"started\nin 12 s", ``}, // a match is within one line
	}
	for _, tt := range tests {
		if got := told(set.Reader().Line(pid, now, []byte(tt.line))); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, tt.want)
		}
	}
}

// What an error or a warning says is evidence; of an info the count is enough.
func TestEvidence(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"an error", `ERROR:    [Errno 98] address already in use`, `ERROR: [Errno 98] address already in use`},
		{"a warning", `⚠️ 用户认证耗时过长: 1534.2ms, 用户: ops`, `⚠️ 用户认证耗时过长: 1534.2ms, 用户: ops`},
		{"an info", `❌ Token验证失败: eyJhbGciOiJIUzI1NiJ9.e30.c2ln`, ``},
		{"a URL with a password", `❌ 数据库会话错误: mysql://root:s3cret@db:3306/tasks`, `❌ 数据库会话错误: <secret>@db:3306/tasks`},
		{"a bearer string", `❌ 数据库会话错误: Authorization: Bearer abcdef123456`, `❌ 数据库会话错误: Authorization: Bearer <secret>`},
		{"a JWT", `❌ 数据库会话错误: got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln`, `❌ 数据库会话错误: got <secret>`},
		{"a secret that colours tear apart", "❌ 数据库会话错误: password=\x1b[31ms3c\x1b[0mret", `❌ 数据库会话错误: password=<secret>`},
		{"what cannot be printed", "❌ 数据库会话错误:\x00\tlost\xff", "❌ 数据库会话错误: lost\uFFFD"},
		{"500 characters", "数据库会话错误" + strings.Repeat("行", 493), "数据库会话错误" + strings.Repeat("行", 493)},
		{"501 characters", "数据库会话错误" + strings.Repeat("行", 494), "数据库会话错误" + strings.Repeat("行", 492) + "…"},
		{"very many", "数据库会话错误" + strings.Repeat("x", 1<<20), "数据库会话错误" + strings.Repeat("x", 492) + "…"},
		{"indented", "    数据库会话错误", "    数据库会话错误"},
		{"far out", strings.Repeat(" ", 600) + "数据库会话错误", strings.Repeat(" ", 250) + "数据库会话错误"},
	}
	for _, tt := range tests {
		matches := builtin(t).Line(pid, now, []byte(tt.line))
		if len(matches) != 1 || matches[0].Text != tt.want || matches[0].Before != nil || !matches[0].Time.Equal(now) {
			t.Errorf("%s: got %+v, want %q", tt.name, matches, tt.want)
		}
	}
}

// A flood of one line is counted in full, and told a few times a second.
func TestEvidenceOfAFlood(t *testing.T) {
	reader := builtin(t)
	counts := func(at time.Time, line string) (matched, texts int) {
		for range 100 {
			for _, m := range reader.Line(pid, at, []byte(line)) {
				matched++
				if m.Text != "" {
					texts++
				}
			}
		}
		return matched, texts
	}
	tests := []struct {
		name  string
		at    time.Duration
		line  string
		texts int
	}{
		{"in one second", 0, `数据库会话错误`, 10},
		{"of another pattern", 0, `address already in use`, 10},
		{"still in that second", 999 * time.Millisecond, `数据库会话错误`, 0},
		{"in the next", time.Second, `数据库会话错误`, 10},
		{"after the clock was set back", -time.Hour, `数据库会话错误`, 10},
	}
	for _, tt := range tests {
		if matched, texts := counts(now.Add(tt.at), tt.line); matched != 100 || texts != tt.texts {
			t.Errorf("%s: %d matches, %d with a text; want 100, %d", tt.name, matched, texts, tt.texts)
		}
	}
}

// entry is a line of a log with the process that wrote it.
type entry struct {
	pid   int
	after time.Duration // since the first
	line  string
}

func by(pid int, lines ...string) (entries []entry) {
	for _, line := range lines {
		entries = append(entries, entry{pid: pid, line: line})
	}
	return entries
}

func join(entries ...[]entry) (all []entry) {
	for _, e := range entries {
		all = append(all, e...)
	}
	return all
}

// interleaved are the lines of several processes, one of each by turns.
func interleaved(processes ...[]entry) (all []entry) {
	for i := range processes[0] {
		for _, p := range processes {
			all = append(all, p[i])
		}
	}
	return all
}

// seconds apart come the entries.
func apart(pause time.Duration, entries []entry) []entry {
	for i := range entries {
		entries[i].after = time.Duration(i) * pause
	}
	return entries
}

const (
	header = `Traceback (most recent call last):`
	jwt    = `ModuleNotFoundError: No module named 'jwt'`
)

// frames are those of a traceback, from..to.
func frames(from, to int) (lines []string) {
	for i := from; i <= to; i++ {
		lines = append(lines, fmt.Sprintf("  File \"main.py\", line %d, in <module>", i))
	}
	return lines
}

func TestTracebacks(t *testing.T) {
	traceback := func(frames ...string) []string { return append([]string{header}, append(frames, jwt)...) }
	tests := []struct {
		name    string
		entries []entry
		want    [][]string // what stood before each match
	}{
		{"a traceback", by(1, traceback(frames(1, 2)...)...),
			[][]string{append([]string{header}, frames(1, 2)...)}},
		{"with code and its place, as they stood", by(1, traceback("  File \"main.py\", line 1", "    import jwt", "    ^^^^^^^^^^")...),
			[][]string{{header, "  File \"main.py\", line 1", "    import jwt", "    ^^^^^^^^^^"}}},
		{"no traceback", by(1, "starting", "  loading", jwt),
			[][]string{nil}},
		{"behind a level", by(1, "ERROR:    "+header, "  File \"main.py\"", jwt),
			[][]string{{"ERROR: " + header, "  File \"main.py\""}}},
		{"of more than 20 lines: the last ones", by(1, traceback(frames(1, 50)...)...),
			[][]string{frames(31, 50)}},
		{"one that came of another", by(1, header, "  File \"a.py\"", "KeyError: 'x'", "", "During handling of the above exception, another exception occurred:", "", header, "  File \"b.py\"", jwt),
			[][]string{{header, "  File \"a.py\"", "KeyError: 'x'", "During handling of the above exception, another exception occurred:", header, "  File \"b.py\""}}},
		{"each of two that belong together", by(1, header, "  File \"a.py\"", jwt, "The above exception was the direct cause of the following exception:", header, "  File \"b.py\"", jwt),
			[][]string{{header, "  File \"a.py\""}, {header, "  File \"a.py\"", jwt, "The above exception was the direct cause of the following exception:", header, "  File \"b.py\""}}},
		{"a group of exceptions", by(1, "  + Exception Group "+header, "  |   File \"a.py\"", "  | ExceptionGroup: two (1 sub-exception)", "  +-+---------------- 1 ----------------", "    | "+header, "    |   File \"b.py\"", "    | "+jwt),
			[][]string{{"  + Exception Group " + header, "  | File \"a.py\"", "  | ExceptionGroup: two (1 sub-exception)", "  +-+---------------- 1 ----------------", "    | " + header, "    | File \"b.py\""}}},
		{"what is over explains nothing", by(1, header, "  File \"a.py\"", "KeyError: 'x'", "going on", jwt),
			[][]string{nil}},
		{"nor does the one before", by(1, header, "  File \"a.py\"", "KeyError: 'x'", header, "  File \"b.py\"", jwt),
			[][]string{{header, "  File \"b.py\""}}},
		{"nor what the process wrote long ago", apart(11*time.Second, by(1, header, "  File \"a.py\"", jwt)),
			[][]string{nil}},
		{"a slow one", apart(10*time.Second, by(1, header, "  File \"a.py\"", jwt)),
			[][]string{{header, "  File \"a.py\""}}},
		{"another process' traceback", join(by(1, header, "  File \"a.py\""), by(2, jwt)),
			[][]string{nil}},
		{"several processes at a time", interleaved(by(1, traceback("  of 1")...), by(2, traceback("  of 2")...), by(3, traceback("  of 3")...)),
			[][]string{{header, "  of 1"}, {header, "  of 2"}, {header, "  of 3"}}},
		{"in one entry", by(1, strings.Join(traceback(frames(1, 2)...), "\n")),
			[][]string{append([]string{header}, frames(1, 2)...)}},
		{"with a secret", by(1, traceback(`    connect(password="hunter2")`)...),
			[][]string{{header, `    connect(password=<secret>)`}}},
		{"with a line without end", by(1, traceback("  "+strings.Repeat("行", 100_000))...),
			[][]string{{header, "  " + strings.Repeat("行", 340)}}},
	}
	for _, tt := range tests {
		reader := builtin(t)
		var got [][]string
		for _, e := range tt.entries {
			for _, m := range reader.Line(e.pid, now.Add(e.after), []byte(e.line)) {
				got = append(got, m.Before)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Of more than 16 processes that write tracebacks at a time, those that began last are remembered.
func TestTracebacksOfManyProcesses(t *testing.T) {
	reader := builtin(t)
	each := func(line string) (matches []probe.Match) {
		for pid := range 40 {
			matches = append(matches, reader.Line(pid, now.Add(time.Duration(pid)*time.Second), fmt.Appendf(nil, line, pid))...)
		}
		return matches
	}
	each(header + " of %d")
	var got []string
	for _, m := range each(jwt + " in %d") {
		got = append(got, m.Before...)
	}
	var want []string
	for pid := 24; pid < 40; pid++ {
		want = append(want, fmt.Sprintf("%s of %d", header, pid))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A process that dies while it writes a traceback, over and over: nothing of it is left to the next.
func TestTracebacksOfACrashLoop(t *testing.T) {
	reader := builtin(t)
	for pid := range 1000 {
		for _, line := range []string{header, fmt.Sprintf("  of %d", pid), jwt} {
			matches := reader.Line(pid, now, []byte(line))
			if line == jwt && len(matches) != 1 {
				t.Fatalf("process %d: %+v", pid, matches)
			}
			for _, m := range matches {
				if diff := cmp.Diff([]string{header, fmt.Sprintf("  of %d", pid)}, m.Before); m.Text != "" && diff != "" {
					t.Fatalf("process %d (-want +got):\n%s", pid, diff)
				}
			}
		}
	}
}

// The caller uses its buffer again.
func TestTheTextIsNotKept(t *testing.T) {
	reader := builtin(t)
	buffer := make([]byte, 0, 100)
	var got []probe.Match
	for _, line := range []string{header, "  File \"main.py\"", jwt, strings.Repeat("x", 100)} {
		buffer = append(buffer[:0], line...)
		got = append(got, reader.Line(pid, now, buffer)...)
	}
	want := []probe.Match{{Pattern: "missing-module", Severity: probe.SeverityError, Time: now, Text: jwt, Before: []string{header, "  File \"main.py\""}, Module: "jwt"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestALineThatMatchesNothingCostsNoMemory(t *testing.T) {
	set := compile(t, append(logpattern.Builtin(), lookingFor("any-error", `(?i)error`), slowQuery())...)
	reader := set.Reader()
	tests := [][]byte{
		[]byte(`INFO:     10.0.0.7:53965 - "GET /api/tasks/statistics HTTP/1.1" 401 Unauthorized`),
		[]byte("✅ 数据库连接正常 " + strings.Repeat("行", 1000)),
		[]byte("\x1b[32mINFO\x1b[0m: coloured"),
		[]byte("several\nlines\nin one"),
		[]byte("  + " + header + "\n  File \"a.py\"\n    code\nKeyboardInterrupt"),
		[]byte("\xff\x00"),
		[]byte(`the query took long`), // it has a needle and does not match
	}
	for _, line := range tests {
		reader.Line(pid, now, line)
		if allocs := testing.AllocsPerRun(100, func() { reader.Line(pid, now, line) }); allocs != 0 {
			t.Errorf("%.30q: %v allocations", line, allocs)
		}
	}
}
