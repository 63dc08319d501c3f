// Package credentials comes by what authorises requests: a token or a password that is given, in a file or as it stands,
// or a token that a login yields.
package credentials

import (
	"postflight/internal/expect"
)

// Options says how to come by credentials. Exactly one of the ways is given.
type Options struct {
	Token     Secret // a bearer token
	TokenFile string // that holds it; absolute
	Basic     *Basic
	Login     *Login

	AllowedTargets []string // CIDRs and host suffixes: discovered targets that may get the credentials
}

// Basic is RFC 7617's user name and password.
type Basic struct {
	Username     string
	Password     Secret
	PasswordFile string // in place of Password; absolute
}

// Login is a request that is answered with a token.
type Login struct {
	Path          string
	Format        string // json or form
	UsernameField string
	PasswordField string
	Username      string
	Password      Secret
	PasswordFile  string             // in place of Password; absolute
	Token         *expect.Expression // where in the answer the token is
}

// Secret is a text that is never shown.
type Secret string

const hidden = "<secret>"

// String does not show it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString does not show it either.
func (s Secret) GoString() string { return s.String() }

// MarshalText is what encoders write in its place.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
