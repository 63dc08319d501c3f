package httpprobe

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"postflight/internal/expect"
)

// distrust says what is wrong with a certificate, and what to do about it.
func distrust(err error, now time.Time) string {
	var (
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && now.Before(invalid.Cert.NotBefore):
		return fmt.Sprintf("certificate of %s is valid only from %s on: wait for that, or set the clock", holder(invalid.Cert), second(invalid.Cert.NotBefore))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("certificate of %s has expired, at %s: renew it", holder(invalid.Cert), second(invalid.Cert.NotAfter))
	case errors.As(err, &name):
		return plain(err) + "; ask by a name that is in it, or set one as tls_config: server_name"
	case errors.As(err, &unknown) && unknown.Cert != nil && bytes.Equal(unknown.Cert.RawIssuer, unknown.Cert.RawSubject):
		return fmt.Sprintf("certificate of %s is self-signed; if that is meant to be, set it as tls_config: ca_file", holder(unknown.Cert))
	case errors.As(err, &unknown) && unknown.Cert != nil:
		return fmt.Sprintf("certificate of %s is signed by unknown authority %s; if it is your own, set its certificate as tls_config: ca_file",
			holder(unknown.Cert), expect.Excerpt(cmp.Or(unknown.Cert.Issuer.CommonName, unknown.Cert.Issuer.String())))
	default:
		return plain(err)
	}
}

// holder is whose certificate it is.
func holder(certificate *x509.Certificate) string {
	name := certificate.Subject.CommonName
	if len(certificate.DNSNames) > 0 {
		name = cmp.Or(name, certificate.DNSNames[0])
	}
	return expect.Excerpt(cmp.Or(name, certificate.Subject.String(), "the backend"))
}

func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// hint says what became of our certificate, where the peer asked for one and then did not go on.
func (p papers) hint() string {
	switch p {
	case missing:
		return "; the backend asks for a client certificate: set one as tls_config: cert_file and key_file"
	case unfit:
		return "; the backend asks for a client certificate of an authority that ours is not from: see tls_config: cert_file"
	case presented:
		return "; our client certificate was presented: see tls_config: cert_file"
	default:
		return ""
	}
}
