package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"regexp"

	"postflight/internal/regular"
)

var hostKind = kind{name: "host name", tag: textTag, read: readHost}

var hostName = regexp.MustCompile(`^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?$`)

func readHost(text string) (any, error) {
	if _, err := netip.ParseAddr(text); err != nil && !hostName.MatchString(text) {
		return nil, fmt.Errorf("%s is not the name of a host; write one such as shop.example, without scheme and port", quote(text))
	}
	return text, nil
}

// tlsFiles is what a tls_config says. Services that say the same share what was made of it.
type tlsFiles struct{ ca, cert, key, serverName string }

func (b *builder) tls(v *value) *TLS {
	if v == nil || len(v.fields) == 0 {
		return nil
	}
	said := tlsFiles{
		ca:         b.absolute(get(v, "ca_file", "")),
		cert:       b.absolute(get(v, "cert_file", "")),
		key:        b.absolute(get(v, "key_file", "")),
		serverName: get(v, "server_name", ""),
	}
	if known, ok := b.tlsMade[said]; ok {
		return known
	}
	wrong := len(b.errs)
	made := &TLS{CAFile: said.ca, CertFile: said.cert, KeyFile: said.key, ServerName: said.serverName}
	made.Config = &tls.Config{ServerName: said.serverName}
	if said.ca != "" {
		made.Config.RootCAs = b.authorities(v.field("ca_file"), said.ca)
	}
	cert, key := v.field("cert_file"), v.field("key_file")
	switch {
	case cert != nil && key == nil:
		b.say(cert.place, "a certificate is of no use without its key; write key_file: too, or leave cert_file out")
	case cert == nil && key != nil:
		b.say(key.place, "a key is of no use without its certificate; write cert_file: too, or leave key_file out")
	case said.cert != "" && said.key != "":
		made.Config.Certificates = b.certificate(cert, key, said)
	}
	if len(b.errs) == wrong {
		b.tlsMade[said] = made
	}
	return made
}

// authorities reads the certificates that are trusted.
func (b *builder) authorities(at *value, file string) *x509.CertPool {
	content, ok := b.content(at, file)
	if !ok {
		return nil
	}
	pool, found := x509.NewCertPool(), false
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			b.say(at.place, "%s holds a certificate that cannot be read; write it out anew, in PEM", quote(file))
			return nil
		}
		pool.AddCert(certificate)
		found = true
	}
	if !found {
		b.say(at.place, "%s holds no certificate; name a PEM file, with -----BEGIN CERTIFICATE----- in it", quote(file))
	}
	return pool
}

// certificate reads the certificate that is shown, and its key. What the key's file holds is never repeated.
func (b *builder) certificate(certAt, keyAt *value, files tlsFiles) []tls.Certificate {
	cert, certRead := b.content(certAt, files.cert)
	key, keyRead := b.content(keyAt, files.key)
	if !certRead || !keyRead {
		return nil
	}
	if !holds(cert, isCertificate) {
		b.say(certAt.place, "%s holds no certificate; name a PEM file, with -----BEGIN CERTIFICATE----- in it", quote(files.cert))
		return nil
	}
	if !holds(key, isKey) {
		b.say(keyAt.place, "%s holds no private key that can be read; name a PEM file with the key, not encrypted", quote(files.key))
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		b.say(keyAt.place, "the key in %s is not that of the certificate in %s; name the two that belong together", quote(files.key), quote(files.cert))
		return nil
	}
	return []tls.Certificate{pair}
}

// holds reports whether a PEM file has a block that can be read.
func holds(content []byte, readable func(*pem.Block) bool) bool {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if readable(block) {
			return true
		}
	}
	return false
}

func isCertificate(block *pem.Block) bool {
	_, err := x509.ParseCertificate(block.Bytes)
	return block.Type == "CERTIFICATE" && err == nil
}

func isKey(block *pem.Block) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(block.Bytes)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(block.Bytes)
	_, ec := x509.ParseECPrivateKey(block.Bytes)
	return pkcs8 == nil || pkcs1 == nil || ec == nil
}

func (b *builder) content(at *value, file string) ([]byte, bool) {
	content, err := b.read(file)
	if err != nil {
		b.say(at.place, "reading %s: %v; name a file that is there and that postflight may read", quote(file), err)
	}
	return content, err == nil
}

// maxCertificates is how many bytes of certificates a file may hold: a system's whole list of authorities is a quarter of it.
const maxCertificates = 1 << 20

// readCertificates reads a file of certificates.
func readCertificates(name string) ([]byte, error) {
	content, err := regular.Read(name, maxCertificates)
	if err == nil && len(content) > maxCertificates {
		err = errors.New("it is larger than 1 MiB")
	}
	return content, err
}
