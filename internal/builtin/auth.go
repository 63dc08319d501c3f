package builtin

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// Auth asks whether a token is looked at closely: forged ones have to be refused, and the valid one, where there is one,
// accepted.
type Auth struct {
	Path        string
	Header      http.Header            // sent with each request; an Authorization in it is not
	Tokens      []string               // of ForgedTokens, at least one
	SigningKey  func() (string, error) // the backend's own, for the expired token
	Credentials httpprobe.Credentials  // that have to be accepted; nil: there are none
	MaxDuration time.Duration          // of each answer; 0: as long as the check may
}

// Check makes the check. Key, Reuse and Timeout are the caller's to set.
func (a Auth) Check() httpprobe.Check {
	header := a.Header.Clone()
	header.Del("Authorization")
	request := func(name string) httpprobe.Request {
		return httpprobe.Request{Name: name, Method: http.MethodGet, Path: a.Path, Header: header}
	}
	var check httpprobe.Check
	for _, f := range forgeries {
		if !slices.Contains(a.Tokens, f.label) {
			continue
		}
		r := request(f.name)
		if f.label == expired {
			r.Forge = a.forgeExpired
		} else {
			r.Token = f.token
		}
		r.Expect = a.refusal(f)
		check.Requests = append(check.Requests, r)
	}
	if forged := len(check.Requests); forged > 0 {
		check.Conclude = func(judged []expect.Judgement) []probe.Value { return concludeBypass(judged, forged) }
	}
	if a.Credentials != nil {
		r := request("valid token")
		r.Credentials, r.Expect = a.Credentials, a.acceptance()
		check.Requests = append(check.Requests, r)
	}
	return check
}

// forgeExpired makes the expired token with the key as it is now.
func (a Auth) forgeExpired() (string, error) {
	key, err := a.SigningKey()
	if err != nil {
		return "", err
	}
	return signed(key, over), nil
}

// refusal is what is expected of the answer to a forged token.
func (a Auth) refusal(f forgery) expect.Func {
	rules := expect.Rules{Status: f.refusal, MaxDuration: a.MaxDuration}
	return func(answer expect.Answer) expect.Judgement {
		j := rules.Judge(answer)
		switch {
		case answer.Status/100 == 2 && isPage(answer): // a login page, or a front end that answers whatever it is asked
			j = expect.WrongBody(j.Wanted, expect.StatusText(answer)+" with a page: "+answer.Excerpt())
		case answer.Status/100 == 2:
			j.Reason, j.Got = probe.ReasonAuthBypassed, expect.StatusText(answer)+", so it was accepted"
		case answer.Status/100 == 5:
			j.Reason = probe.ReasonAuthBroken
		}
		j.Values = []probe.Value{{Metric: "auth_rejection_status_code", Label: f.label, Number: float64(answer.Status)}}
		return j
	}
}

// acceptance is what is expected of the answer to the valid token.
func (a Auth) acceptance() expect.Func {
	rules := expect.Rules{MaxDuration: a.MaxDuration}
	return func(answer expect.Answer) expect.Judgement {
		j := rules.Judge(answer)
		if answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden {
			j.Reason = probe.ReasonAuthRejectsValid
		}
		return j
	}
}

// concludeBypass decides whether authentication can be bypassed. One forged token that is accepted decides that it
// can, and only a refusal of all of them, however slow, that it cannot.
func concludeBypass(judged []expect.Judgement, forged int) []probe.Value {
	refused := 0
	for _, j := range judged[:min(forged, len(judged))] {
		switch {
		case j.Reason == probe.ReasonAuthBypassed:
			return []probe.Value{{Metric: "auth_bypassed", Number: 1}}
		case j.Outcome == probe.Pass, j.Reason == probe.ReasonSlow:
			refused++
		}
	}
	if refused < forged {
		return nil
	}
	return []probe.Value{{Metric: "auth_bypassed", Number: 0}}
}

// isPage reports whether the answer is HTML, which no API of the backend's is.
func isPage(a expect.Answer) bool {
	if a.NotJSON == nil {
		return false
	}
	if kind := strings.ToLower(a.Header.Get("Content-Type")); strings.HasPrefix(kind, "text/html") || strings.HasPrefix(kind, "application/xhtml") {
		return true
	}
	return strings.HasPrefix(http.DetectContentType(withoutPrologue(a.Raw)), "text/html")
}

// withoutPrologue is a text without what would make it XML, or mere text, to who looks at its first bytes only.
func withoutPrologue(text []byte) []byte {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	if bytes.HasPrefix(text, []byte("<?xml")) {
		_, text, _ = bytes.Cut(text, []byte("?>"))
	}
	return text
}
