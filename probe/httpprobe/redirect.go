package httpprobe

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"postflight/internal/expect"
)

const (
	hopLimit   = 10      // redirects of one request that are followed
	drainLimit = 2 << 10 // bytes of a redirect's body, that are read to keep its connection
)

// outgoing is one request as it is sent.
type outgoing struct {
	method, url   string
	header        http.Header
	body          string
	authorization string
}

// trip is one request with all the redirects that it is sent on by. Each hop is an exchange of its own, so that nothing
// that comes late of one is taken for the next.
type trip struct {
	hop   *exchange // the last
	out   outgoing  // what it sent
	start time.Time // of the first

	abroad bool      // it has left the origin that it began at, for good
	expiry time.Time // of the certificate that the first hop met, once there is a second
	place  *url.URL  // where the last redirect led; nil: there was none
	seen   []string  // what has been asked so far, with the same credentials
}

// redirectError is a redirect that cannot be followed.
type redirectError struct{ wanted, got string }

func (e *redirectError) Error() string { return e.got }

var errNoURL = &redirectError{"a redirect to a URL", "one to something else"}

// walk follows redirects from the first answer on, and gives the last one; or that of the redirect at which it ended, and
// why.
func (p *prober) walk(ctx context.Context, t *trip, answer *http.Response) (*http.Response, error) {
	for hops := 0; isRedirect(answer); hops++ {
		if err := t.redirect(answer, hops); err != nil {
			answer.Body.Close()
			return answer, err
		}
		if p.check.Reuse {
			io.CopyN(io.Discard, answer.Body, drainLimit)
		}
		answer.Body.Close()
		over := p.resty
		if t.abroad {
			over = p.client.abroad
		}
		t.hop = follow(ctx, isNamed(t.out.url))
		var err error
		if answer, err = t.hop.send(over, &t.out); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func isRedirect(answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return answer.Header.Get("Location") != ""
	}
	return false
}

// redirect makes the request what the answer wants it to be. After so many hops there may be too many.
func (t *trip) redirect(answer *http.Response, hops int) error {
	from := answer.Request.URL
	to, err := from.Parse(answer.Header.Get("Location"))
	if err != nil {
		return errNoURL
	}
	to.Fragment, to.RawFragment = "", ""
	if hops == 0 {
		t.expiry = t.hop.certificateExpiry(answer)
		t.seen = []string{t.out.method + " " + from.String()}
	}
	switch {
	case to.Scheme != "http" && to.Scheme != "https":
		return &redirectError{"redirects to http or https", "one to " + shown(to)}
	case to.Hostname() == "":
		return &redirectError{"a redirect to a host", "one to none"}
	case to.User != nil:
		return &redirectError{"redirects without a user name and password", "one with them, to " + shown(to)}
	case hops == hopLimit:
		return &redirectError{fmt.Sprintf("at most %d redirects", hopLimit), "one more, to " + shown(to)}
	}
	if !t.abroad && !sameOrigin(from, to) {
		t.abroad, t.seen = true, nil
		t.out = outgoing{method: bodiless(t.out.method)} // a PUT without its body would empty what it meets
	}
	t.out.sendTo(to, answer.StatusCode)
	asked := t.out.method + " " + t.out.url
	if slices.Contains(t.seen, asked) {
		return &redirectError{"redirects that end", "a circle of them, back to " + shown(to)}
	}
	t.seen, t.place = append(t.seen, asked), to
	return nil
}

// sendTo takes the request where a redirect of this status leads. It changes methods as net/http does: only 307 and 308
// keep them, and the body with them.
func (o *outgoing) sendTo(to *url.URL, status int) {
	o.url = to.String()
	if status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect {
		return
	}
	o.method, o.body = bodiless(o.method), ""
	o.header = o.header.Clone() // the check's own stays as it is
	maps.DeleteFunc(o.header, func(name string, _ []string) bool {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Encoding", "Content-Language", "Content-Location", "Content-Type":
			return true
		}
		return false
	})
}

// bodiless is the method that asks for the same without sending anything.
func bodiless(method string) string {
	if method == http.MethodHead {
		return method
	}
	return http.MethodGet
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// shown is a URL without what may hold secrets.
func shown(u *url.URL) string {
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return expect.Excerpt((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// told adds to what came where it came from.
func (t *trip) told(judgement expect.Judgement) expect.Judgement {
	switch {
	case t.place == nil || judgement.Got == "":
	case t.abroad:
		judgement.Got += ", after a redirect to another origin, " + shown(t.place) + ", which gets no credentials, headers or body of ours"
	default:
		judgement.Got += ", after a redirect to " + shown(t.place)
	}
	return judgement
}
