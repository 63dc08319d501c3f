package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// certificates are files that a configuration may name, by the last part of their names.
var certificates = sync.OnceValue(func() map[string][]byte {
	ca, caKey := selfSigned()
	client, key := selfSigned()
	_, other := selfSigned()
	return map[string][]byte{
		"ca.pem":         ca,
		"ca-key.pem":     caKey,
		"client.pem":     client,
		"client-key.pem": key,
		"other-key.pem":  other,
		"bundle.pem":     append(append([]byte("# two of them\n"), ca...), client...),
		"text.pem":       []byte("hunter2\n"),
		"damaged.pem":    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hunter2")}),
		"encrypted.pem":  pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("hunter2")}),
	}
})

func selfSigned() (certificate, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func readTestCertificates(name string) ([]byte, error) {
	if content, ok := certificates()[filepath.Base(name)]; ok {
		return content, nil
	}
	return nil, syscall.ENOENT
}

// parsed reads a configuration, and certificates from certificates.
func parsed(filename string, content []byte) (*Config, error) {
	return parse(filename, content, readTestCertificates)
}

func TestCertificatesAreReadFromRegularFilesOnly(t *testing.T) {
	directory := t.TempDir()
	file := func(name string, content []byte) string {
		name = filepath.Join(directory, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	pipe := filepath.Join(directory, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, want string }{
		{file("ca.pem", certificates()["ca.pem"]), ""},
		{filepath.Join(directory, "missing.pem"), "no such file or directory"},
		{directory, "not a regular file"},
		{pipe, "not a regular file"},
		{"/dev/zero", "not a regular file"},
		{file("large.pem", make([]byte, maxCertificates+1)), "it is larger than 1 MiB"},
	} {
		_, err := Parse(filepath.Join(directory, "postflight.yml"), []byte("services: [{name: a, units: [a], tls_config: {ca_file: "+tc.name+"}}]"))
		if tc.want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		var wrong Errors
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), `reading "`) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}
