package httpprobe

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postflight/internal/regular"
	"postflight/probe"
)

// Credentials authorise requests to one target. They are safe for use by several goroutines, and their errors never hold
// a secret.
type Credentials interface {
	// Grant gives what a request is sent with; the error says why there is nothing. It still tells of logins then.
	Grant(ctx context.Context) (Grant, error)
	// Refused tells that a request with a grant was answered 401. It gives what to try instead, or false where there is
	// nothing else: that is after a few tries.
	Refused(ctx context.Context, refused Grant) (Grant, bool)
}

// Grant is what a request is authorised with.
type Grant struct {
	Authorization string        // value of the header
	Secret        string        // what must not be shown of it: a token or a password
	Issuer        string        // the target that issued the token, where that is not the one that is asked; else empty
	Old           bool          // the token may have been revoked since it was issued: a refusal does not say who signed it
	Logins        []probe.Login // that were made to come by it
}

// TokenFile is Credentials from the file of this name. It is read for each request, so a new token counts at once.
type TokenFile string

// Grant reads the file. White space around the token is not part of it.
func (f TokenFile) Grant(context.Context) (Grant, error) {
	content, err := ReadSecret("token", string(f))
	if err != nil {
		return Grant{}, err
	}
	token := strings.TrimSpace(content)
	if err := CheckToken(token); err != nil {
		return Grant{}, fmt.Errorf("reading token file %s: %w", string(f), err)
	}
	return Grant{Authorization: "Bearer " + token, Secret: token}, nil
}

// Refused has nothing else to try.
func (f TokenFile) Refused(context.Context, Grant) (Grant, bool) { return Grant{}, false }

// secretLimit is well beyond what a server takes in one header.
const secretLimit = 16 << 10

// ReadSecret reads the whole file that holds a secret. What kind of secret it is stands in the errors; the secret does not,
// not even where it was given in place of the file's name.
func ReadSecret(kind, path string) (string, error) {
	content, err := regular.Read(path, secretLimit)
	switch {
	case err == nil && len(content) > secretLimit:
		return "", fmt.Errorf("reading %s file %s: it is too large for a %s", kind, path, kind)
	case err == nil:
		return string(content), nil
	case mayBeTheSecret(path):
		return "", fmt.Errorf("reading %s file: %w (what was given is not shown: it may be the %s)", kind, err, kind)
	default:
		return "", fmt.Errorf("reading %s file %s: %w", kind, path, err)
	}
}

// mayBeTheSecret reports whether a name is likely to be what belongs into the file: it is no file's, and does not lie in a
// directory that is there.
func mayBeTheSecret(path string) bool {
	if _, err := os.Lstat(path); err == nil {
		return false
	}
	directory := filepath.Dir(path)
	if directory == "." || directory == "/" { // they are always there
		return true
	}
	_, err := os.Stat(directory)
	return err != nil
}

// CheckToken says why a text cannot be a bearer token.
func CheckToken(token string) error {
	switch {
	case token == "":
		return errors.New("it is empty")
	case len(token) > secretLimit:
		return errors.New("it is too large for a token")
	case strings.ContainsFunc(token, outsideToken):
		return errors.New("it holds more than one token, or not text")
	}
	return nil
}

// outsideToken reports whether r cannot stand in a bearer token: RFC 6750 allows less than visible ASCII.
func outsideToken(r rune) bool { return r <= ' ' || r > '~' }

// TokenExpiry is when a token expires by its issuer's clock, if it is a JWT that says so. RFC 7519: exp is in seconds since
// 1970.
func TokenExpiry(token string) (time.Time, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Exp <= 0 || claims.Exp > latestExpiry {
		return time.Time{}, false
	}
	return time.Unix(int64(claims.Exp), 0).UTC(), true
}

const latestExpiry = 253402300799 // the end of the year 9999; what is later is no time

// expiredAt is when a token expired, if it did.
func expiredAt(token string, now time.Time) (time.Time, bool) {
	at, known := TokenExpiry(token)
	return at, known && at.Unix() < now.Unix()
}
