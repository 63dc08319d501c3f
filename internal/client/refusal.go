package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"unicode"
)

// RefusedError says why the daemon will not do what it was asked. Asking once more does not help.
type RefusedError struct {
	Status int // of the answer; 0: it was not even asked
	Text   string

	ours bool // it is a daemon of ours that refuses, not something in between
}

func (e *RefusedError) Error() string { return e.Text }

// refused makes an error of an answer that says no.
func (c *Client) refused(response *http.Response, body []byte) error {
	var told struct{ Error string }
	ours := json.Unmarshal(body, &told) == nil && told.Error != ""
	because := ""
	if ours {
		because = ": " + printable(told.Error)
	}
	status := response.StatusCode
	refuse := func(text string) error { return &RefusedError{status, text, ours} }
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout: // a proxy's, and over soon
		return fmt.Errorf("%s answers %s%s", c.server, response.Status, because)
	case status == http.StatusUnauthorized && strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Basic"):
		return refuse(c.server + " wants a user and a password, which postflight does not send; use the control socket on its machine: --server unix:/run/postflight/control.sock")
	case status == http.StatusBadRequest && strings.Contains(string(body), "HTTP request to an HTTPS server"): // as Go's servers say it
		return refuse(c.server + " speaks TLS; write https:// in place of http://")
	case status/100 == 4 && !ours:
		return refuse(fmt.Sprintf("%s answers %s, and not as postflight does; is it the right URL?", c.server, response.Status))
	case status == http.StatusUnauthorized && c.token == "":
		return refuse(c.server + " wants the token of the daemon's --web.api-token-file; name a file that holds it with --server.token-file")
	case status == http.StatusUnauthorized:
		return refuse("the token of --server.token-file was refused by " + c.server + because)
	case status/100 == 3:
		return refuse(fmt.Sprintf("%s redirects to %s; name the daemon itself", c.server, elsewhere(response)))
	case status/100 == 4:
		return refuse(c.server + " refuses" + because)
	default:
		return fmt.Errorf("%s answers %s%s", c.server, response.Status, because)
	}
}

// elsewhere is where a redirect leads, without what may hold secrets.
func elsewhere(response *http.Response) string {
	location, err := response.Location()
	if err != nil {
		return "nowhere"
	}
	return (&url.URL{Scheme: location.Scheme, Host: location.Host, Path: location.Path}).String()
}

// unreachable makes an error in words of one that came in place of an answer.
func (c *Client) unreachable(err error) error {
	var (
		request *url.Error
		lookup  *net.DNSError
		papers  *tls.CertificateVerificationError
		call    *os.SyscallError
		network *net.OpError
	)
	if errors.As(err, &request) {
		err = request.Err // without the URL, which is said already
	}
	local := strings.HasPrefix(c.server, "unix:")
	words := ""
	switch {
	case errors.Is(err, context.Canceled):
		words = "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		words = "no answer in time"
	case errors.Is(err, fs.ErrNotExist) && local:
		words = "there is no such socket; does the daemon run?"
	case errors.Is(err, fs.ErrPermission) && local:
		words = "permission denied; the socket's group may use it, and root"
	case errors.Is(err, syscall.ECONNREFUSED):
		words = "connection refused; does the daemon run?"
	case errors.As(err, &lookup):
		words = "the name is not known: " + lookup.Err
	case errors.As(err, &papers):
		words = "its certificate is not trusted: " + papers.Err.Error() + "; SSL_CERT_FILE can name the authority's"
	case errors.Is(err, http.ErrSchemeMismatch):
		words = "it does not speak TLS; write http:// in place of https://"
	case errors.As(err, &call):
		words = call.Err.Error()
	case errors.As(err, &network):
		words = network.Err.Error()
	default:
		words = strings.TrimPrefix(err.Error(), "net/http: ")
	}
	return &unreachableError{fmt.Sprintf("asking %s: %s", c.server, printable(words)), err}
}

// unreachableError says why there was no answer.
type unreachableError struct {
	text  string
	cause error
}

func (e *unreachableError) Error() string { return e.text }
func (e *unreachableError) Unwrap() error { return e.cause }

// longest is how much is repeated of what a server says, in characters.
const longest = 1000

// printable makes text of a server's safe for a terminal.
func printable(text string) string {
	safe := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
	if len(safe) > longest {
		safe = append(safe[:longest], '…')
	}
	return strings.TrimSpace(string(safe))
}
