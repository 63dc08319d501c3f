package credentials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// loginTimeout is how long a login may take, whoever waits for it.
const loginTimeout = 10 * time.Second

// attempt is what became of one login.
type attempt struct {
	token   string
	date    time.Time // by the issuer's clock
	counted bool      // it may have been held against the account
	problem error     // why there is no token
}

// exchange logs in at a target once.
//
// A login counts where the target may have looked at the password: where the request may have been sent, whatever came of
// it then. Not where a proxy answers that nobody is there.
func (l *Login) exchange(ctx context.Context, client Client, target, password string) (a attempt) {
	var sent atomic.Bool
	defer func() {
		if p := recover(); p != nil { // a probe's end is no more than that probe's, and so is a login's
			a = attempt{counted: sent.Load(), problem: fmt.Errorf("panic: %v", p)}
		}
	}()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	request := l.request(password)
	request.Expect = expect.Func(func(answer expect.Answer) expect.Judgement { return l.read(answer, &a) })
	result, err := client.Prober(httpprobe.Check{
		Key:      probe.Key{Target: target, Check: "login"},
		Requests: []httpprobe.Request{request},
		Timeout:  loginTimeout,
	}).Probe(ctx)
	switch {
	case result.Reason == probe.ReasonTooLarge:
		a.problem = fmt.Errorf("wanted %s, got %s", result.Wanted, result.Got)
	case result.Got != "":
		a.problem = errors.New(result.Got)
	case err != nil: // it was ended, since nobody waits for it
		a.problem = errNoAnswer
	}
	nobodyThere := result.Status == http.StatusBadGateway || result.Status == http.StatusServiceUnavailable
	a.counted = sent.Load() && !nobodyThere
	return a
}

// request is the login's, without what is expected of the answer.
func (l *Login) request(password string) httpprobe.Request {
	r := httpprobe.Request{Method: http.MethodPost, Path: l.Path, Secret: password}
	if l.Format == "form" {
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		r.Body = url.Values{l.UsernameField: {l.Username}, l.PasswordField: {password}}.Encode()
		return r
	}
	r.Header = http.Header{"Content-Type": {"application/json"}}
	body, _ := json.Marshal(map[string]string{l.UsernameField: l.Username, l.PasswordField: password}) // text to text never fails
	r.Body = string(body)
	return r
}

// read finds the token. Of an answer that should hold one no text is shown: it may be the token, in another place.
func (l *Login) read(answer expect.Answer, a *attempt) expect.Judgement {
	if answer.Status/100 != 2 {
		return expect.WrongStatus(answer, "status 2xx")
	}
	value, err := l.Token.Value(answer)
	token, isText := value.(string)
	switch {
	case err != nil:
	case !isText:
		err = errors.New("what stands there is not text")
	default:
		err = httpprobe.CheckToken(token)
	}
	if err != nil {
		return expect.WrongBody("a token", "no token in the answer, at "+l.Token.String()+": "+withoutTexts(err.Error(), answer.Body))
	}
	a.token = token
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		a.date = date
	} else {
		a.date = time.Now()
	}
	return expect.Judgement{}
}

// leastToken is how many bytes a text has that may be a token. Shorter ones are words, such as there are in a mistake.
const leastToken = 6

// withoutTexts hides in the words of a mistake all text that the answer holds: some repeat what an expression works on.
func withoutTexts(words string, body any) string {
	switch body := body.(type) {
	case string:
		if len(body) >= leastToken {
			words = httpprobe.Hide(words, body)
		}
	case []any:
		for _, element := range body {
			words = withoutTexts(words, element)
		}
	case map[string]any:
		for _, field := range body {
			words = withoutTexts(words, field)
		}
	}
	return words
}
