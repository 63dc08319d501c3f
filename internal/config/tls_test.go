package config

import (
	"crypto/x509"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTLS(t *testing.T) {
	pool := func(files ...string) *x509.CertPool {
		pool := x509.NewCertPool()
		for _, file := range files {
			pool.AppendCertsFromPEM(certificates()[file])
		}
		return pool
	}
	for _, tc := range []struct {
		keys         string
		roots        *x509.CertPool
		certificates int
		serverName   string
	}{
		{"ca_file: ca.pem", pool("ca.pem"), 0, ""},
		{"ca_file: bundle.pem", pool("ca.pem", "client.pem"), 0, ""},
		{"server_name: shop.example", nil, 0, "shop.example"},
		{"server_name: '::1'", nil, 0, "::1"},
		{"cert_file: client.pem, key_file: client-key.pem", nil, 1, ""},
	} {
		config := service(t, "services: [{name: a, units: [a], tls_config: {"+tc.keys+"}}]").TLS.Config
		if !config.RootCAs.Equal(tc.roots) || len(config.Certificates) != tc.certificates || config.ServerName != tc.serverName || config.InsecureSkipVerify {
			t.Errorf("%s: got %d certificates and the name %q, and authorities as wanted: %v", tc.keys, len(config.Certificates), config.ServerName, config.RootCAs.Equal(tc.roots))
		}
	}
	if got := service(t, "services: [{name: a, units: [a], tls_config: {}}]").TLS; got != nil {
		t.Errorf("of nothing: %v", got)
	}
}

func TestServicesThatSayTheSameOfTLSShareIt(t *testing.T) {
	c, err := parsed("f.yml", []byte(`services:
  - {name: a, units: [a], tls_config: {ca_file: ca.pem}}
  - {name: b, units: [b], tls_config: {ca_file: ca.pem}}
  - {name: c, units: [c], tls_config: {ca_file: ca.pem, server_name: c}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if a, b, other := c.Services[0].TLS, c.Services[1].TLS, c.Services[2].TLS; a != b || a == other {
		t.Errorf("got %p, %p and %p", a, b, other)
	}
}

func TestFiles(t *testing.T) {
	c, err := parsed("/etc/postflight.yml", []byte(`services:
  - name: a
    units: [a]
    tls_config: {ca_file: ca.pem, cert_file: /run/client.pem, key_file: /run/client-key.pem}
    release: {file: VERSION}
    credentials: {admin: {token_file: token}}
    file_sd_configs: [{files: [targets.json]}]
  - {name: b, units: [b], tls_config: {ca_file: ca.pem, server_name: b}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/etc/postflight.yml", "/etc/ca.pem", "/run/client.pem", "/run/client-key.pem"}
	if diff := cmp.Diff(want, c.Files()); diff != "" {
		t.Error(diff)
	}
	flags, err := FromFlags([]string{"http://127.0.0.1:8000"}, nil, "")
	if err != nil || flags.Files() != nil {
		t.Errorf("of flags: %v, %v", flags.Files(), err)
	}
}
