package journalprobe_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"postflight/internal/logpattern"
	"postflight/internal/testhost"
	"postflight/probe"
	"postflight/probe/journalprobe"
)

// accessLine is what a web server writes of a request.
const accessLine = `2026-11-22 16:07:54,105 INFO [uvicorn.access] 10.0.0.17:51234 - "GET /api/tasks/statistics?page=3&size=50 HTTP/1.1" 200 4211 0.0137s request-id=4be1f1a8-52ab-4e16-9a43-7f2b2c1d9e10 user=42`

// BenchmarkLines reads 100,000 lines of 200 bytes, with the built-in patterns, as journalctl has shown them before.
func BenchmarkLines(b *testing.B) {
	path := filepath.Join(b.TempDir(), "lines")
	const lines = 100_000
	text := strings.Repeat(entry(1, accessLine)+"\n", lines)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	program := fake{show: "exec cat " + path}.program(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		began := ourTime(b)
		readLines(b, program, lines)
		b.ReportMetric((ourTime(b)-began).Seconds()*1e9/lines, "cpu-ns/line")
	}
}

// BenchmarkJournal reads 100,000 lines from a real journal, and reports what that costs us and journalctl.
func BenchmarkJournal(b *testing.B) {
	testhost.RequireTools(b, "journalctl", "python3")
	h := testhost.Start(b)
	const lines = 100_000
	if err := os.MkdirAll(filepath.Join(h.Root, "run/systemd/journald.conf.d"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.Root, "run/systemd/journald.conf.d/test.conf"), []byte("[Journal]\nRateLimitIntervalSec=0\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	h.Exec("systemctl", "restart", "systemd-journald")
	from := h.Exec("journalctl", "--lines=1", "--output=json", "--output-fields=_PID")
	from = strings.Split(strings.Split(from, `"__CURSOR":"`)[1], `"`)[0]
	if err := os.WriteFile(filepath.Join(h.Root, "run/line"), []byte(accessLine+"\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	h.WriteUnit("app.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'yes \"$(cat /run/line)\" | head -n "+strconv.Itoa(lines)+"'\n")
	h.Exec("systemctl", "start", "app.service")
	h.Exec("journalctl", "--sync")

	program, err := exec.LookPath("journalctl")
	if err != nil {
		b.Fatal(err)
	}
	program = executable(b, "exec "+program+" --directory="+h.JournalDir+` "$@"`)
	set, err := logpattern.Compile(logpattern.Builtin())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		ours, theirs, began := ourTime(b), childrensTime(b), time.Now()
		w := watch(b, journalprobe.Options{
			Units: keys("app.service"), Patterns: map[string]*logpattern.Set{"proxy": set}, Cursor: from, Journalctl: program,
		})
		w.lines("app.service", lines)
		took := time.Since(began)
		w.stop()
		b.ReportMetric(float64(lines)/took.Seconds(), "lines/s")
		b.ReportMetric((ourTime(b)-ours).Seconds()*1e9/lines, "cpu-ns/line")
		b.ReportMetric((childrensTime(b)-theirs).Seconds()*1e9/lines, "journalctl-cpu-ns/line")
	}
}

// BenchmarkLatency reports how long after a unit wrote a line it is told, of lines at odd moments.
func BenchmarkLatency(b *testing.B) {
	testhost.RequireTools(b, "journalctl", "python3")
	h := testhost.Start(b)
	const lines = 200
	program := `import time, random
for _ in range(` + strconv.Itoa(lines) + `):
    time.sleep(random.uniform(0.01, 0.3))
    print("number", int(time.time() * 1e6), flush=True)
`
	if err := os.WriteFile(filepath.Join(h.Root, "run/lines.py"), []byte(program), 0o644); err != nil {
		b.Fatal(err)
	}
	h.WriteUnit("app.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/python3 /run/lines.py\n")
	w := watch(b, journalprobe.Options{Units: keys("app.service"), Patterns: compile(b, numbered), Journalctl: inside(b, h, "journalctl")})
	w.following("app.service")
	for b.Loop() {
		h.Exec("systemctl", "start", "app.service")
	}
	w.lines("app.service", uint64(lines*b.N))
	w.stop()
	var late []time.Duration
	for _, r := range w.told() {
		for _, m := range r.Log.Matches {
			late = append(late, r.End().Sub(time.UnixMicro(int64(m.Value))))
		}
	}
	slices.Sort(late)
	b.ReportMetric(late[len(late)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(late[len(late)*99/100].Seconds()*1e3, "p99-ms")
	b.ReportMetric(late[len(late)-1].Seconds()*1e3, "max-ms")
}

func readLines(b *testing.B, program string, lines uint64) {
	set, err := logpattern.Compile(logpattern.Builtin())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var told uint64
	err = journalprobe.New(journalprobe.Options{
		Units: keys("app.service"), Patterns: map[string]*logpattern.Set{"proxy": set}, Journalctl: program,
	}).Watch(ctx, func(r probe.Result) {
		if told += r.Log.Lines; told >= lines {
			cancel()
		}
	})
	cancel()
	if err != nil || told != lines {
		b.Fatalf("%d lines: %v", told, err)
	}
}

func ourTime(b *testing.B) time.Duration       { return cpu(b, syscall.RUSAGE_SELF) }
func childrensTime(b *testing.B) time.Duration { return cpu(b, syscall.RUSAGE_CHILDREN) }

func cpu(b *testing.B, who int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
