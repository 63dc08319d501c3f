package credentials_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/credentials"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

// client is the one that probes are made with.
func client(t testing.TB) *httpprobe.Client {
	c := httpprobe.NewClient("1.2.3")
	t.Cleanup(c.Close)
	return c
}

func TestWhatIsSent(t *testing.T) {
	type sent struct{ method, uri, kind, agent, authorization, body string }
	tests := []struct {
		name string
		edit func(*credentials.Login)
		want sent
	}{
		{"JSON", func(*credentials.Login) {}, sent{
			"POST", "/base/login", "application/json", "postflight/1.2.3", "", `{"password":"p\"w\u0026密 码","username":"ops"}`,
		}},
		{"a form", func(l *credentials.Login) { l.Format = "form" }, sent{
			"POST", "/base/login", "application/x-www-form-urlencoded", "postflight/1.2.3", "", `password=p%22w%26%E5%AF%86+%E7%A0%81&username=ops`,
		}},
		{"other fields", func(l *credentials.Login) { l.UsernameField, l.PasswordField = "yonghu_ming", "mima" }, sent{
			"POST", "/base/login", "application/json", "postflight/1.2.3", "", `{"mima":"p\"w\u0026密 码","yonghu_ming":"ops"}`,
		}},
		{"another path", func(l *credentials.Login) { l.Path = "/api/v1/auth/login?tenant=7" }, sent{
			"POST", "/base/api/v1/auth/login?tenant=7", "application/json", "postflight/1.2.3", "", `{"password":"p\"w\u0026密 码","username":"ops"}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got sent
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = sent{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.UserAgent(), r.Header.Get("Authorization"), string(body)}
				io.WriteString(w, `{"access_token": "the-token"}`)
			}))
			defer server.Close()
			o := byLogin(t, `p"w&密 码`)
			tt.edit(o.Login)
			grant := must(t, newSet(client(t), o, server.URL+"/base/"), server.URL+"/base/")
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(sent{})); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			want := httpprobe.Grant{
				Authorization: "Bearer the-token", Secret: "the-token",
				Logins: []probe.Login{{Credentials: "admin", Target: server.URL + "/base/", Success: true}},
			}
			if diff := cmp.Diff(want, grant); diff != "" {
				t.Errorf("grant (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsAnswered(t *testing.T) {
	const secret = `s3cr3t-p"ssw0rd`
	echo := `{"detail":[{"msg":"Field required","input":{"x":"s3cr3t-p\"ssw0rd"}}]}`
	tests := []struct {
		name       string
		status     int
		body       string
		expression string
		token, err string
	}{
		{"a token", 200, `{"access_token":"abc"}`, `body.access_token`, "abc", ""},
		{"deeper", 201, `{"data":[{"token":"abc"}]}`, `body.data[0].token`, "abc", ""},
		{"as text", 200, `abc`, `body`, "abc", ""},
		{"in a header", 200, ``, `header["X-Token"]`, "from-the-header", ""},
		{"put together", 200, `{"head":"abc","tail":"def"}`, `body.head + body.tail`, "", `no token in the answer, at body.head + body.tail: numbers are wanted to calculate with, not text`},
		{"absent", 200, `{"token":"opaque-0123456789"}`, `body.access_token`, "", `no token in the answer, at body.access_token: body has no field "access_token"`},
		{"null", 200, `{"access_token":null}`, `body.access_token`, "", `no token in the answer, at body.access_token: what stands there is not text`},
		{"a number", 200, `{"access_token":7}`, `body.access_token`, "", `no token in the answer, at body.access_token: what stands there is not text`},
		{"empty", 200, `{"access_token":""}`, `body.access_token`, "", `no token in the answer, at body.access_token: it is empty`},
		{"two words", 200, `{"access_token":"Bearer abc"}`, `body.access_token`, "", `no token in the answer, at body.access_token: it holds more than one token, or not text`},
		{"very long", 200, `{"access_token":"` + strings.Repeat("x", 20<<10) + `"}`, `body.access_token`, "", `no token in the answer, at body.access_token: it is too large for a token`},
		{"a page", 200, `<html>log in</html>`, `body.access_token`, "", `no token in the answer, at body.access_token: body is text: it has no field "access_token"`},
		{"a mistake that quotes the token", 200, `{"t":"opaque-0123456789"}`, `int(body.t)`, "", `no token in the answer, at int(body.t): column 1: invalid operation: int(<secret>)`},
		{"likewise, as a key", 200, `{"t":"opaque-0123456789"}`, `body[body.t]`, "", `no token in the answer, at body[body.t]: body has no field "<secret>"`},
		{"refused", 401, `{"detail":"用户名或密码错误"}`, `body.access_token`, "", `status 401 Unauthorized: {"detail":"用户名或密码错误"}`},
		{"refused with an echo", 422, echo, `body.access_token`, "", `status 422 Unprocessable Entity: {"detail":[{"msg":"Field required","input":{"x":"<secret>"}}]}`},
		{"refused with a token", 403, `{"access_token":"opaque-0123456789"}`, `body.access_token`, "", `status 403 Forbidden: {"access_token":<secret>}`},
		{"no such path", 404, ``, `body.access_token`, "", `status 404 Not Found`},
		{"a redirect", 302, ``, `body.access_token`, "", `status 302 Found, a redirect to /elsewhere`},
		{"too often", 429, ``, `body.access_token`, "", `status 429 Too Many Requests`},
		{"broken", 500, `oops`, `body.access_token`, "", `status 500 Internal Server Error: oops`},
		{"too large", 200, `"` + strings.Repeat("x", 2<<20) + `"`, `body`, "", `wanted a body of at most 1 MiB, got more`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				w.Header().Set("X-Token", "from-the-header")
				if tt.status/100 == 3 {
					w.Header().Set("Location", "/elsewhere")
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			o := byLogin(t, secret)
			o.Login.Token = value(t, tt.expression)
			grant, err := granted(t, newSet(client(t), o, server.URL), server.URL)
			want, got := "", ""
			if tt.err != "" {
				want = "logging in at " + server.URL + ": " + tt.err
			}
			if err != nil {
				got = err.Error()
			}
			if grant.Secret != tt.token || got != want {
				t.Errorf("%q, error %q; want %q, %q", grant.Secret, got, tt.token, want)
			}
			logins := []probe.Login{{Credentials: "admin", Target: server.URL, Success: tt.token != ""}}
			if diff := cmp.Diff(logins, grant.Logins); diff != "" {
				t.Errorf("logins (-want +got):\n%s", diff)
			}
			if len(asked) != 1 {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

// panics is a Client that does.
type panics struct{}

func (panics) Prober(httpprobe.Check) probe.Prober { panic("out of the blue") }

func TestALoginThatPanics(t *testing.T) {
	_, err := granted(t, newSet(panics{}, byLogin(t, password), targetA), targetA)
	if want := "logging in at http://a: panic: out of the blue"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// FuzzLoginAnswer: whatever is answered, there is a token that can be sent or an error, and no error holds what was sent
// or what was found.
func FuzzLoginAnswer(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"opaque-0123456789"}`, `{"access_token":"a.eyJleHAiOjE3NDA4MzA0MDB9.c"}`, `{"access_token":["opaque-0123456789"]}`, `{}`, `[]`, `null`, `"text"`, `<html>`,
		`{"access_token":{"s3cr3t-passw0rd":1}}`, `s3cr3t-passw0rd`, `{"access_token":"s3cr3t-passw0rd two"}`, `{"access_token":"x.eyJleHAiOjFlMzAwfQ.y"}`, `{"access_token":"x.eyJleHAiOiJhIn0.y"}`,
	} {
		f.Add(200, body)
		f.Add(401, body)
	}
	type said struct {
		status int
		body   string
	}
	var says atomic.Pointer[said]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := says.Load()
		w.WriteHeader(now.status)
		io.WriteString(w, now.body)
	}))
	f.Cleanup(server.Close)
	c, o := client(f), byLogin(f, "s3cr3t-passw0rd")
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			status = 200
		}
		says.Store(&said{status, body})
		grant, err := granted(t, newSet(c, o, server.URL), server.URL)
		var holds struct {
			Token any `json:"access_token"`
		}
		json.Unmarshal([]byte(body), &holds)
		switch {
		case err == nil:
			if httpprobe.CheckToken(grant.Secret) != nil || status/100 != 2 || grant.Secret != holds.Token {
				t.Errorf("granted %q of %d %q", grant.Secret, status, body)
			}
		case status/100 == 2:
			if text, _ := holds.Token.(string); len(text) >= 8 && strings.Contains(err.Error(), text) && !strings.Contains("no token in the answer, at body.access_token", text) {
				t.Errorf("%v: it holds %q", err, text)
			}
		}
		if err != nil && strings.Contains(fmt.Sprint(err), "s3cr3t-passw0rd") {
			t.Errorf("%v: it holds the password", err)
		}
	})
}
