package httpprobe_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postflight/probe"
)

func secure(t *testing.T, certificate tls.Certificate) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = silent
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// When a certificate expires is told above all when it is no good.
func TestCertificates(t *testing.T) {
	later := time.Now().Add(50 * time.Hour).Truncate(time.Second).UTC()
	past := time.Now().Add(-50 * time.Hour).Truncate(time.Second).UTC()
	tests := []struct {
		name       string
		server     string
		expires    time.Time
		selfSigned bool
		outcome    probe.Outcome
		reason     probe.Reason
		got        string
	}{
		{"a good one", "127.0.0.1", later, false, probe.Pass, "", ""},
		{"an expired one", "127.0.0.1", past, false, probe.Fail, probe.ReasonTLS, "has expired"},
		{"a self-signed one", "127.0.0.1", later, true, probe.Fail, probe.ReasonTLS, "is self-signed"},
		{"one of another name", "other.example", later, false, probe.Fail, probe.ReasonTLS, "doesn't contain any IP SANs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := secure(t, authority.issue(t, tt.server, tt.expires, tt.selfSigned))
			got := look(t, get(target, passes), ample)
			if got.Outcome != tt.outcome || got.Reason != tt.reason || !strings.Contains(got.Got, tt.got) {
				t.Errorf("got %+v", verdictOf(got))
			}
			if !got.CertificateExpiry.Equal(tt.expires) {
				t.Errorf("certificate expires %v, want %v", got.CertificateExpiry, tt.expires)
			}
			if tt.outcome == probe.Pass && got.Phases[probe.TLS] <= 0 {
				t.Errorf("phases %v lack the handshake", got.Phases)
			}
		})
	}
}

// A chain holds only as long as its first certificate to expire.
func TestEarliestExpiryOfTheChain(t *testing.T) {
	later, sooner := time.Now().Add(60*time.Hour).Truncate(time.Second), time.Now().Add(20*time.Hour).Truncate(time.Second)
	certificate := authority.issue(t, "127.0.0.1", later, false)
	certificate.Certificate = append(certificate.Certificate, authority.issue(t, "intermediate", sooner, false).Certificate...)
	check := get(secure(t, certificate), passes)
	check.Reuse = true
	check.Requests = append(check.Requests, check.Requests[0]) // the second meets no handshake
	got := look(t, check, ample)
	if got.Outcome != probe.Pass || !got.CertificateExpiry.Equal(sooner) {
		t.Errorf("%+v, certificate expires %v, want a pass and %v", verdictOf(got), got.CertificateExpiry, sooner)
	}
}

func TestBrokenHandshakes(t *testing.T) {
	hello := func(then func(net.Conn)) func(net.Conn) { // reads the client's first words
		return func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			then(conn)
		}
	}
	expires := time.Now().Add(50 * time.Hour).Truncate(time.Second)
	certificate := authority.issue(t, "127.0.0.1", expires, false)
	wantsCertificate := &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert}
	tests := []struct {
		name    string
		serve   func(net.Conn)
		timeout time.Duration
		reason  probe.Reason
		wanted  string
		got     string
	}{
		{"plain HTTP on the port", hello(func(conn net.Conn) { io.WriteString(conn, "HTTP/1.0 400 Bad Request\r\n\r\n") }), ample,
			probe.ReasonTLS, "a TLS handshake", "server gave HTTP response to HTTPS client"},
		{"something else on the port", hello(func(conn net.Conn) { io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n") }), ample,
			probe.ReasonTLS, "a TLS handshake", "first record does not look like a TLS handshake"},
		{"closed in the handshake", hello(func(net.Conn) {}), ample, probe.ReasonTLS, "a TLS handshake", "the connection was closed without an answer"},
		{"reset in the handshake", hello(reset), ample, probe.ReasonTLS, "a TLS handshake", "connection reset by peer"},
		{"an alert", hello(func(conn net.Conn) { conn.Write([]byte{21, 3, 3, 0, 2, 2, 40}) }), ample,
			probe.ReasonTLS, "a TLS handshake", "handshake failure"},
		{"refused after our side was ready, as TLS 1.3 does", func(conn net.Conn) {
			tls.Server(conn, wantsCertificate).Handshake()
			untilClosed(conn)
		}, ample, probe.ReasonTLS, "a TLS handshake", "certificate required"},
		{"never an answer", untilClosed, scant, probe.ReasonTimeout, "an answer within 300ms", "nothing in time, in the TLS handshake"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := look(t, get("https://"+listen(t, tt.serve), passes), tt.timeout)
			if got.Outcome != probe.Fail || got.Reason != tt.reason || got.Wanted != tt.wanted || !strings.Contains(got.Got, tt.got) {
				t.Errorf("got %+v", verdictOf(got))
			}
			if !got.CertificateExpiry.IsZero() && !got.CertificateExpiry.Equal(expires) {
				t.Errorf("a certificate that was not shown expires %v", got.CertificateExpiry)
			}
		})
	}
}

// A connection that breaks after the handshake has shown its certificate all the same.
func TestCertificateOfABrokenAnswer(t *testing.T) {
	expires := time.Now().Add(50 * time.Hour).Truncate(time.Second)
	certificate := authority.issue(t, "127.0.0.1", expires, false)
	target := "https://" + listen(t, func(conn net.Conn) {
		over := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
		defer over.Close()
		afterRequest(func(net.Conn) {})(over)
	})
	got := look(t, get(target, passes), ample)
	if got.Reason != probe.ReasonProtocol || !got.CertificateExpiry.Equal(expires) {
		t.Errorf("%+v, certificate expires %v, want protocol and %v", verdictOf(got), got.CertificateExpiry, expires)
	}
}
