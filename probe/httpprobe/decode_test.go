package httpprobe

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzDecode: a body is JSON as a whole or text as a whole, whatever it holds.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[[[`, `{"a":1e400}`, `NaN`, "\xff", `{"a":1} x`, `"\ud800"`, `null`, ` [ 1 , -0.5e+3 , "\"\\" , true,false ] `,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decode(body)
		if valid := json.Valid(body); err == nil && !valid {
			t.Errorf("%q is not JSON, and was decoded to %v", body, got)
		}
		if text, isText := got.(string); err != nil && (!isText || text != string(body)) {
			t.Errorf("%q is not JSON, and its text is given as %v", body, got)
		}
	})
}

// FuzzTokens gives the readers of tokens whatever a file may hold.
func FuzzTokens(f *testing.F) {
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3NDA4MzA0MDB9.c2ln", "refused: eyJhbGciOiJIUzI1NiJ9.eyJl")
	f.Add("a.b.c", "")
	f.Add("b3Bh/cXVl+MDEy=MzQ1", `"b3Bh\/cXVl+MDEy" h%2fcXVl%2bMDEy%`)
	f.Add("a\\/bcdefghij%41", `a\\/bcdefghij%41 \u00`)
	f.Add("aaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Add("ret", "<secret> for ever ret")
	f.Add("密码 \U0001F511", `\u5bc6\u7801+\ud83d\udd11`)
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, token, text string) {
		if at, expired := expiredAt(token, now); expired && at.After(now) {
			t.Errorf("token %q has expired in the future, at %v", token, at)
		}
		if at, known := TokenExpiry(token); known && (at.Year() < 1970 || at.Year() > 9999) {
			t.Errorf("token %q expires at %v", token, at)
		}
		clean := Hide(text, token)
		if len(clean) > len("<secret>")*len(text) {
			t.Errorf("%q became %q", text, clean)
		}
		left := strings.ReplaceAll(clean, "<secret>", "\n")
		for i := 0; i+8 <= len(token); i++ {
			if part := token[i : i+8]; !strings.ContainsAny(part, "<>\n") && strings.Contains(left, part) {
				t.Errorf("%q still holds %q", clean, part)
			}
		}
	})
}
