package httpprobe

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/go-resty/resty/v2"

	"postflight/probe"
)

// moment is something that happens on the way of a request.
type moment uint8

const (
	resolving moment = iota
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
	sent  context.Context // what the request was sent with; it has the probe's deadline
	trace httptrace.ClientTrace

	mu   sync.Mutex
	path path
}

// path is how an exchange went: when each moment came, when the peer's certificate expires, and what became of ours.
type path struct {
	start  time.Time
	at     [moments]time.Duration // since start; 0: it did not come
	expiry time.Time
	papers papers
}

type exchangeKey struct{}

// follow begins an exchange with a host that is named, or else given by its address. Its request is to be sent with
// the context sent.
func follow(ctx context.Context, named bool) *exchange {
	e := &exchange{path: path{start: time.Now()}}
	e.trace.TLSHandshakeStart = e.beginHandshake
	e.trace.TLSHandshakeDone = e.endHandshake
	e.trace.GotConn = e.gotConn
	e.trace.WroteRequest = func(httptrace.WroteRequestInfo) { e.note(written) }
	e.trace.GotFirstResponseByte = func() { e.note(answered) }
	if named { // these two cost as much as the others together
		e.trace.DNSStart = func(httptrace.DNSStartInfo) { e.note(resolving) }
		e.trace.DNSDone = func(httptrace.DNSDoneInfo) { e.note(resolved) }
	}
	e.sent = httptrace.WithClientTrace(context.WithValue(ctx, exchangeKey{}, e), &e.trace)
	return e
}

// send sends a request within the exchange.
func (e *exchange) send(over *resty.Client, out *outgoing) (*http.Response, error) {
	r := over.R().SetContext(e.sent)
	for name, values := range out.header {
		r.Header[name] = values
	}
	if out.body != "" {
		r.SetBody(out.body)
	}
	if out.authorization != "" {
		r.Header["Authorization"] = []string{out.authorization}
	}
	response, err := r.Execute(out.method, out.url)
	if err != nil {
		return nil, err
	}
	return response.RawResponse, nil
}

var dialer net.Dialer

// dialWithinRequest dials for as long as the request lives. The transport would let the dialling go on for the benefit
// of later requests: to a host that swallows packets, that would heap up one goroutine a probe.
func dialWithinRequest(ctx context.Context, network, address string) (net.Conn, error) {
	e := exchangeOf(ctx)
	e.note(dialling)
	conn, err := dialer.DialContext(e.sent, network, address)
	if err == nil {
		e.note(connected)
	}
	return conn, err
}

// exchangeOf is the exchange that a request, or the dialling for it, belongs to. Each belongs to one.
func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

func (e *exchange) note(m moment) {
	now := e.now()
	e.mu.Lock()
	e.path.at[m] = now
	e.mu.Unlock()
}

// now is never 0, however coarse the clock.
func (e *exchange) now() time.Duration { return max(1, time.Since(e.path.start)) }

func (e *exchange) gotConn(info httptrace.GotConnInfo) {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if info.Reused { // what was dialled meanwhile went to somebody else
		clear(e.path.at[resolving:ready])
	}
	e.path.at[ready] = now
}

// soFar is a copy that no late goroutine changes.
func (e *exchange) soFar() path {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.path
}

func (p *path) passed(m moment) bool { return p.at[m] != 0 }

func (p *path) when(m moment) time.Time { return p.start.Add(p.at[m]) }

// between is the time from one moment to another, 0 where either did not come. The moments are noted by goroutines
// that do not wait for each other, so the later may be noted first.
func (p *path) between(from, to moment) time.Duration {
	if !p.passed(from) || !p.passed(to) {
		return 0
	}
	return max(0, p.at[to]-p.at[from])
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
