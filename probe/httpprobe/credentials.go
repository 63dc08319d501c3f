package httpprobe

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	Logins        []probe.Login // that were made to come by it
}

// TokenFile is Credentials from the file of this name. It is read for each request, so a new token counts at once.
type TokenFile string

// tokenLimit is well beyond what a server takes in one header.
const tokenLimit = 16 << 10

// Grant reads the file. White space around the token is not part of it.
func (f TokenFile) Grant(context.Context) (Grant, error) {
	token, err := f.read()
	if err != nil {
		if f.mayBeTheToken() {
			return Grant{}, fmt.Errorf("reading token file: %w (what was given is not shown: it may be the token)", err)
		}
		return Grant{}, fmt.Errorf("reading token file %s: %w", string(f), err)
	}
	return Grant{Authorization: "Bearer " + token, Secret: token}, nil
}

// Refused has nothing else to try.
func (f TokenFile) Refused(context.Context, Grant) (Grant, bool) { return Grant{}, false }

// mayBeTheToken reports whether f is likely to be what belongs into the file: it is none, and does not lie in a directory
// that is there.
func (f TokenFile) mayBeTheToken() bool {
	if _, err := os.Lstat(string(f)); err == nil {
		return false
	}
	directory := filepath.Dir(string(f))
	if directory == "." || directory == "/" { // they are always there
		return true
	}
	_, err := os.Stat(directory)
	return err != nil
}

func (f TokenFile) read() (string, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return "", withoutPath(err)
	}
	if !info.Mode().IsRegular() { // a pipe would block, a device might never end
		return "", errors.New("not a regular file")
	}
	file, err := os.Open(string(f))
	if err != nil {
		return "", withoutPath(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, tokenLimit+1))
	if err != nil {
		return "", withoutPath(err)
	}
	token := strings.TrimSpace(string(content))
	switch {
	case token == "":
		return "", errors.New("it is empty")
	case len(content) > tokenLimit:
		return "", errors.New("it is too large for a token")
	case strings.ContainsFunc(token, outsideToken):
		return "", errors.New("it holds more than one token, or not text")
	}
	return token, nil
}

// outsideToken reports whether r cannot stand in a bearer token: RFC 6750 allows less than visible ASCII.
func outsideToken(r rune) bool { return r <= ' ' || r > '~' }

func withoutPath(err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		return inPath.Err
	}
	return err
}

// expiredAt is when a token expired, if it is a JWT that says so. RFC 7519: exp is in seconds since 1970.
func expiredAt(token string, now time.Time) (time.Time, bool) {
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
	if json.Unmarshal(payload, &claims) != nil || claims.Exp <= 0 || claims.Exp >= float64(now.Unix()) {
		return time.Time{}, false
	}
	return time.Unix(int64(claims.Exp), 0).UTC(), true
}
