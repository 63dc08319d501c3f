package httpprobe_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
	"postflight/probe/httpprobe"
)

// secure is a server that shows the certificate, and wants what config says beside.
func secure(t *testing.T, certificate tls.Certificate, config ...*tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	server.TLS = &tls.Config{}
	if len(config) > 0 {
		server.TLS = config[0]
	}
	server.TLS.Certificates = []tls.Certificate{certificate}
	server.Config.ErrorLog = silent
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// When a certificate expires is told above all when it is no good.
func TestCertificates(t *testing.T) {
	now := time.Now().Truncate(time.Second).UTC()
	later, past, future := now.Add(50*time.Hour), now.Add(-50*time.Hour), now.Add(200*time.Hour)
	other := newAuthority("other")
	good := authority.issue(t, "127.0.0.1", later, false)
	fromOther := other.issue(t, "127.0.0.1", later, false)
	const self = "certificate of 127.0.0.1 is self-signed; if that is meant to be, set it as tls_config: ca_file"
	unknown := func(authority string) string {
		return "certificate of 127.0.0.1 is signed by unknown authority " + authority + "; if it is your own, set its certificate as tls_config: ca_file"
	}
	const another = "; ask by a name that is in it, or set one as tls_config: server_name"
	expired := "certificate of 127.0.0.1 has expired, at " + past.Format(time.RFC3339) + ": renew it"
	tests := []struct {
		name   string
		shown  tls.Certificate
		client *tls.Config // nil: none of its own
		got    string      // empty: it passes
	}{
		{"a good one", good, nil, ""},
		{"an expired one", authority.issue(t, "127.0.0.1", past, false), nil, expired},
		{"one that is not valid yet", authority.issue(t, "127.0.0.1", future, false), nil,
			"certificate of 127.0.0.1 is valid only from " + future.Add(-100*time.Hour).Format(time.RFC3339) + " on: wait for that, or set the clock"},
		{"a self-signed one", authority.issue(t, "127.0.0.1", later, true), nil, self},
		{"an expired self-signed one", authority.issue(t, "127.0.0.1", past, true), nil, expired},
		{"one of an unknown authority", fromOther, nil, unknown("other")},
		{"one of another address", authority.issue(t, "127.0.0.2", later, false), nil, "certificate is valid for 127.0.0.2, not 127.0.0.1" + another},
		{"one of a name", authority.issue(t, "other.example", later, false), nil,
			"cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs" + another},
		{"one of our own authority", fromOther, &tls.Config{RootCAs: pool(other)}, ""},
		{"one of another authority than our own", good, &tls.Config{RootCAs: pool(other)}, unknown("tests")},
		{"one of the name that is set", authority.issue(t, "other.example", later, false), &tls.Config{ServerName: "other.example"}, ""},
		{"one of another name than is set", good, &tls.Config{ServerName: "other.example"},
			"certificate is not valid for any names, but wanted to match other.example" + another},
		{"an expired one, verified whatever the configuration says", authority.issue(t, "127.0.0.1", past, false), &tls.Config{InsecureSkipVerify: true}, expired},
	}
	for _, tt := range tests {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+", "+tls.VersionName(version), func(t *testing.T) {
				target := secure(t, tt.shown, &tls.Config{MaxVersion: version})
				client := httpprobe.NewClient("test")
				if tt.client != nil {
					client = client.WithTLS(tt.client)
				}
				got := lookBy(t, client, get(target, passes), ample)
				want := verdict{Status: 200}
				if tt.got != "" {
					want = verdict{probe.Fail, probe.ReasonTLS, 0, "a trusted certificate", tt.got}
				}
				if diff := cmp.Diff(want, verdictOf(got)); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
				if expires := leaf(t, tt.shown).NotAfter; !got.CertificateExpiry.Equal(expires) {
					t.Errorf("certificate expires %v, want %v", got.CertificateExpiry, expires)
				}
				if passed := tt.got == ""; passed != (got.Phases[probe.TLS] > 0) {
					t.Errorf("phases %v", got.Phases)
				}
			})
		}
	}
}

// pool trusts one authority.
func pool(s signer) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.certificate)
	return pool
}

func leaf(t *testing.T, certificate tls.Certificate) *x509.Certificate {
	t.Helper()
	parsed, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// A backend that wants to know who we are has shown who it is.
func TestClientCertificates(t *testing.T) {
	expires := time.Now().Add(50 * time.Hour).Truncate(time.Second)
	ours, other := authority.issue(t, "ours", expires.Add(time.Hour), false), newAuthority("other")
	given := &tls.Config{Certificates: []tls.Certificate{ours}}
	onDemand := &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &ours, nil }}
	const missing = "; the backend asks for a client certificate: set one as tls_config: cert_file and key_file"
	const unfit = "; the backend asks for a client certificate of an authority that ours is not from: see tls_config: cert_file"
	const presented = "; our client certificate was presented: see tls_config: cert_file"
	tests := []struct {
		name   string
		server *tls.Config
		client *tls.Config
		hint   string // empty: it passes
	}{
		{"wanted and given", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, given, ""},
		{"wanted and given on demand", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, onDemand, ""},
		{"welcome and missing", &tls.Config{ClientAuth: tls.RequestClientCert}, nil, ""},
		{"given and not wanted", &tls.Config{}, given, ""},
		{"wanted and missing", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, nil, missing},
		{"wanted and missing, where there is an authority of our own", &tls.Config{ClientAuth: tls.RequireAnyClientCert}, &tls.Config{RootCAs: pool(authority)}, missing},
		{"wanted of another authority", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(other)}, given, unfit},
		{"given and refused, since it is for servers", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool(authority)}, given, presented},
	}
	for _, tt := range tests {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+", "+tls.VersionName(version), func(t *testing.T) {
				config := tt.server.Clone()
				config.MaxVersion = version
				target := secure(t, authority.issue(t, "127.0.0.1", expires, false), config)
				client := httpprobe.NewClient("test")
				if tt.client != nil {
					client = client.WithTLS(tt.client)
				}
				got := lookBy(t, client, get(target, passes), ample)
				if tt.hint == "" && got.Outcome != probe.Pass {
					t.Errorf("%+v, want a pass", verdictOf(got))
				}
				if tt.hint != "" && (got.Outcome != probe.Fail || got.Reason != probe.ReasonTLS || got.Wanted != "a TLS handshake" || !strings.HasSuffix(got.Got, tt.hint)) {
					t.Errorf("%+v, want %q", verdictOf(got), tt.hint)
				}
				if !got.CertificateExpiry.Equal(expires) {
					t.Errorf("certificate expires %v, want %v", got.CertificateExpiry, expires)
				}
			})
		}
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
		{"reset after it was asked for a certificate of ours", func(conn net.Conn) {
			tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert}).Handshake()
			reset(conn)
		}, ample, probe.ReasonTLS, "a TLS handshake", "; the backend asks for a client certificate"},
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

// So has one whose handshake never ends.
func TestCertificateOfAStalledHandshake(t *testing.T) {
	expires := time.Now().Add(50 * time.Hour).Truncate(time.Second)
	config := &tls.Config{
		Certificates: []tls.Certificate{authority.issue(t, "127.0.0.1", expires, false)}, MaxVersion: tls.VersionTLS12,
	}
	target := "https://" + listen(t, func(conn net.Conn) {
		stalling := config.Clone()
		stalling.VerifyConnection = func(tls.ConnectionState) error { // when the server has said all but its last word
			untilClosed(conn)
			return io.EOF
		}
		tls.Server(conn, stalling).Handshake()
	})
	got := look(t, get(target, passes), scant)
	want := verdict{probe.Fail, probe.ReasonTimeout, 0, "an answer within 300ms", "nothing in time, in the TLS handshake"}
	if diff := cmp.Diff(want, verdictOf(got)); diff != "" || !got.CertificateExpiry.Equal(expires) {
		t.Errorf("certificate expires %v, want %v; verdict (-want +got):\n%s", got.CertificateExpiry, expires, diff)
	}
}
