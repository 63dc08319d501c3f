package config

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"slices"

	"postflight/internal/credentials"
)

// SameCheck reports whether nothing has changed that a probe of the check depends on: the check itself, the credentials
// that it uses, secrets included, and whom its service trusts.
func (service Service) SameCheck(check Check, old Service, was Check) bool {
	return reflect.DeepEqual(check.shown(), was.shown()) &&
		text(check.Request.Expect.Release) == text(was.Request.Expect.Release) &&
		SameCredentials(service.Credentials[check.Request.Credentials], old.Credentials[was.Request.Credentials]) &&
		service.TLS.Same(old.TLS)
}

// SameCredentials reports whether two ways to come by credentials are one, secrets included.
func SameCredentials(a, b credentials.Options) bool {
	if a.Login != nil && b.Login != nil {
		x, y := *a.Login, *b.Login
		if text(x.Token) != text(y.Token) {
			return false
		}
		x.Token, y.Token = nil, nil
		a.Login, b.Login = &x, &y
	}
	return reflect.DeepEqual(a, b)
}

// Same reports whether the two say the same, and their files hold the same.
func (t *TLS) Same(o *TLS) bool {
	if t == nil || o == nil {
		return t == o
	}
	if t.CAFile != o.CAFile || t.CertFile != o.CertFile || t.KeyFile != o.KeyFile || t.ServerName != o.ServerName {
		return false
	}
	return t.Config.RootCAs.Equal(o.Config.RootCAs) && sameCertificates(t.Config.Certificates, o.Config.Certificates)
}

// sameCertificates compares chains. A key needs no look: it is the one that fits the certificate.
func sameCertificates(a, b []tls.Certificate) bool {
	return slices.EqualFunc(a, b, func(x, y tls.Certificate) bool {
		return slices.EqualFunc(x.Certificate, y.Certificate, bytes.Equal)
	})
}
