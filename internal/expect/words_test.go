package expect_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/expect"
	"postflight/probe"
)

func TestExcerpt(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a line", "all is well", "all is well"},
		{"several lines", " a\r\n\tb \x00\x1b[31m c\n", "a b [31m c"},
		{"invalid UTF-8", "a\xff\xfeb", "a\uFFFDb"},
		{"120 characters", strings.Repeat("行", 120), strings.Repeat("行", 120)},
		{"121 characters", strings.Repeat("行", 121), strings.Repeat("行", 119) + "…"},
		{"very many", strings.Repeat("x", 1<<20), strings.Repeat("x", 119) + "…"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		if got := expect.Excerpt(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExcerptOf(t *testing.T) {
	tests := []struct {
		name, text string
		characters int
		want       string
	}{
		{"shorter", "行行行", 4, "行行行"},
		{"as long", "行行行行", 4, "行行行行"},
		{"longer", "行行行行行", 4, "行行行…"},
		{"longer than is looked at for a usual one", strings.Repeat("行", 600), 500, strings.Repeat("行", 499) + "…"},
		{"a secret behind a usual one's end", strings.Repeat("x ", 100) + "password=s3cret", 500, strings.Repeat("x ", 100) + "password=<secret>"},
	}
	for _, tt := range tests {
		if got := expect.ExcerptOf(tt.text, tt.characters); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMask(t *testing.T) {
	tests := []struct{ text, want string }{
		{"connecting to mysql://root:s3cret@db:3306/tasks", "connecting to <secret>@db:3306/tasks"},
		{"root:p@ss@db is down", "<secret>@db is down"},
		{"password=s3cret&x=1", "password=<secret>&x=1"},
		{`{"user":"ops","password":"my s3cret","n":1}`, `{"user":"ops","password":<secret>,"n":1}`},
		{"{'mima': 's3cret'}", "{'mima': <secret>}"},
		{"API_KEY: s3cret;", "API_KEY: <secret>;"},
		{"Authorization: Bearer abcdef123456", "Authorization: Bearer <secret>"},
		{"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln, sorry", "got <secret>, sorry"},
		{`"access_token":"s3cret`, `"access_token":<secret>`},
		{`{"password":"hun\"ter2 and more","n":1}`, `{"password":<secret>,"n":1}`},
		{`{'password':'hun\'ter2 and more'}`, `{'password':<secret>}`},
		{`"detail":"{\"password\": \"hunter2\", \"n\": 1}"`, `"detail":"{\"password\": <secret>, \"n\": 1}"`},
		{`"{\"password\":\"hun\\\"ter2 and \\\\more\",\"n\":1}"`, `"{\"password\":<secret>,\"n\":1}"`},
		{`"{\"password\":\"hunter2 cut sh`, `"{\"password\":<secret>`},
		{`"\"{\\\"password\\\":\\\"hunter2\\\"}\""`, `"\"{\\\"password\\\":<secret>}\""`},
		{`"{\"retries\":3,\"port\":5}"`, `"{\"retries\":3,\"port\":5}"`},
		{`"{\"token\":1234567,\"port\":5}"`, `"{\"token\":<secret>,\"port\":5}"`},
		{"the token is not valid", "the token is not valid"},
		{"12:30:05 no such table", "12:30:05 no such table"},
		{"Redis未连接", "Redis未连接"},
	}
	for _, tt := range tests {
		if got := expect.Mask(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestWrongStatus(t *testing.T) {
	answer := func(status int, location, body string) expect.Answer {
		return expect.Answer{Status: status, Header: http.Header{"Location": {location}}, Raw: []byte(body)}
	}
	failed := func(reason probe.Reason, got string) expect.Judgement {
		return expect.Judgement{Outcome: probe.Fail, Reason: reason, Wanted: "status 200", Got: got}
	}
	tests := []struct {
		name   string
		answer expect.Answer
		want   expect.Judgement
	}{
		{"with a body", answer(502, "", "<html>\n bad"), failed(probe.ReasonStatus, "status 502 Bad Gateway: <html> bad")},
		{"without", answer(204, "", ""), failed(probe.ReasonStatus, "status 204 No Content")},
		{"a number of their own", answer(599, "", ""), failed(probe.ReasonStatus, "status 599")},
		{"a redirect", answer(302, "https://ops:s3cret@example.org/login?token=x#y", "moved"),
			failed(probe.ReasonRedirect, "status 302 Found, a redirect to https://example.org/login")},
		{"a redirect that cannot be read", answer(302, "http://[::1", ""), failed(probe.ReasonRedirect, "status 302 Found, a redirect to somewhere")},
		{"3xx to nowhere", answer(304, "", ""), failed(probe.ReasonStatus, "status 304 Not Modified")},
		{"a location that is no redirect", answer(201, "/new", ""), failed(probe.ReasonStatus, "status 201 Created")},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, expect.WrongStatus(tt.answer, "status 200")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func FuzzExcerpt(f *testing.F) {
	for _, text := range []string{"a\nb", "\xff", "password=x", "a:b@c", "eyJhbGciOi.x.y", strings.Repeat("x", 2000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := expect.Excerpt(text)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 120 || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
