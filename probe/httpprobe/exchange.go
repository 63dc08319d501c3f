package httpprobe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptrace"
	"sync"
	"time"

	"postflight/probe"
)

// moment is something that happens on the way of a request.
type moment uint8

const (
	asked moment = iota
	resolving
	resolved
	dialling
	connected
	shaking // the TLS handshake begins
	shaken
	ready   // a connection is there, nothing is written yet
	written // the request
	answered
	finished // the body is read
	moments
)

// exchange follows one request. The transport's goroutines note moments, also after the request has been given up, so
// mu guards what they write; the probing goroutine owns the rest.
type exchange struct {
	sent context.Context // what the request was sent with; it has the probe's deadline

	mu     sync.Mutex
	at     [moments]time.Time
	expiry time.Time // of the peer's certificate
}

type exchangeKey struct{}

// follow begins an exchange. Its request is to be sent with the context sent.
//
// This does what resty's trace does, for half of its cost, and tells the phases that resty's adds together.
func follow(ctx context.Context) *exchange {
	e := &exchange{}
	e.at[asked] = time.Now()
	e.sent = httptrace.WithClientTrace(context.WithValue(ctx, exchangeKey{}, e), &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { e.note(resolving) },
		DNSDone:              func(httptrace.DNSDoneInfo) { e.note(resolved) },
		TLSHandshakeStart:    func() { e.note(shaking) },
		TLSHandshakeDone:     e.handshakeDone,
		GotConn:              e.gotConn,
		WroteRequest:         func(httptrace.WroteRequestInfo) { e.note(written) },
		GotFirstResponseByte: func() { e.note(answered) },
	})
	return e
}

var dialer net.Dialer

// dialWithinRequest dials for as long as the request lives. The transport would let the dialling go on for the benefit
// of later requests: to a host that swallows packets, that would heap up one goroutine a probe.
func dialWithinRequest(ctx context.Context, network, address string) (net.Conn, error) {
	e, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return dialer.DialContext(ctx, network, address)
	}
	e.note(dialling)
	conn, err := dialer.DialContext(e.sent, network, address)
	if err == nil {
		e.note(connected)
	}
	return conn, err
}

func (e *exchange) note(m moment) {
	now := time.Now()
	e.mu.Lock()
	e.at[m] = now
	e.mu.Unlock()
}

func (e *exchange) gotConn(info httptrace.GotConnInfo) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if info.Reused { // what was dialled meanwhile went to somebody else
		clear(e.at[resolving:ready])
	}
	e.at[ready] = now
}

func (e *exchange) handshakeDone(state tls.ConnectionState, err error) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		e.at[shaken] = now
		e.expiry = earliestExpiry(state.PeerCertificates)
	}
}

// path is what is known of an exchange once it is over: the times, and when the peer's certificate expires.
type path struct {
	at     [moments]time.Time
	expiry time.Time
}

func (e *exchange) path() path {
	e.mu.Lock()
	defer e.mu.Unlock()
	return path{at: e.at, expiry: e.expiry}
}

func (p *path) passed(m moment) bool { return !p.at[m].IsZero() }

// between is the time from one moment to another, 0 where either did not come. The moments are noted by goroutines
// that do not wait for each other, so the later may be noted first.
func (p *path) between(from, to moment) time.Duration {
	if !p.passed(from) || !p.passed(to) {
		return 0
	}
	return max(0, p.at[to].Sub(p.at[from]))
}

func (p *path) phases() (phases [len(probe.Phases)]time.Duration) {
	dialled := dialling
	if p.passed(resolved) {
		dialled = resolved
	}
	phases[probe.Resolve] = p.between(resolving, resolved)
	phases[probe.Connect] = p.between(dialled, connected)
	phases[probe.TLS] = p.between(shaking, shaken)
	phases[probe.Processing] = p.between(written, answered)
	phases[probe.Transfer] = p.between(answered, finished)
	return phases
}

// earliestExpiry is when the first certificate of a chain as the peer presented it expires: with that one the chain
// does, whichever it is.
func earliestExpiry(presented []*x509.Certificate) (earliest time.Time) {
	for _, certificate := range presented {
		if earliest.IsZero() || certificate.NotAfter.Before(earliest) {
			earliest = certificate.NotAfter
		}
	}
	return earliest
}
