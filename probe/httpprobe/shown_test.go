package httpprobe_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// A backend that repeats what it has been sent brings none of it into what we show, whatever comes of the probe.
func TestNoSecretIsShown(t *testing.T) {
	const one, two, password = "the-first-token", "another-of-them", `pa"ss/w0rd+9%`
	basic := httpprobe.Grant{Authorization: "Basic b3BzOnBhInNzL3cwcmQrOSU=", Secret: password}
	answers := map[string]string{
		"as they are":  "no " + one + " " + two + " " + password + " " + basic.Authorization + " b3BzOnBhInNzL3cwcmQrOSU=",
		"as JSON":      `["the-first-token","another-of-them","pa\"ss\/w0rd\u002b9%"]`,
		"as a form":    url.Values{"t": {one, two}, "p": {password}}.Encode(),
		"in pieces":    "rst-token other-of-the a\"ss/w0rd+",
		"cut by us":    strings.Repeat("x", 110) + password,
		"the password": "password=" + password,
	}
	words := func(outcome probe.Outcome) expect.Func {
		return func(a expect.Answer) expect.Judgement {
			return expect.Judgement{Outcome: outcome, Wanted: a.Excerpt(), Got: a.Excerpt()}
		}
	}
	for name, body := range answers {
		for _, outcome := range probe.Outcomes {
			for _, credentials := range []*scripted{nil, {grants: []httpprobe.Grant{token(one, ""), token(two, "http://there.example"), basic}}} {
				server := httptest.NewServer(&guarded{says: body})
				check := get(server.URL, words(outcome))
				request := &check.Requests[0]
				request.Method, request.Body, request.Secret = http.MethodPost, `{"password":"pa\"ss/w0rd+9%"}`, password
				secrets := []string{"pa\"ss", "ss/w0rd", `pa\"ss`, "ss%2Fw0rd", "w0rd+9", "w0rd%2B9", "w0rd\\u002b9"}
				if credentials != nil {
					request.Credentials = credentials
					secrets = append(secrets, "the-first", "rst-token")
				}
				if credentials != nil && !outcome.Up() { // the others have been used too
					secrets = append(secrets, "another-of", "other-of-the", "b3BzOnBh")
				}
				got := look(t, check, ample)
				server.Close()
				for _, secret := range secrets {
					if strings.Contains(got.Wanted+" "+got.Got, secret) {
						t.Errorf("%s, %v: it shows %q: wanted %q, got %q", name, outcome, secret, got.Wanted, got.Got)
					}
				}
				if credentials != nil && !outcome.Up() && len(credentials.refused) != 3 {
					t.Errorf("%s, %v: told of %q", name, outcome, credentials.refused)
				}
			}
		}
	}
}
