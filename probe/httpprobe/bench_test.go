package httpprobe_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-resty/resty/v2"

	"postflight/internal/builtin"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// serveVariable makes this test binary a backend: so its CPU and its allocations are not counted as ours.
const serveVariable = "HTTPPROBE_SERVE"

const benchmarkBody = `{"status": "healthy", "service": "proxy-accounting-backend",
 "timestamp": "2026-11-21T09:30:00.123456", "issues": null,
 "cache": {"status": "healthy", "message": "Redis运行正常", "fallback_mode": false, "performance_impact": null}}`

// serveForBenchmarks answers until its standard input ends.
func serveForBenchmarks() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, benchmarkBody)
	}))
	io.WriteString(os.Stdout, listener.Addr().String()+"\n")
	io.Copy(io.Discard, os.Stdin)
}

// elsewhere is a backend in a process of its own.
func elsewhere(t testing.TB) string {
	t.Helper()
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), serveVariable+"=1")
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := server.Wait(); err != nil {
			t.Errorf("the backend of the benchmark: %v", err)
		}
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + strings.TrimSpace(address)
}

// probing is one probe of the built-in check health: sent, traced, decoded and judged.
func probing(t testing.TB, target string, reuse bool) func() {
	t.Helper()
	client := httpprobe.NewClient("test")
	t.Cleanup(client.Close)
	health, _ := builtin.Lookup("health")
	prober := client.Prober(httpprobe.Check{
		Key:      probe.Key{Service: "s", Target: target, Check: "health"},
		Requests: []httpprobe.Request{{Method: http.MethodGet, Path: health.Path, Expect: health.Judge}},
		Reuse:    reuse,
	})
	ctx := t.Context()
	return func() {
		if result, err := prober.Probe(ctx); err != nil || result.Outcome != probe.Pass {
			t.Fatalf("%+v: %v", verdictOf(result), err)
		}
	}
}

// asking is the same request as resty makes it by itself, over a transport with the same settings: what it is all
// measured against.
func asking(t testing.TB, target string, reuse bool) func() { return bare(t, target, reuse, false) }

func tracing(t testing.TB, target string, reuse bool) func() { return bare(t, target, reuse, true) }

func bare(t testing.TB, target string, reuse, trace bool) func() {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: !reuse, Protocols: protocols, MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	client := resty.NewWithClient(&http.Client{Transport: transport}).SetHeader("User-Agent", "postflight/test")
	return func() {
		request := client.R()
		if trace {
			request.EnableTrace()
		}
		if response, err := request.Get(target + "/health"); err != nil || len(response.Body()) != len(benchmarkBody) {
			t.Fatalf("%v: %v", response, err)
		}
	}
}

func BenchmarkProbe(b *testing.B)     { benchmark(b, probing) }
func BenchmarkBareResty(b *testing.B) { benchmark(b, asking) }

func benchmark(b *testing.B, make func(testing.TB, string, bool) func()) {
	target := elsewhere(b)
	for _, mode := range []struct {
		name  string
		reuse bool
	}{{"fresh", false}, {"reuse", true}} {
		b.Run(mode.name, func(b *testing.B) {
			once := make(b, target, mode.reuse)
			once()
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				once()
			}
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkRatio is the CPU that a probe takes, as a multiple of what the same request takes by resty alone; and
// beside it what resty's own trace would take. They take turns, so that all meet the same machine: one right after the
// other, and at 500 a second, as a scheduler would ask.
func BenchmarkRatio(b *testing.B) {
	target := elsewhere(b)
	for _, mode := range []struct {
		name  string
		reuse bool
		pace  time.Duration
	}{{"fresh", false, 0}, {"fresh/paced", false, 2 * time.Millisecond}, {"reuse", true, 0}, {"reuse/paced", true, 2 * time.Millisecond}} {
		turns := []func(){asking(b, target, mode.reuse), probing(b, target, mode.reuse), tracing(b, target, mode.reuse)}
		b.Run(mode.name, func(b *testing.B) {
			const atOnce = 5
			var used [3]time.Duration
			for b.Loop() {
				for i, once := range turns {
					before := cpuTime(b)
					for range atOnce {
						once()
						time.Sleep(mode.pace)
					}
					used[i] += cpuTime(b) - before
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(used[0].Microseconds())/float64(atOnce*b.N), "bare-cpu-us")
			b.ReportMetric(float64(used[1])/float64(used[0]), "probe/bare")
			b.ReportMetric(float64(used[2])/float64(used[0]), "resty-trace/bare")
		})
	}
}

// cpuTime is what this process has used so far, in the system's calls too.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// What a probe adds to the request that resty makes: context, trace, decoding and judging. It decodes some thirty
// values and keeps six times; what is more than that has slipped in.
func TestAllocationsPerProbe(t *testing.T) {
	const limit = 42
	target := elsewhere(t)
	for _, reuse := range []bool{false, true} {
		bare := testing.AllocsPerRun(200, asking(t, target, reuse))
		whole := testing.AllocsPerRun(200, probing(t, target, reuse))
		if whole-bare > limit {
			t.Errorf("reuse %v: a probe allocates %v times, a bare request %v times; at most %v more are allowed", reuse, whole, bare, limit)
		}
		t.Logf("reuse %v: a probe allocates %v times, a bare request %v times", reuse, whole, bare)
	}
}
