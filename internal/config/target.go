package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

var (
	errUserInfo     = errors.New("a target holds no user or password; name a token file under credentials instead (an @ in a path is written %40)")
	errListUserInfo = errors.New("the URL of a list holds no user or password; leave them out (an @ in a path is written %40)")
)

// readTarget takes the base URL of one running copy of a service. It stays as it is written: it is a label. No message
// repeats a target that may hold a password.
func readTarget(text string) (any, error) {
	if strings.Contains(text, "@") {
		return nil, errUserInfo
	}
	if err := checkURL(text); err != nil {
		return nil, err
	}
	if strings.ContainsAny(text, "?#") {
		return nil, fmt.Errorf("%s is more than a base URL; leave out what begins with ? or #, for each check adds its own path", quote(text))
	}
	return text, nil
}

// readListURL takes the URL that a list of targets is asked for at.
func readListURL(text string) (any, error) {
	if strings.Contains(text, "@") {
		return nil, errListUserInfo
	}
	if err := checkURL(text); err != nil {
		return nil, err
	}
	if strings.Contains(text, "#") {
		return nil, fmt.Errorf("%s holds a #, and what follows it is never sent; leave it out, or write it as %%23", quote(text))
	}
	return text, nil
}

func checkURL(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fmt.Errorf("%s holds white space or a control character; leave it out, or write a space as %%20", quote(text))
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.Hostname() == "" {
		return fmt.Errorf("%s is not a URL of http or https; write it such as http://127.0.0.1:8000", quote(text))
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%s has no valid port; write 1 to 65535, or leave the colon out", quote(text))
		}
	}
	return nil
}

// sameTarget gives what two spellings of the same base URL have in common.
func sameTarget(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port + strings.TrimRight(u.EscapedPath(), "/")
}
