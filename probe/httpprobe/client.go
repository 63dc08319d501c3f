// Package httpprobe asks HTTP questions of one target and has the answers judged: a check of one or several requests is
// one probe.Prober.
//
// It rides on resty, and resty on two transports of ours: one that opens a fresh connection for each request (that the
// port accepts connections is part of the question) and one that keeps them. There is no cookie jar, nothing is tried
// twice, and a redirect is an answer like any other unless a check follows it.
package httpprobe

import (
	"crypto/tls"
	"net/http"
	"sync/atomic"
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
	agent       string
	fresh, kept *resty.Client
	abroad      *resty.Client // for redirects that leave their origin: shows no certificate of ours, and keeps no connection
	large       *largeBodies
	closed      atomic.Bool
}

// NewClient makes a Client whose requests bear the User-Agent postflight/VERSION.
func NewClient(version string) *Client {
	return newClient("postflight/"+version, &tls.Config{}, newLargeBodies())
}

// WithTLS makes a Client that trusts whom config says and shows itself as config says. Certificates are verified whatever
// it says. The new Client has connections of its own, to be closed on its own, and shares the room for large bodies.
func (c *Client) WithTLS(config *tls.Config) *Client {
	return newClient(c.agent, config, c.large)
}

func newClient(agent string, config *tls.Config, large *largeBodies) *Client {
	config = config.Clone()
	config.InsecureSkipVerify = false
	config.NextProtos = nil // HTTP/1.1 it is
	unknown := config.Clone()
	unknown.ServerName, unknown.Certificates, unknown.GetClientCertificate = "", nil, nil
	return &Client{
		agent:  agent,
		fresh:  restyOver(newTransport(config, false), agent),
		kept:   restyOver(newTransport(config, true), agent),
		abroad: restyOver(newTransport(unknown, false), agent),
		large:  large,
	}
}

// Close closes the connections that are kept and idle, and has those that are still in use closed after it.
func (c *Client) Close() {
	c.closed.Store(true)
	c.kept.GetClient().CloseIdleConnections()
}

// release is told of the end of each request. The transport keeps connections again as soon as somebody asks for one,
// also after Close: so the last one to ask closes them.
func (c *Client) release() {
	if c.closed.Load() {
		c.kept.GetClient().CloseIdleConnections()
	}
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

// newTransport makes a transport that speaks HTTP/1.1.
func newTransport(config *tls.Config, keepAlive bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialWithinRequest,
		DialTLSContext:         dialSecured(config),
		TLSClientConfig:        config,           // through a proxy
		TLSHandshakeTimeout:    10 * time.Second, // through a proxy, where a handshake outlives its request: not for ever
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
