// Package httpprobe asks HTTP questions of one target and has the answers judged: a check of one or several requests is
// one probe.Prober.
//
// It rides on resty, and resty on two transports of ours: one that opens a fresh connection for each request (that the
// port accepts connections is part of the question) and one that keeps them. There is no cookie jar, nothing is tried
// twice, and a redirect is an answer like any other.
package httpprobe

import (
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"
)

// What is read of an answer, and no more.
const (
	bodyLimit   = 1 << 20 // bytes, after decompression
	valueLimit  = 100_000 // of JSON, the most that a body may hold
	headerLimit = 64 << 10
)

// Client holds the connections that all checks share. It is safe for use by several goroutines.
type Client struct {
	fresh, kept *resty.Client
	large       *largeBodies
}

// NewClient makes a Client whose requests bear the User-Agent postflight/VERSION.
func NewClient(version string) *Client {
	agent := "postflight/" + version
	return &Client{
		fresh: restyOver(newTransport(false), agent),
		kept:  restyOver(newTransport(true), agent),
		large: newLargeBodies(),
	}
}

// Close closes the connections that are kept and idle.
func (c *Client) Close() {
	c.fresh.GetClient().CloseIdleConnections()
	c.kept.GetClient().CloseIdleConnections()
}

func (c *Client) over(reuse bool) *resty.Client {
	if reuse {
		return c.kept
	}
	return c.fresh
}

func restyOver(transport *http.Transport, agent string) *resty.Client {
	return resty.NewWithClient(&http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).
		SetHeader("User-Agent", agent).
		SetDoNotParseResponse(true). // the body is read by us, within our limit
		SetLogger(silence{})
}

// newTransport makes a transport that speaks HTTP/1.1 and verifies certificates.
func newTransport(keepAlive bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialWithinRequest,
		TLSHandshakeTimeout:    10 * time.Second, // the transport lets a handshake outlive its request: not for ever
		DisableKeepAlives:      !keepAlive,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: headerLimit,
		Protocols:              protocols,
	}
}

// silence is resty's logger: what there is to say stands in the result.
type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Warnf(string, ...any)  {}
func (silence) Debugf(string, ...any) {}
