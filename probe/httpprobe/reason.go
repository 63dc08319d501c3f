package httpprobe

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"postflight/internal/expect"
	"postflight/probe"
)

// judgeError says why a request got no answer, or only a part of one. How far it came tells more than the error alone:
// a connection that breaks is a different thing in the handshake than in the body.
func judgeError(err error, p *path, limit time.Duration) expect.Judgement {
	failed := func(reason probe.Reason, wanted, got string) expect.Judgement {
		return expect.Judgement{Outcome: probe.Fail, Reason: reason, Wanted: wanted, Got: got}
	}
	blind := func(wanted, got string) expect.Judgement {
		return expect.Judgement{Outcome: probe.Error, Reason: probe.ReasonInternal, Wanted: wanted, Got: got}
	}
	var (
		lookup   *net.DNSError
		shown    *tls.CertificateVerificationError
		redirect *redirectError
	)
	if strings.Contains(err.Error(), "failed to parse Location header") { // net/http has no type for it, and repeats it
		err = errNoURL
	}
	lack, lacking := ownLack(err)
	switch {
	case errors.As(err, &redirect):
		return failed(probe.ReasonRedirect, redirect.wanted, redirect.got)
	case errors.Is(err, errNoRoom):
		return blind("a whole answer", "no room to read a large body: too many at once")
	case lacking:
		return blind("a connection", "our own machine's limit: "+lack.Error())
	case errors.Is(err, errTooManyValues):
		return failed(probe.ReasonTooLarge, "a body of at most 100,000 JSON values", "more")
	case errors.Is(err, errBodyTooLarge):
		return failed(probe.ReasonTooLarge, "a body of at most 1 MiB", "more")
	case isTimeout(err):
		return failed(probe.ReasonTimeout, answerWithin(limit), "nothing in time, "+p.stuckAt())
	case errors.As(err, &lookup):
		return failed(probe.ReasonResolve, "an address for "+expect.Excerpt(lookup.Name), lookup.Err)
	case errors.As(err, &shown):
		return failed(probe.ReasonTLS, "a trusted certificate", distrust(shown.Err, time.Now()))
	case strings.Contains(err.Error(), "server response headers exceeded"): // net/http has no type for it
		return failed(probe.ReasonTooLarge, "headers of at most 64 KiB", "more")
	case p.passed(answered):
		return failed(probe.ReasonProtocol, "a whole answer", plain(err))
	case p.passed(shaking) && (!p.passed(ready) || isAlert(err) || p.isTurnedAway(err)):
		return failed(probe.ReasonTLS, "a TLS handshake", plain(err)+p.papers.hint())
	case p.passed(ready):
		return failed(probe.ReasonProtocol, "an HTTP answer", plain(err))
	case p.passed(dialling):
		return failed(probe.ReasonConnect, "a connection", plain(err))
	default: // it never came to the network
		return blind("a request that can be sent", plain(err))
	}
}

// ownLack is what our own machine had none left of, if that is what the error says: files, ports or memory. An error of
// the resolver's keeps only the words.
func ownLack(err error) (syscall.Errno, bool) {
	var lookup *net.DNSError
	resolving := errors.As(err, &lookup)
	for _, lack := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, lack) || resolving && strings.HasSuffix(lookup.Err, lack.Error()) {
			return lack, true
		}
	}
	return 0, false
}

// isAlert reports whether the peer refused us in words of TLS. In TLS 1.3 it may do so when our side of the handshake is
// over, where it wants a certificate of ours.
func isAlert(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "remote error"
}

// isTurnedAway reports whether the peer may have hung up for want of a certificate of ours: the alert that says so can get
// lost in the reset.
func (p *path) isTurnedAway(err error) bool {
	return (p.papers == missing || p.papers == unfit) && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// tooLate is the judgement of what was not done, because the check's time was over.
func tooLate(limit time.Duration, got string) expect.Judgement {
	return expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonTimeout, Wanted: answerWithin(limit), Got: got}
}

func isTimeout(err error) bool {
	var said net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &said) && said.Timeout()
}

// answerWithin is what is wanted in so much time; 0: no limit was set.
func answerWithin(limit time.Duration) string {
	if limit <= 0 {
		return "an answer"
	}
	return fmt.Sprintf("an answer within %v", limit.Round(time.Millisecond))
}

// stuckAt says what the exchange was at when it ended.
func (p *path) stuckAt() string {
	switch {
	case p.passed(answered):
		return "while reading the answer"
	case p.passed(ready):
		return "while waiting for the answer"
	case p.passed(shaking):
		return "in the TLS handshake"
	case p.passed(connected):
		return "after connecting"
	case p.passed(resolving) && !p.passed(resolved):
		return "while resolving the name"
	default:
		return "while connecting"
	}
}

// plain is an error in words for people: what happened, and where, without the URL and the names of system calls.
func plain(err error) string {
	var (
		cut     *url.Error
		network *net.OpError
		call    *os.SyscallError
		number  syscall.Errno
	)
	if errors.As(err, &cut) {
		err = cut.Err
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended in the middle"
	case errors.Is(err, io.EOF):
		return "the connection was closed without an answer"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return "compressed data that is broken"
	}
	where := ""
	if errors.As(err, &network) {
		if network.Op == "dial" && network.Addr != nil {
			where = network.Addr.String() + ": "
		}
		err = network.Err
	}
	if errors.As(err, &call) {
		err = call.Err
	}
	if errors.As(err, &number) {
		return where + number.Error()
	}
	text := err.Error()
	for _, noise := range []string{"net/http: ", "http: ", "x509: ", "HTTP/1.x transport connection broken: "} {
		text = strings.TrimPrefix(text, noise)
	}
	return where + expect.Excerpt(text)
}
