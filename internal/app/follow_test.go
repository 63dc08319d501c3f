package app

import (
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
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"postflight/internal/config"
)

// authority is one that has issued a certificate for 127.0.0.1.
type authority struct {
	pem    []byte
	issued tls.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	make := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	from, until := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, caKey := make(ca, ca, nil)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, key := make(leaf, ca, caKey)
	return authority{
		pem:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}),
		issued: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}
}

func TestAnExchangedAuthorityIsTakenUpByItself(t *testing.T) {
	t.Parallel()
	old, next := newAuthority(t), newAuthority(t)
	var shown atomic.Pointer[tls.Certificate]
	shown.Store(&old.issued)
	server := httptest.NewUnstartedServer(http.HandlerFunc(healthy))
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}}, nil
	}}
	server.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	server.StartTLS()
	defer server.Close()
	f := newFile(t)
	ca := file(filepath.Join(filepath.Dir(string(f)), "ca.pem"))
	ca.write(t, "%s", old.pem)
	f.write(t, `
defaults: {schedule: "@every 100ms"}
services: [{name: proxy, targets: [%q], tls_config: {ca_file: ca.pem}, checks: [{use: health}, {name: kept, path: /, reuse_connections: true}]}]
`, server.URL)
	_, page, _ := startOn(t, f, nil, nil)
	for _, check := range []string{"health", "kept"} {
		await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check=%q,service="proxy",target=%q} 1`, check, server.URL))
	}
	shown.Store(&next.issued)
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_failure_info{check="health",reason="tls",service="proxy",target=%q} 1`, server.URL))
	ca.write(t, "%s", next.pem)
	for _, check := range []string{"health", "kept"} {
		await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check=%q,service="proxy",target=%q} 1`, check, server.URL))
	}
}

// loading loads a file, and does something once it has been read.
func (f file) loading(after func(round int)) func() (*config.Config, error) {
	round := 0
	return func() (*config.Config, error) {
		c, err := f.load()
		round++
		after(round)
		return c, err
	}
}

func TestAFileThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, "services: [{name: first, units: [a]}]")
	c, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	load := f.loading(func(round int) {
		if round == 1 {
			f.write(t, "services: [{name: third, units: [a]}]")
		}
	})
	d, page, _ := startWith(t, ServeOptions{
		Config: c, Load: load, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"}, Watcher: make(units),
	})
	f.write(t, "services: [{name: second, units: [a]}]")
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	await(t, page+"/metrics", `service="third"`)
}

// Hang-ups that come while a reload runs ask for one more, however many they are.
func TestAHangUpWhileAReloadRunsIsNotLost(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, "services: [{name: before, units: [a]}]")
	c, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	reads, goOn := make(chan int), make(chan struct{})
	load := f.loading(func(round int) {
		reads <- round
		<-goOn
	})
	hangup := make(chan os.Signal, 1) // as signal.Notify has it: what does not fit is dropped
	d, _, stop := startWith(t, ServeOptions{
		Config: c, Load: load, Hangup: hangup, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"}, Watcher: make(units),
	})
	hangup <- syscall.SIGHUP
	<-reads
	f.write(t, "services: [{name: after, units: [a]}]")
	for range 3 {
		select {
		case hangup <- syscall.SIGHUP:
		default:
		}
	}
	goOn <- struct{}{}
	<-reads
	goOn <- struct{}{}
	if err := stop(); err != nil { // once the second reload is over
		t.Error(err)
	}
	if name := d.Store().Snapshot(time.Now()).Services[0].Name; name != "after" {
		t.Errorf("service %s after the last hang-up", name)
	}
}

// A configuration that came through a pipe cannot be read again. Who tries would wait for ever.
func TestAPipeIsNotReadAgain(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, "services: [{name: before, units: [a]}]")
	d, _, _ := startOn(t, f, make(units), nil)
	if err := os.Remove(string(f)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(string(f), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(); err == nil || !strings.Contains(err.Error(), "not a regular file, so it cannot be read again; restart postflight") {
		t.Errorf("got %v", err)
	}
	if name := d.Store().Snapshot(time.Now()).Services[0].Name; name != "before" {
		t.Errorf("service %s after a reload that was refused", name)
	}
}

// Without a file there is nothing to follow, and a reload finds what there was.
func TestAReloadOfWhatFlagsSay(t *testing.T) {
	t.Parallel()
	target := backend(t, healthy)
	load := func() (*config.Config, error) { return config.FromFlags([]string{target}, nil, "proxy") }
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	d, page, _ := startWith(t, ServeOptions{Config: c, Load: load, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"}})
	probed := fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="proxy",target=%q} 1`, target)
	await(t, page+"/metrics", probed)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	if metrics := scrape(t, page); !strings.Contains(metrics, probed) {
		t.Errorf("%s is gone:\n%s", probed, metrics)
	}
}

// The service manager waits for READY after each RELOADING, also where the configuration is refused.
func TestTheServiceManagerIsToldOfReloads(t *testing.T) {
	name := place(t)
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	told := func() string {
		message := make([]byte, 1<<10)
		n, err := socket.Read(message)
		if err != nil {
			t.Fatal(err)
		}
		what, _, _ := strings.Cut(string(message[:n]), "\nMONOTONIC_USEC=")
		return what
	}
	expect := func(messages ...string) {
		t.Helper()
		for _, want := range messages {
			if got := told(); got != want {
				t.Fatalf("told %q, want %q", got, want)
			}
		}
	}
	f := newFile(t)
	f.write(t, "services: [{name: a, units: [a]}]")
	d, _, stop := startOn(t, f, make(units), nil)
	expect("READY=1")
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	expect("RELOADING=1", "READY=1")
	f.write(t, "nothing")
	if err := d.Reload(); err == nil {
		t.Fatal("a broken file was taken")
	}
	expect("RELOADING=1", "READY=1")
	if err := stop(); err != nil {
		t.Error(err)
	}
	expect("STOPPING=1")
}

func TestTheSocketReloadsWithoutAToken(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, "services: [{name: before, units: [a]}]")
	c, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	socket := place(t)
	d, page, _ := startWith(t, ServeOptions{
		Config: c, Load: f.load, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"}, Watcher: make(units),
		Control: ControlOptions{Path: socket, Mode: 0o600},
	})
	overSocket := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	post := func(url string, dial func(context.Context, string, string) (net.Conn, error)) int {
		t.Helper()
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}
		response, err := client.Post(url+"/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	service := func() string { return d.Store().Snapshot(time.Now()).Services[0].Name }

	f.write(t, "services: [{name: after, units: [a]}]")
	if status := post("http://postflight", overSocket); status != http.StatusOK || service() != "after" {
		t.Errorf("over the socket: %d, service %s", status, service())
	}
	f.write(t, "services: nothing")
	if status := post("http://postflight", overSocket); status != http.StatusBadRequest || service() != "after" {
		t.Errorf("over the socket, with a broken file: %d, service %s", status, service())
	}
	if status := post(page, nil); status != http.StatusForbidden {
		t.Errorf("over TCP, where no token is configured: %d", status)
	}
}
