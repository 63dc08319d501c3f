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
)

// Credentials has a token for a request. It is safe for use by several goroutines. Its errors never hold the secret.
type Credentials interface {
	Token(ctx context.Context) (string, error)
}

// TokenFile is Credentials from the file of this name. It is read for each request, so a new token counts at once.
type TokenFile string

// tokenLimit is well beyond what a server takes in one header.
const tokenLimit = 16 << 10

// Token reads the file. White space around the token is not part of it.
func (f TokenFile) Token(context.Context) (string, error) {
	token, err := f.read()
	if err != nil {
		if f.mayBeTheToken() {
			return "", fmt.Errorf("reading token file: %w (what was given is not shown: it may be the token)", err)
		}
		return "", fmt.Errorf("reading token file %s: %w", string(f), err)
	}
	return token, nil
}

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
