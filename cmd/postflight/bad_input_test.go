package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxPeak is how much memory the daemon may ever have held, whatever it was sent.
const maxPeak = 100 << 20

// stopPatience is how long the daemon may take to end; it promises far less.
const stopPatience = 20 * time.Second

// TestBadInputHarmsNobodyElse lets one daemon probe backends that misbehave in every way at once, beside one that is
// well, with a bus that takes connections and never says a word. Each gets its own reason, the good one goes on, and
// memory stays bounded.
func TestBadInputHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	reasons := map[string]string{ // target → reason
		serveBody(t, endless):                   "too_large",
		serveBody(t, bomb(t)):                   "too_large",
		serveBody(t, drip):                      "timeout",
		serveBody(t, text(deep(200_000))):       "body",
		serveBody(t, text("{\"status\": NaN}")): "body",
		serveBody(t, text("\xff\xfe")):          "body",
		serveBody(t, text(objects(149_000))):    "too_large", // 1 MiB of JSON that would take sixty to hold
		serveBody(t, text(objects(49_000))):     "body",      // as many as are let in
		serveBody(t, hugeHeaders):               "too_large",
		serveBody(t, cutShort):                  "protocol",
		serveBody(t, redirect):                  "redirect",
		serveRaw(t, "SSH-2.0-OpenSSH_9.2\r\n"):  "protocol",
		"http://" + free():                      "connect",
		"http://no-such-host.invalid":           "resolve",
	}
	good := serveBody(t, text(`{"status": "healthy"}`))
	targets := []string{strconv.Quote(good)}
	for target := range reasons {
		targets = append(targets, strconv.Quote(target))
	}
	daemon, url := startDaemon(t, fmt.Sprintf(`
defaults: {schedule: "@every 200ms", timeout: 1s}
services:
  - name: bad
    targets: [%s]
    units: [proxy-system]
    checks: [{use: health}]
`, strings.Join(targets, ", ")))

	for target, reason := range reasons {
		awaitLine(t, url, fmt.Sprintf(`postflight_probe_failure_info{check="health",reason="%s",service="bad",target="%s"} 1`, reason, target))
	}
	awaitLine(t, url, fmt.Sprintf(`postflight_probe_success{check="health",service="bad",target="%s"} 1`, good))
	awaitLine(t, url, `postflight_unit_observable{service="bad",unit="proxy-system.service"} 0`)
	awaitCount(t, url, fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="bad",target="%s"}`, good), 50) // ten seconds of it
	if peak := peakOf(t, daemon); peak > maxPeak {
		t.Errorf("the daemon held %d MiB at its peak, at most %d MiB are allowed", peak>>20, maxPeak>>20)
	}
}

// TestBadInputOfManyAtOnce lets two hundred targets send 1 MiB each and then stall, again and again.
func TestBadInputOfManyAtOnce(t *testing.T) {
	t.Parallel()
	const stalling = 200
	server := serveBody(t, stalled)
	good := serveBody(t, text(`{"status": "healthy"}`))
	targets := []string{strconv.Quote(good)}
	for i := range stalling {
		targets = append(targets, strconv.Quote(fmt.Sprintf("%s/%d", server, i)))
	}
	daemon, url := startDaemon(t, fmt.Sprintf(`
defaults: {schedule: "@every 200ms", timeout: 1s}
services:
  - name: stalling
    targets: [%s]
    checks: [{use: health}]
`, strings.Join(targets, ", ")))

	awaitLine(t, url, `postflight_probe_failure_info{check="health",reason="timeout",service="stalling"`)
	awaitLine(t, url, `postflight_probe_failure_info{check="health",reason="internal",service="stalling"`) // no room for it
	awaitCount(t, url, fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="stalling",target="%s"}`, good), 50)
	if peak := peakOf(t, daemon); peak > maxPeak {
		t.Errorf("the daemon held %d MiB at its peak, at most %d MiB are allowed", peak>>20, maxPeak>>20)
	}
}

func serveBody(t *testing.T, h http.HandlerFunc) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
}

func deep(brackets int) string { return strings.Repeat("[", brackets) }

func objects(n int) string { return `[` + strings.Repeat(`{"":0},`, n) + `0]` }

func endless(w http.ResponseWriter, r *http.Request) {
	block := bytes.Repeat([]byte(" "), 64<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// bomb is 1 GiB of blanks, compressed.
func bomb(t *testing.T) http.HandlerFunc {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	block := make([]byte, 1<<20)
	for range 1 << 10 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	}
}

// drip sends a byte each 200 ms.
func drip(w http.ResponseWriter, r *http.Request) {
	next := time.NewTicker(200 * time.Millisecond)
	defer next.Stop()
	for {
		io.WriteString(w, " ")
		w.(http.Flusher).Flush()
		select {
		case <-next.C:
		case <-r.Context().Done():
			return
		}
	}
}

// stalled sends all but the last byte of 1 MiB.
func stalled(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(1<<20))
	w.Write(bytes.Repeat([]byte(" "), 1<<20-1))
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func hugeHeaders(w http.ResponseWriter, _ *http.Request) {
	for i := range 100 {
		w.Header().Set(fmt.Sprintf("X-Filler-%d", i), strings.Repeat("x", 1000))
	}
}

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"status": `)
	panic(http.ErrAbortHandler)
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/login", http.StatusFound)
}

// serveRaw says a text to whoever connects.
func serveRaw(t *testing.T, says string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, says)
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// silentBus is a socket that takes connections and never says a word.
func silentBus(t *testing.T, directory string) string {
	path := filepath.Join(directory, "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "unix:path=" + path
}

// startDaemon builds the program as users do, without the race detector, whose memory would count too, and runs it.
func startDaemon(t *testing.T, configuration string) (daemon *exec.Cmd, metrics string) {
	t.Helper()
	directory := t.TempDir()
	binary := filepath.Join(directory, "postflight")
	if out, err := exec.Command("go", "build", "-o", binary, "postflight/cmd/postflight").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	file := filepath.Join(directory, "postflight.yml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	address := free()
	daemon = exec.Command(binary, "serve", "--config", file, "--web.listen-address", address)
	daemon.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+silentBus(t, directory))
	daemon.Stderr = t.Output()
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		daemon.Process.Signal(os.Interrupt)
		stuck := time.AfterFunc(stopPatience, func() { daemon.Process.Signal(syscall.SIGQUIT) }) // it tells where
		defer stuck.Stop()
		if err := daemon.Wait(); err != nil {
			t.Errorf("the daemon: %v", err)
		}
	})
	return daemon, "http://" + address + "/metrics"
}

// awaitLine fetches a page until one of its lines begins with a text.
func awaitLine(t *testing.T, url, beginning string) {
	t.Helper()
	awaitPage(t, url, beginning, func(page string) bool { return strings.Contains("\n"+page, "\n"+beginning) })
}

// awaitCount fetches a page until a series has come to a count.
func awaitCount(t *testing.T, url, series string, least float64) {
	t.Helper()
	awaitPage(t, url, series, func(page string) bool {
		_, rest, there := strings.Cut("\n"+page, "\n"+series+" ")
		text, _, _ := strings.Cut(rest, "\n")
		count, err := strconv.ParseFloat(text, 64)
		return there && err == nil && count >= least
	})
}

func awaitPage(t *testing.T, url, what string, holds func(page string) bool) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	var last string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); <-again.C {
		response, err := client.Get(url)
		if err != nil {
			last = err.Error() // perhaps it does not listen yet
			continue
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if last = string(body); holds(last) {
			return
		}
	}
	t.Fatalf("never on %s: %s\nat last:\n%s", url, what, last)
}

// peakOf is the most memory that the process ever held, from the kernel's own account.
func peakOf(t *testing.T, process *exec.Cmd) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("peak %d MiB", kib>>10)
			return kib << 10
		}
	}
	t.Fatal("no VmHWM in /proc/PID/status")
	return 0
}
