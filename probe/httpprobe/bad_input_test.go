package httpprobe_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
)

// verdict is the part of a result that a table of cases compares.
type verdict struct {
	Outcome     probe.Outcome
	Reason      probe.Reason
	Status      int
	Wanted, Got string
}

func verdictOf(r probe.Result) verdict {
	return verdict{r.Outcome, r.Reason, r.Status, r.Wanted, r.Got}
}

func TestBrokenAnswers(t *testing.T) {
	write := func(text string) func(net.Conn) {
		return afterRequest(func(conn net.Conn) { io.WriteString(conn, text) })
	}
	failed := func(reason probe.Reason, status int, wanted, got string) verdict {
		return verdict{probe.Fail, reason, status, wanted, got}
	}
	const inTime = "an answer within 300ms"
	tests := []struct {
		name    string
		serve   func(net.Conn)
		timeout time.Duration
		want    verdict
	}{
		{"closed without an answer", write(""), ample, failed(probe.ReasonProtocol, 0, "an HTTP answer", "the connection was closed without an answer")},
		{"reset before an answer", afterRequest(reset), ample, failed(probe.ReasonProtocol, 0, "an HTTP answer", "connection reset by peer")},
		{"cut short in the headers", write("HTTP/1.1 200 OK\r\nContent-Le"), ample,
			failed(probe.ReasonProtocol, 0, "a whole answer", `malformed MIME header: missing colon: "Content-Le"`)},
		{"cut short in the body", write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), ample,
			failed(probe.ReasonProtocol, 200, "a whole answer", "the connection ended in the middle")},
		{"cut short in a chunk", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"), ample,
			failed(probe.ReasonProtocol, 200, "a whole answer", "the connection ended in the middle")},
		{"reset in the body", afterRequest(func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
			reset(conn)
		}), ample, failed(probe.ReasonProtocol, 200, "a whole answer", "connection reset by peer")},
		{"stuck in the body", afterRequest(func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
			untilClosed(conn)
		}), scant, failed(probe.ReasonTimeout, 200, inTime, "nothing in time, while reading the answer")},
		{"a chunk of nonsense", write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), ample,
			failed(probe.ReasonProtocol, 200, "a whole answer", "invalid byte in chunk length")},
		{"not HTTP at all", write("SSH-2.0-OpenSSH_9.2\r\n"), ample,
			failed(probe.ReasonProtocol, 0, "a whole answer", `malformed HTTP response "SSH-2.0-OpenSSH_9.2"`)},
		{"compressed, and not", write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot gzip yet"), ample,
			failed(probe.ReasonProtocol, 200, "a whole answer", "compressed data that is broken")},
		{"headers beyond the limit", write("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 65<<10) + "\r\n\r\n"), ample,
			failed(probe.ReasonTooLarge, 0, "headers of at most 64 KiB", "more")},
		{"headers without end", afterRequest(endless("HTTP/1.1 200 OK\r\n", "X-Header: and another one\r\n")), ample,
			failed(probe.ReasonTooLarge, 0, "headers of at most 64 KiB", "more")},
		{"a body that says it is too large", write("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"), ample,
			failed(probe.ReasonTooLarge, 200, "a body of at most 1 MiB", "more")},
		{"a body without end", afterRequest(endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 4096))), ample,
			failed(probe.ReasonTooLarge, 200, "a body of at most 1 MiB", "more")},
		{"a body of too many values", write("HTTP/1.1 200 OK\r\n\r\n[" + strings.Repeat(`{"":0},`, 60_000) + "0]"), ample,
			failed(probe.ReasonTooLarge, 200, "a body of at most 100,000 JSON values", "more")},
		{"never an answer", untilClosed, scant, failed(probe.ReasonTimeout, 0, inTime, "nothing in time, while waiting for the answer")},
		{"one byte per 200 ms", afterRequest(trickle("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")), scant,
			failed(probe.ReasonTimeout, 200, inTime, "nothing in time, while reading the answer")},
		{"one byte per 200 ms from the first on", afterRequest(trickle("")), scant,
			failed(probe.ReasonTimeout, 0, inTime, "nothing in time, while reading the answer")},
		{"another protocol, and then silence", afterRequest(func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			untilClosed(conn)
		}), ample, failed(probe.ReasonStatus, 101, "status 200", "status 101 Switching Protocols")},
		{"another protocol that is not named", afterRequest(func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			untilClosed(conn)
		}), ample, failed(probe.ReasonStatus, 101, "status 200", "status 101 Switching Protocols")},
		{"a redirect to nowhere", write("HTTP/1.1 302 Found\r\nLocation: http://[::1/\r\nContent-Length: 0\r\n\r\n"), ample,
			failed(probe.ReasonRedirect, 0, "a redirect to a URL", "one to something else")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := look(t, get("http://"+listen(t, tt.serve), wantsOK), tt.timeout)
			if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			wantLatencies := 0
			if tt.want.Reason == probe.ReasonTimeout || tt.want.Reason == probe.ReasonStatus {
				wantLatencies = 1
			}
			if len(got.Latencies) != wantLatencies {
				t.Errorf("latencies %v, want %d", got.Latencies, wantLatencies)
			}
		})
	}
}

// reset makes closing the connection a reset.
func reset(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }

func endless(first, more string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, first)
		for err == nil {
			_, err = io.WriteString(conn, more)
		}
	}
}

// trickle writes the beginning at once and then a byte every 200 ms.
func trickle(first string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, first)
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for ; err == nil; <-ticker.C {
			_, err = io.WriteString(conn, "H")
		}
	}
}

func TestNoConnection(t *testing.T) {
	refused := func() string { // a port that was free a moment ago
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		return listener.Addr().String()
	}()
	tests := []struct {
		name, target string
		timeout      time.Duration
		want         verdict
	}{
		{"a refused port", "http://" + refused, ample,
			verdict{probe.Fail, probe.ReasonConnect, 0, "a connection", refused + ": connection refused"}},
		{"a refused port, by TLS", "https://" + refused, ample,
			verdict{probe.Fail, probe.ReasonConnect, 0, "a connection", refused + ": connection refused"}},
		{"packets are swallowed", "http://" + full(t), scant,
			verdict{probe.Fail, probe.ReasonTimeout, 0, "an answer within 300ms", "nothing in time, while connecting"}},
		{"a scheme that is none of ours", "gopher://127.0.0.1", ample,
			verdict{probe.Error, probe.ReasonInternal, 0, "a request that can be sent", `unsupported protocol scheme "gopher"`}},
		{"not a URL", "http://[::1", ample,
			verdict{probe.Error, probe.ReasonInternal, 0, "a request that can be sent", "missing ']' in host"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := look(t, get(tt.target, passes), tt.timeout)
			if diff := cmp.Diff(tt.want, verdictOf(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// full listens at an address whose queue of connections is full: what comes next gets no answer at all.
func full(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return listener.Addr().String()
}

// RFC 6761: .invalid never resolves. Where the machine has no resolver that answers, looking it up takes until it has
// given up, which is the same failure from further away.
func TestUnresolvableName(t *testing.T) {
	got := look(t, get("http://backend.invalid", passes), ample)
	if got.Outcome != probe.Fail || got.Reason != probe.ReasonResolve || got.Wanted != "an address for backend.invalid" || got.Got == "" {
		t.Errorf("got %+v, want fail, resolve", verdictOf(got))
	}
}

// bomb is n bytes of zeros, compressed.
func bomb(t *testing.T, n int) []byte {
	t.Helper()
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return compressed.Bytes()
}

func TestCompressedBomb(t *testing.T) {
	const size = 200 << 20
	compressed := bytes.Repeat(bomb(t, 1<<20), size>>20) // members one after another are one stream: RFC 1952
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(compressed)
	}))
	defer server.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := look(t, get(server.URL, passes), ample)
	runtime.ReadMemStats(&after)
	want := verdict{probe.Fail, probe.ReasonTooLarge, 200, "a body of at most 1 MiB", "more"}
	if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 {
		t.Errorf("%d bytes were allocated for a bomb of %d", allocated, size)
	}
}

// What can be read is read whole, up to the last byte of the limit, compressed or not.
func TestBodyAtTheLimit(t *testing.T) {
	const limit = 1 << 20
	for _, compress := range []bool{false, true} {
		for _, size := range []int{limit, limit + 1} {
			t.Run(fmt.Sprintf("%d bytes, compressed %v", size, compress), func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if !compress {
						w.Write(make([]byte, size))
						return
					}
					w.Header().Set("Content-Encoding", "gzip")
					w.Write(bomb(t, size))
				}))
				defer server.Close()
				var read int64
				got := look(t, get(server.URL, expect.Func(func(a expect.Answer) expect.Judgement {
					read = a.Size
					return expect.Judgement{}
				})), ample)
				if size <= limit && (got.Outcome != probe.Pass || read != int64(size)) {
					t.Errorf("%+v after %d bytes, want a pass", verdictOf(got), read)
				}
				if size > limit && got.Reason != probe.ReasonTooLarge {
					t.Errorf("%+v, want too_large", verdictOf(got))
				}
			})
		}
	}
}

// An endless answer is left at the limit: what the server gets rid of is that and what the system buffers.
func TestEndlessBodyIsLeft(t *testing.T) {
	var sent atomic.Int64
	done := make(chan struct{})
	target := "http://" + listen(t, afterRequest(func(conn net.Conn) {
		defer close(done)
		block := make([]byte, 4096)
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		for err == nil {
			var n int
			n, err = conn.Write(block)
			sent.Add(int64(n))
		}
	}))
	got := look(t, get(target, passes), ample)
	<-done
	if got.Reason != probe.ReasonTooLarge || sent.Load() > 32<<20 {
		t.Errorf("%+v after %d bytes", verdictOf(got), sent.Load())
	}
}

func TestStrangeBodies(t *testing.T) {
	tests := []struct {
		name, body string
		want       any
		isJSON     bool
	}{
		{"an object", `{"a":[1,2.5,null,true,"x"]}`, map[string]any{"a": []any{1.0, 2.5, nil, true, "x"}}, true},
		{"a number", ` 7 `, 7.0, true},
		{"null", `null`, nil, true},
		{"text", `ok`, "ok", false},
		{"nothing", ``, "", false},
		{"something behind it", `{} {}`, "{} {}", false},
		{"NaN", `{"a":NaN}`, `{"a":NaN}`, false},
		{"1e400", `{"a":1e400}`, `{"a":1e400}`, false},
		{"a key twice", `{"a":1,"a":2}`, map[string]any{"a": 2.0}, true},
		{"invalid UTF-8 in JSON", "{\"a\":\"\xff\"}", map[string]any{"a": "\uFFFD"}, true},
		{"invalid UTF-8 in text", "\xff\xfe", "\xff\xfe", false},
		{"200,000 brackets", strings.Repeat("[", 200_000), strings.Repeat("[", 200_000), false},
		{"200,000 brackets, closed", strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000),
			strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000), false},
		{"quotes and newlines in keys", `{"a\"b\nc":1}`, map[string]any{"a\"b\nc": 1.0}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tt.body) }))
			defer server.Close()
			var got expect.Answer
			look(t, get(server.URL, expect.Func(func(a expect.Answer) expect.Judgement { got = a; return expect.Judgement{} })), ample)
			if diff := cmp.Diff(tt.want, got.Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if (got.NotJSON == nil) != tt.isJSON || string(got.Raw) != tt.body || got.Size != int64(len(tt.body)) {
				t.Errorf("not JSON: %v, %d bytes", got.NotJSON, got.Size)
			}
		})
	}
}
