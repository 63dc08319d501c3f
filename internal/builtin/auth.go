package builtin

import (
	"bytes"
	"net/http"
	"strings"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

const statisticsPath = "/api/tasks/statistics"

// auth asks whether a token is looked at closely: forged ones have to be refused, and the valid one, where there is
// one, accepted. That a request without any token is refused would prove nothing.
func auth(credentials httpprobe.Credentials) httpprobe.Check {
	forged := []struct{ label, name, token string }{
		{"malformed", "malformed token", "invalid-token"},
		{"wrong_key", "token signed with another key", signedToken()},
		{"alg_none", "token with alg none", unsignedToken()},
	}
	var check httpprobe.Check
	for _, f := range forged {
		check.Requests = append(check.Requests, httpprobe.Request{
			Name: f.name, Method: http.MethodGet, Path: statisticsPath, Token: f.token, Expect: judgeForged(f.label),
		})
	}
	if credentials != nil {
		check.Requests = append(check.Requests, httpprobe.Request{
			Name: "valid token", Method: http.MethodGet, Path: statisticsPath, Credentials: credentials, Expect: expect.Func(judgeValid),
		})
	}
	check.Conclude = func(judged []expect.Judgement) []probe.Value { return concludeBypass(judged, len(forged)) }
	return check
}

func judgeForged(label string) expect.Func {
	return func(a expect.Answer) expect.Judgement {
		j := judgeRefusal(a)
		j.Values = []probe.Value{{Metric: "auth_rejection_status_code", Label: label, Number: float64(a.Status)}}
		return j
	}
}

func judgeRefusal(a expect.Answer) expect.Judgement {
	const wanted = "status 401"
	switch {
	case a.Status == http.StatusUnauthorized:
		return expect.Judgement{}
	case a.Status/100 == 2 && isPage(a): // a login page, or a front end that answers whatever it is asked
		return expect.WrongBody(wanted, expect.StatusText(a)+" with a page: "+a.Excerpt())
	case a.Status/100 == 2:
		return expect.Judgement{Outcome: probe.Fail, Reason: probe.ReasonAuthBypassed, Wanted: wanted, Got: expect.StatusText(a) + ", so it was accepted"}
	}
	j := expect.WrongStatus(a, wanted)
	if a.Status/100 == 5 {
		j.Reason = probe.ReasonAuthBroken
	}
	return j
}

func judgeValid(a expect.Answer) expect.Judgement {
	if a.Status/100 == 2 {
		return expect.Judgement{}
	}
	j := expect.WrongStatus(a, "status 2xx")
	if refused(a) {
		j.Reason = probe.ReasonAuthRejectsValid
	}
	return j
}

// concludeBypass decides whether authentication can be bypassed. One forged token that is accepted decides that it
// can, and only a plain refusal of all of them that it cannot.
func concludeBypass(judged []expect.Judgement, forged int) []probe.Value {
	refused := 0
	for _, j := range judged[:min(forged, len(judged))] {
		switch {
		case j.Reason == probe.ReasonAuthBypassed:
			return []probe.Value{{Metric: "auth_bypassed", Number: 1}}
		case j.Outcome == probe.Pass:
			refused++
		}
	}
	if refused < forged {
		return nil
	}
	return []probe.Value{{Metric: "auth_bypassed", Number: 0}}
}

func refused(a expect.Answer) bool {
	return a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden
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
