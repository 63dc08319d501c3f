package httpprobe_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// authority is the only one that this process trusts.
var authority = newAuthority("tests")

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serveForBenchmarks()
		return
	}
	os.Exit(runTrusting(m))
}

// runTrusting runs the tests with authority as the system's only root, and without a proxy.
func runTrusting(m *testing.M) int {
	dir, err := os.MkdirTemp("", "httpprobe")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.certificate.Raw}), 0o600); err != nil {
		panic(err)
	}
	os.Setenv("SSL_CERT_FILE", roots)
	os.Setenv("SSL_CERT_DIR", dir)
	for _, proxy := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		os.Unsetenv(proxy)
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// signer makes certificates.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(name string) signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		panic(err)
	}
	return signer{certificate, key}
}

// certificate makes one for a server that is called name, signed by the authority or, where selfSigned, by itself.
func (s signer) issue(t *testing.T, name string, expires time.Time, selfSigned bool) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: expires.Add(-100 * time.Hour), NotAfter: expires,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	parent, signing := s.certificate, s.key
	if selfSigned {
		parent, signing = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signing)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// listen serves each connection with handle, on its own goroutine, until the test ends. It gives the address.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return listener.Addr().String()
}

// afterRequest reads a request and writes what follows, whatever it is.
func afterRequest(answer func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		request.Body.Close()
		answer(conn)
	}
}

// untilClosed returns when the other side has gone.
func untilClosed(conn net.Conn) {
	buffer := make([]byte, 512)
	for {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}

// passes lets every answer pass.
var passes = expect.Func(func(expect.Answer) expect.Judgement { return expect.Judgement{} })

// wantsOK lets an answer of status 200 pass.
var wantsOK = expect.Func(func(a expect.Answer) expect.Judgement {
	if a.Status == http.StatusOK {
		return expect.Judgement{}
	}
	return expect.WrongStatus(a, "status 200")
})

// get is a check of one request.
func get(target string, judge expect.Expectation) httpprobe.Check {
	return httpprobe.Check{
		Key:      probe.Key{Service: "s", Target: target, Check: "c"},
		Requests: []httpprobe.Request{{Method: http.MethodGet, Path: "/path", Expect: judge}},
	}
}

// look probes once, with a client of its own.
func look(t *testing.T, check httpprobe.Check, timeout time.Duration) probe.Result {
	t.Helper()
	return lookBy(t, httpprobe.NewClient("1.2.3"), check, timeout)
}

// lookBy probes once and closes the client.
func lookBy(t *testing.T, client *httpprobe.Client, check httpprobe.Check, timeout time.Duration) probe.Result {
	t.Helper()
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	check.Timeout = timeout
	result, err := client.Prober(check).Probe(ctx)
	if (err != nil) != (result.Outcome == probe.Error) {
		t.Errorf("outcome %v with error %v", result.Outcome, err)
	}
	return result
}

const (
	ample = 30 * time.Second       // for what must come
	scant = 300 * time.Millisecond // for what must not
)
