package httpprobe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"postflight/internal/expect"
	"postflight/probe"
)

// tries is how many grants one request is tried with at most, whatever its credentials have to offer.
const tries = 4

// askAuthorised makes one request with the check's own credentials: again with another grant, where there is one, when it
// is answered 401.
func (p *prober) askAuthorised(ctx context.Context, request *Request, url string) reply {
	grant, err := request.Credentials.Grant(ctx)
	if err != nil {
		judgement := noCredentials(err)
		if ctx.Err() != nil {
			judgement.Reason = probe.ReasonTimeout
		}
		return reply{judgement: p.said(request, nil, judgement), logins: grant.Logins}
	}
	var all [tries]Grant
	granted := append(all[:0], grant)
	r := p.try(ctx, request, url, grant)
	r.logins = grant.Logins
	for len(granted) < tries && r.isRefused() {
		next, more := request.Credentials.Refused(ctx, grant)
		r.logins = joined(r.logins, next.Logins)
		if !more {
			break
		}
		grant, granted = next, append(granted, next)
		r = p.try(ctx, request, url, grant).after(&r)
	}
	if !r.abroad { // what another origin makes of a request says nothing about our credentials
		r.compareTokens(granted)
		r.judgement = blameCredentials(r.judgement, r.status, grant.Secret)
	}
	r.judgement = p.said(request, granted, r.judgement)
	return r
}

func noCredentials(err error) expect.Judgement {
	return expect.Judgement{Outcome: probe.Error, Reason: probe.ReasonCredentials, Wanted: "credentials", Got: err.Error()}
}

// try makes the request with a grant, if there is time left. If not, that says nothing about the backend: it is the
// credentials that took it.
func (p *prober) try(ctx context.Context, request *Request, url string, grant Grant) reply {
	if ctx.Err() != nil {
		return reply{judgement: expect.Judgement{
			Outcome: probe.Error, Reason: probe.ReasonTimeout,
			Wanted: answerWithin(p.check.Timeout), Got: "no time left to ask, once there were credentials",
		}}
	}
	return p.send(ctx, request, url, grant.Authorization)
}

// isRefused reports whether the target does not take the grant, and that is not what is wanted.
func (r *reply) isRefused() bool {
	return r.status == http.StatusUnauthorized && !r.abroad && !r.judgement.Outcome.Up()
}

// after takes over from an earlier try what counts of each.
func (r reply) after(earlier *reply) reply {
	r.earlier, r.logins = earlier.earlier, earlier.logins
	if earlier.timed {
		r.earlier = append(r.earlier, earlier.latency)
	}
	if r.path.expiry.IsZero() {
		r.path.expiry = earlier.path.expiry
	}
	return r
}

// compareTokens says whether the target takes the tokens that others issued, where the last of the grants was accepted.
func (r *reply) compareTokens(granted []Grant) {
	if r.status/100 != 2 {
		return
	}
	accepted := granted[len(granted)-1].Issuer
	for _, refused := range granted[:len(granted)-1] {
		if refused.Issuer != "" && refused.Issuer != accepted && !refused.Old {
			r.tokens = probe.TokensInconsistent
			r.judgement = otherTokenRefused(r.judgement, refused.Issuer, cmp.Or(accepted, "the target itself"))
			return
		}
	}
	if accepted != "" {
		r.tokens = probe.TokensConsistent
	}
}

// otherTokenRefused turns a pass into the warning that it is not one for every user.
func otherTokenRefused(judgement expect.Judgement, refused, accepted string) expect.Judgement {
	if judgement.Outcome == probe.Pass {
		judgement.Outcome = probe.Warn
		judgement.Wanted = "the token that " + refused + " issued accepted"
		judgement.Got = "it was refused, and the one accepted that " + accepted + " issued: do they sign with different keys?"
	}
	return judgement
}

// blameCredentials turns the refusal of our own token into what it is: it says nothing about the backend. Where that the
// token is accepted is the question itself, the expectation has a reason of its own, which stands unless the token had
// simply expired.
func blameCredentials(judgement expect.Judgement, status int, token string) expect.Judgement {
	if judgement.Outcome.Up() || status != http.StatusUnauthorized && status != http.StatusForbidden {
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
