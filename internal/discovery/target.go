package discovery

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

// ReadTarget takes the base URL of one running copy of a service. It stays as it is written: it is a label. No message
// repeats a target that may hold a password.
func ReadTarget(text string) (string, error) {
	if strings.Contains(text, "@") {
		return "", errUserInfo
	}
	if err := checkURL(text); err != nil {
		return "", err
	}
	if strings.ContainsAny(text, "?#") {
		return "", fmt.Errorf("%s is more than a base URL; leave out what begins with ? or #, for each check adds its own path", QuoteURL(text))
	}
	return text, nil
}

// ReadListURL takes the URL that a list of targets is asked for at. No message repeats what may be secret in it.
func ReadListURL(text string) (string, error) {
	if strings.Contains(text, "@") {
		return "", errListUserInfo
	}
	if err := checkURL(text); err != nil {
		return "", err
	}
	if strings.Contains(text, "#") {
		return "", fmt.Errorf("%s holds a #, and what follows it is never sent; leave it out, or write it as %%23", QuoteURL(text))
	}
	return text, nil
}

func checkURL(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fmt.Errorf("%s holds white space or a control character; leave it out, or write a space as %%20", QuoteURL(text))
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.Hostname() == "" {
		return fmt.Errorf("%s is not a URL of http or https; write it such as http://127.0.0.1:8000", QuoteURL(text))
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%s has no valid port; write 1 to 65535, or leave the colon out", QuoteURL(text))
		}
	}
	return nil
}

// SameTarget gives what all spellings of the same base URL have in common.
func SameTarget(target string) string {
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

// QuoteURL repeats a URL or a path in a message, but for its query: that may hold a key.
func QuoteURL(text string) string {
	if before, _, found := strings.Cut(text, "?"); found {
		text = before + "?…"
	}
	return Quote(text)
}

// Quote repeats text in a message: not all of it if it is long, and nothing of it if it may hold a password.
func Quote(text string) string {
	const longest = 60
	if MayHoldPassword(text) {
		return "what stands here"
	}
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return strconv.Quote(text)
}

// MayHoldPassword reports whether text looks like user:password@host.
func MayHoldPassword(text string) bool {
	_, after, found := strings.Cut(text, ":")
	return found && strings.Contains(after, "@")
}
