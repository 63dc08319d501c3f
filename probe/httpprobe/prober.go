package httpprobe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"postflight/internal/expect"
	"postflight/probe"
)

// Request is one request of a check, and what is expected of its answer.
type Request struct {
	Name        string // tells it from the check's others in words for people
	Method      string
	Path        string
	Header      http.Header
	Body        string      // empty: none. Not with GET, HEAD or OPTIONS: resty sends none there
	Credentials Credentials // nil: none
	Token       string      // sent as Authorization: Bearer where there are no Credentials: for forged ones
	Secret      string      // in the body or a header; it is not shown
	Expect      expect.Expectation
}

// Check is what to ask of one target. The requests are made one after another; one that the deadline leaves no time
// for has timed out.
type Check struct {
	Key      probe.Key
	Requests []Request
	Reuse    bool // of connections; otherwise each request opens its own

	// Timeout is the check's, for the words of a probe that did not end in time. The context's deadline ends it: that is
	// a moment later than the probe began, and 299 ms would be told where 300 are written.
	Timeout time.Duration

	// Conclude, where it is not nil, adds the values that need more than one answer. It is given the judgements of
	// the requests that were made, in their order.
	Conclude func(judged []expect.Judgement) []probe.Value
}

// Prober makes a prober of a check.
func (c *Client) Prober(check Check) probe.Prober {
	p := &prober{client: c, resty: c.over(check.Reuse), check: check, named: isNamed(check.Key.Target)}
	for _, request := range check.Requests {
		p.urls = append(p.urls, strings.TrimSuffix(check.Key.Target, "/")+request.Path)
	}
	return p
}

type prober struct {
	client *Client
	resty  *resty.Client
	check  Check
	urls   []string // one a request
	named  bool     // the target's host has to be resolved
}

func isNamed(target string) bool {
	u, err := url.Parse(target)
	return err != nil || net.ParseIP(u.Hostname()) == nil
}

// reply is what became of one request.
type reply struct {
	judgement expect.Judgement
	status    int
	path      path
	timed     bool // got a whole answer, or timed out
	tokens    probe.TokenConsistency
	logins    []probe.Login
}

// Probe makes the check's requests and judges the answers.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	start := time.Now()
	result := probe.Result{Key: p.check.Key, Start: start}
	var worst expect.Judgement
	var judged []expect.Judgement
	for i := range p.check.Requests {
		var r reply
		if i > 0 && ctx.Err() != nil {
			r.judgement = tooLate(p.check.Timeout, "no time left to ask")
		} else {
			r = p.ask(ctx, i)
			if p.check.Conclude != nil {
				judged = append(judged, r.judgement)
			}
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return probe.Result{}, ctx.Err()
		}
		add(&result, &r)
		if i == 0 || worse(&r.judgement, &worst) {
			worst = r.judgement
			result.Status, result.Phases = r.status, r.path.phases()
		}
	}
	if p.check.Conclude != nil {
		result.Values = joined(result.Values, p.check.Conclude(judged))
	}
	result.Duration = time.Since(start)
	result.Outcome, result.Reason = worst.Outcome, worst.Reason
	result.Wanted, result.Got = worst.Wanted, worst.Got
	if result.Outcome == probe.Error {
		return result, fmt.Errorf("%s: %s", result.Reason, result.Got)
	}
	return result, nil
}

// add gathers what every request adds, whichever is the worst.
func add(result *probe.Result, r *reply) {
	if r.timed {
		result.Latencies = append(result.Latencies, r.path.at[finished])
	}
	if !r.path.expiry.IsZero() {
		result.CertificateExpiry = r.path.expiry
	}
	result.Values = joined(result.Values, r.judgement.Values)
	result.Unread = joined(result.Unread, r.judgement.Unread)
	result.Assertions = joined(result.Assertions, r.judgement.Assertions)
	result.Release = cmp.Or(result.Release, r.judgement.Release)
	result.Tokens = max(result.Tokens, r.tokens)
	result.Logins = joined(result.Logins, r.logins)
}

// joined never writes to what an expectation has given.
func joined[T any](all, more []T) []T {
	if len(all) == 0 {
		return more
	}
	return append(slices.Clip(all), more...)
}

// worse reports whether a tells more than b, which came first. That a forged token is accepted is worse than anything.
func worse(a, b *expect.Judgement) bool {
	if a.Outcome != b.Outcome {
		return a.Outcome > b.Outcome
	}
	return a.Reason == probe.ReasonAuthBypassed && b.Reason != probe.ReasonAuthBypassed
}

// ask makes one request and judges what comes.
func (p *prober) ask(ctx context.Context, i int) reply {
	request := &p.check.Requests[i]
	if request.Credentials != nil {
		return p.askAuthorised(ctx, request, p.urls[i])
	}
	authorization := ""
	if request.Token != "" {
		authorization = "Bearer " + request.Token
	}
	r := p.send(follow(ctx, p.named), request, p.urls[i], authorization)
	if r.judgement.Outcome != probe.Pass {
		r.judgement = p.said(request, request.Secret, r.judgement)
	}
	return r
}

// askAuthorised makes one request with the check's own credentials: again with another grant, where there is one, when it
// is answered 401.
func (p *prober) askAuthorised(ctx context.Context, request *Request, url string) reply {
	grant, err := request.Credentials.Grant(ctx)
	logins := grant.Logins
	if err != nil {
		return reply{judgement: p.said(request, "", noCredentials(err)), logins: logins}
	}
	var foreign string // the issuer of a token that was refused
	for {
		r := p.send(follow(ctx, p.named), request, url, grant.Authorization)
		if r.status == http.StatusUnauthorized {
			if next, more := request.Credentials.Refused(ctx, grant); more {
				foreign, grant, logins = cmp.Or(foreign, grant.Issuer), next, append(logins, next.Logins...)
				continue
			}
		}
		r.logins = logins
		accepted := r.status/100 == 2
		switch {
		case accepted && grant.Issuer != "":
			r.tokens = probe.TokensConsistent
		case accepted && foreign != "":
			r.tokens = probe.TokensInconsistent
			r.judgement = otherTokenRefused(r.judgement, foreign)
		}
		if r.judgement.Outcome != probe.Pass {
			r.judgement = p.said(request, grant.Secret, blameCredentials(r.judgement, r.status, grant.Secret))
		}
		return r
	}
}

// otherTokenRefused turns a pass into the warning that it is not one for every user.
func otherTokenRefused(judgement expect.Judgement, issuer string) expect.Judgement {
	if judgement.Outcome == probe.Pass {
		judgement.Outcome = probe.Warn
		judgement.Wanted = "the token that " + issuer + " issued accepted"
		judgement.Got = "it was refused, and the one accepted that the target itself issued: do they sign with different keys?"
	}
	return judgement
}

// send makes the exchange, reads the whole answer and has it judged.
func (p *prober) send(e *exchange, request *Request, url, authorization string) reply {
	body := intake{large: p.client.large}
	defer body.done()
	response, err := p.request(e, request, authorization).Execute(request.Method, url)
	var (
		answer expect.Answer
		raw    *http.Response
	)
	if err == nil {
		raw = response.RawResponse
		answer.Raw, err = body.read(e.sent, raw)
	}
	e.note(finished)
	r := reply{path: e.soFar()}
	if raw != nil {
		r.status = raw.StatusCode
		if raw.TLS != nil {
			r.path.expiry = earliestExpiry(raw.TLS.PeerCertificates)
		}
	}
	if err != nil {
		var unverified *tls.CertificateVerificationError
		if errors.As(err, &unverified) {
			r.path.expiry = earliestExpiry(unverified.UnverifiedCertificates)
		}
		r.judgement = judgeError(err, &r.path, p.check.Timeout)
		r.timed = r.judgement.Reason == probe.ReasonTimeout
		return r
	}
	r.timed = true
	answer.Status, answer.Header = raw.StatusCode, raw.Header
	answer.Sent, answer.Answered = r.path.when(ready), r.path.when(answered)
	answer.Duration = r.path.at[finished]
	if r.judgement, err = judge(e.sent, &body, request, answer); err != nil {
		r.judgement = judgeError(err, &r.path, p.check.Timeout)
	}
	return r
}

func (p *prober) request(e *exchange, request *Request, authorization string) *resty.Request {
	r := p.resty.R().SetContext(e.sent)
	for name, values := range request.Header {
		r.Header[name] = values
	}
	if request.Body != "" {
		r.SetBody(request.Body)
	}
	if authorization != "" {
		r.Header["Authorization"] = []string{authorization}
	}
	return r
}

// judge decodes a whole answer and has it judged, or gives the error that kept it from doing so in time. 429 says nothing
// about the backend, whatever is expected of it.
func judge(ctx context.Context, body *intake, request *Request, answer expect.Answer) (expect.Judgement, error) {
	if answer.Status == http.StatusTooManyRequests {
		return expect.Judgement{
			Outcome: probe.Error, Reason: probe.ReasonRateLimited,
			Wanted: "an answer", Got: "status 429 Too Many Requests",
		}, nil
	}
	if err := body.awaitTurn(ctx); err != nil {
		return expect.Judgement{}, err
	}
	answer.Size = int64(len(answer.Raw))
	answer.Body, answer.NotJSON = decode(answer.Raw)
	if err := ctx.Err(); err != nil {
		return expect.Judgement{}, body.blame(err)
	}
	return request.Expect.Judge(answer), nil
}

func noCredentials(err error) expect.Judgement {
	return expect.Judgement{Outcome: probe.Error, Reason: probe.ReasonCredentials, Wanted: "credentials", Got: err.Error()}
}

// blameCredentials turns the refusal of our own token into what it is: it says nothing about the backend. Where that the
// token is accepted is the question itself, the expectation has a reason of its own, which stands unless the token had
// simply expired.
func blameCredentials(judgement expect.Judgement, status int, token string) expect.Judgement {
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return judgement
	}
	if at, expired := expiredAt(token, time.Now()); expired {
		judgement.Outcome, judgement.Reason = probe.Error, probe.ReasonCredentials
		judgement.Wanted = "credentials that are valid"
		judgement.Got = fmt.Sprintf("status %d; our token expired at %s", status, at.Format(time.RFC3339))
	} else if judgement.Reason == probe.ReasonStatus {
		judgement.Outcome, judgement.Reason = probe.Error, probe.ReasonCredentials
		judgement.Wanted += " with our credentials"
	}
	return judgement
}

// said makes the words of a judgement fit to be shown: which request they are about, and without the token.
func (p *prober) said(request *Request, token string, judgement expect.Judgement) expect.Judgement {
	judgement.Wanted = withoutToken(judgement.Wanted, token)
	judgement.Got = withoutToken(judgement.Got, token)
	if len(p.check.Requests) > 1 && request.Name != "" {
		judgement.Got = request.Name + ": " + judgement.Got
	}
	return judgement
}
