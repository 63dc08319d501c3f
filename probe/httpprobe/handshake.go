package httpprobe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"
)

// papers is what became of the client certificate in a handshake.
type papers uint8

const (
	notWanted papers = iota
	missing          // the peer asked for one, and there is none
	unfit            // there is one, and by none of the authorities that the peer named
	presented
)

// dialSecured makes what dials and shakes hands for as long as the request lives. The transport would do so by itself, but
// would not tell of the certificate that a peer showed before it refused us.
func dialSecured(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialWithinRequest(ctx, network, address)
		if err != nil {
			return nil, err
		}
		e := exchangeOf(ctx)
		own := config.Clone()
		if own.ServerName == "" {
			own.ServerName, _, _ = net.SplitHostPort(address) // the transport has joined them
		}
		own.VerifyConnection = func(state tls.ConnectionState) error { // also where the handshake never ends
			e.meet(state.PeerCertificates)
			if config.VerifyConnection != nil {
				return config.VerifyConnection(state)
			}
			return nil
		}
		own.GetClientCertificate = func(wanted *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return e.present(config, wanted)
		}
		secured := tls.Client(conn, own)
		e.beginHandshake()
		err = secured.HandshakeContext(e.sent)
		e.endHandshake(tls.ConnectionState{}, err)
		if err != nil {
			conn.Close()
			return nil, err
		}
		return secured, nil
	}
}

// present chooses a certificate of ours as crypto/tls would, and notes what became of it.
func (e *exchange) present(config *tls.Config, wanted *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	candidates := config.Certificates
	if config.GetClientCertificate != nil {
		certificate, err := config.GetClientCertificate(wanted)
		if err != nil {
			return nil, err
		}
		candidates = []tls.Certificate{*certificate}
	}
	shown, papers := &tls.Certificate{}, missing
	for i := range candidates {
		if len(candidates[i].Certificate) == 0 {
			continue
		}
		papers = unfit
		if wanted.SupportsCertificate(&candidates[i]) == nil {
			shown, papers = &candidates[i], presented
			break
		}
	}
	e.mu.Lock()
	e.path.papers = papers
	e.mu.Unlock()
	return shown, nil
}

// beginHandshake and endHandshake hear of a handshake twice where the transport is told of it when it is over.
func (e *exchange) beginHandshake() {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.path.passed(shaking) {
		e.path.at[shaking] = now
	}
}

func (e *exchange) endHandshake(state tls.ConnectionState, err error) {
	now := e.now()
	e.meet(state.PeerCertificates)
	var unverified *tls.CertificateVerificationError
	if errors.As(err, &unverified) {
		e.meet(unverified.UnverifiedCertificates)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil && !e.path.passed(shaken) {
		e.path.at[shaken] = now
	}
}

// meet notes what a peer has shown, if it has.
func (e *exchange) meet(certificates []*x509.Certificate) {
	if len(certificates) == 0 {
		return
	}
	e.mu.Lock()
	e.path.expiry = earliestExpiry(certificates)
	e.mu.Unlock()
}

// certificateExpiry is when the certificate expires that the peer showed, to this exchange or, on a connection that was
// kept, to an earlier one; zero: there was none.
func (e *exchange) certificateExpiry(answer *http.Response) time.Time {
	if answer != nil && answer.TLS != nil {
		return earliestExpiry(answer.TLS.PeerCertificates)
	}
	return e.soFar().expiry
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
