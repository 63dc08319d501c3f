package httpprobe

import (
	"cmp"
	"context"
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
	Body        string                 // empty: none. Not with GET, HEAD or OPTIONS: resty sends none there
	Credentials Credentials            // nil: none
	Token       string                 // sent as Authorization: Bearer where there are no Credentials: for forged ones
	Forge       func() (string, error) // makes what is sent in place of Token; nil: nothing does
	Secret      string                 // in the body or a header; it is not shown
	Expect      expect.Expectation
}

// Check is what to ask of one target. The requests are made one after another; one that the deadline leaves no time
// for has timed out.
type Check struct {
	Key      probe.Key
	Requests []Request
	Reuse    bool // of connections; otherwise each request opens its own

	// FollowRedirects has redirects followed, ten at most. What leaves the target's origin is a GET, or HEAD, without
	// credentials, headers and body from there on. Phases are those of the last hop, latencies those of all.
	FollowRedirects bool

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
	latency   time.Duration
	timed     bool            // got a whole answer, or timed out
	earlier   []time.Duration // latencies of the tries before it
	abroad    bool            // it was redirected to another origin
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
	result.Latencies = joined(result.Latencies, r.earlier)
	if r.timed {
		result.Latencies = append(result.Latencies, r.latency)
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

// worse reports whether a tells more than b, which came first.
func worse(a, b *expect.Judgement) bool {
	if a.Outcome != b.Outcome {
		return a.Outcome > b.Outcome
	}
	return weight(a.Reason) > weight(b.Reason)
}

// weight of a reason among those of the same outcome: that a forged token is accepted is worse than anything, and an
// answer that is merely slow is right.
func weight(reason probe.Reason) int {
	switch reason {
	case probe.ReasonAuthBypassed:
		return 2
	case probe.ReasonSlow:
		return 0
	default:
		return 1
	}
}

// ask makes one request and judges what comes.
func (p *prober) ask(ctx context.Context, i int) reply {
	request := &p.check.Requests[i]
	if request.Credentials != nil {
		return p.askAuthorised(ctx, request, p.urls[i])
	}
	token := request.Token
	var hidden []Grant
	if request.Forge != nil {
		var err error
		if token, err = request.Forge(); err != nil {
			return reply{judgement: p.said(request, nil, noCredentials(err))}
		}
		hidden = []Grant{{Secret: token}} // a real key may be behind it
	}
	authorization := ""
	if token != "" {
		authorization = "Bearer " + token
	}
	r := p.send(ctx, request, p.urls[i], authorization)
	r.judgement = p.said(request, hidden, r.judgement)
	return r
}

// send makes the exchange, reads the whole answer and has it judged.
func (p *prober) send(ctx context.Context, request *Request, url, authorization string) reply {
	defer p.client.release()
	body := intake{large: p.client.large}
	defer body.done()
	t := trip{
		hop: follow(ctx, p.named),
		out: outgoing{request.Method, url, request.Header, request.Body, authorization},
	}
	t.start = t.hop.path.start
	raw, err := t.hop.send(p.resty, &t.out)
	if p.check.FollowRedirects && err == nil {
		raw, err = p.walk(ctx, &t, raw)
	}
	var answer expect.Answer
	if err == nil {
		answer.Raw, err = body.read(t.hop.sent, raw)
	}
	t.hop.note(finished)
	r := t.reply(raw)
	if err == nil {
		r.timed = true
		answer.Status, answer.Header = raw.StatusCode, raw.Header
		answer.Sent, answer.Answered = r.path.when(ready), r.path.when(answered)
		answer.Duration = r.latency
		r.judgement, err = judge(t.hop.sent, &body, request, answer)
	}
	if err != nil {
		r.judgement = judgeError(err, &r.path, p.check.Timeout)
		redirected := raw != nil && r.judgement.Reason == probe.ReasonRedirect
		r.timed = r.timed || redirected || r.judgement.Reason == probe.ReasonTimeout
	}
	r.judgement = t.told(r.judgement)
	return r
}

// reply is what there is to say of the trip, but for the judgement.
func (t *trip) reply(answer *http.Response) reply {
	r := reply{path: t.hop.soFar(), abroad: t.abroad}
	r.latency = r.path.when(finished).Sub(t.start)
	if answer != nil {
		r.status = answer.StatusCode
	}
	r.path.expiry = t.expiry
	if t.place == nil {
		r.path.expiry = t.hop.certificateExpiry(answer)
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

// said makes the words of a judgement fit to be shown: which request they are about, and nothing of what must not be seen.
func (p *prober) said(request *Request, grants []Grant, judgement expect.Judgement) expect.Judgement {
	if judgement.Wanted == "" && judgement.Got == "" {
		return judgement
	}
	mask := func(secret string) {
		judgement.Wanted = Hide(judgement.Wanted, secret)
		judgement.Got = Hide(judgement.Got, secret)
	}
	mask(request.Secret)
	for i := range grants {
		mask(grants[i].Secret)
		_, spelled, _ := strings.Cut(grants[i].Authorization, " ")
		mask(spelled)
	}
	if judgement.Outcome != probe.Pass && len(p.check.Requests) > 1 && request.Name != "" {
		judgement.Got = request.Name + ": " + judgement.Got
	}
	return judgement
}
