package builtin_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/builtin"
)

const backendKey = "the backend's key"

// jwt makes a token as a backend would.
func jwt(key, header, claims string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(key, signed))
}

func signature(key, signed string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

func validToken(expires time.Time) token {
	return token(jwt(backendKey, `{"alg":"HS256","typ":"JWT"}`, fmt.Sprintf(`{"sub":"17","exp":%d}`, expires.Unix())))
}

// claims are what a token asserts.
type claims struct {
	Sub      string
	Iat, Exp int64
}

// kindOf tells the tokens apart as a backend that looks closely would: it trusts a signature first, and then the clock.
func kindOf(authorization []string) (kind string, said claims) {
	if len(authorization) == 0 {
		return "missing", said
	}
	bearer, _ := strings.CutPrefix(authorization[0], "Bearer ")
	parts := strings.Split(bearer, ".")
	if len(parts) != 3 {
		return "malformed", said
	}
	var header struct{ Alg string }
	text, _ := base64.RawURLEncoding.DecodeString(parts[0])
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	if json.Unmarshal(text, &header) != nil || json.Unmarshal(payload, &said) != nil {
		return "malformed", said
	}
	signed, _ := base64.RawURLEncoding.DecodeString(parts[2])
	right := hmac.Equal(signed, signature(backendKey, parts[0]+"."+parts[1]))
	switch {
	case header.Alg == "none" && len(signed) == 0:
		return "alg_none", said
	case header.Alg != "HS256" || len(signed) != sha256.Size:
		return "malformed", said
	case !right:
		return "wrong_key", said
	case said.Exp <= time.Now().Unix():
		return "expired", said
	}
	return "valid", said
}

// The forged tokens have to be right in all but one respect, or their refusal would prove something else.
func TestForgedTokens(t *testing.T) {
	var kinds []string
	sent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kind, said := kindOf(r.Header["Authorization"])
		kinds = append(kinds, kind)
		switch kind {
		case "missing":
			return
		case "malformed":
			if bearer := r.Header.Get("Authorization"); len(bearer) < len("Bearer 1234567890") {
				t.Errorf("%q is refused before anybody looks at it", bearer)
			}
			return
		}
		old := said.Exp < time.Now().AddDate(-1, 0, 0).Unix()
		fresh := said.Exp > time.Now().AddDate(20, 0, 0).Unix()
		if said.Sub == "" || said.Iat >= time.Now().Unix() || said.Exp <= said.Iat || old != (kind == "expired") || fresh == old {
			t.Errorf("%s: the claims %+v would be refused for themselves", kind, said)
		}
	})
	run(t, builtin.Auth{Path: "/", Tokens: builtin.ForgedTokens(), SigningKey: hasKey}.Check(), sent)
	if diff := cmp.Diff(builtin.ForgedTokens(), kinds); diff != "" {
		t.Errorf("kinds of token (-want +got):\n%s", diff)
	}
}

// The headers that all requests bear do not smuggle in a token that is none of the forged ones.
func TestHeadersOfAuth(t *testing.T) {
	var kinds []string
	sent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kind, _ := kindOf(r.Header["Authorization"])
		kinds = append(kinds, kind+" "+r.Header.Get("X-Tenant"))
	})
	valid := "Bearer " + string(validToken(time.Now().Add(time.Hour)))
	header := http.Header{"X-Tenant": {"7"}, "Authorization": {valid}}
	run(t, builtin.Auth{Path: "/", Header: header, Tokens: []string{"malformed", "missing"}}.Check(), sent)
	if diff := cmp.Diff([]string{"missing 7", "malformed 7"}, kinds); diff != "" {
		t.Errorf("kinds of token and tenants (-want +got):\n%s", diff)
	}
	if header.Get("Authorization") != valid {
		t.Error("the caller's header was changed")
	}
}

// What was signed with the backend's own key is not shown when the backend repeats it. What is forged through and through is.
func TestForgedTokensInWords(t *testing.T) {
	repeating := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer := r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte("not " + bearer[len(bearer)-13:]))
	})
	tests := []struct{ token, want string }{
		{"malformed", "status 418 I'm a teapot: not invalid-token"},
		{"expired", "status 418 I'm a teapot: not <secret>"},
	}
	for _, tt := range tests {
		got := run(t, builtin.Auth{Path: "/", Tokens: []string{tt.token}, SigningKey: hasKey}.Check(), repeating)
		if got.Got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.token, got.Got, tt.want)
		}
	}
}
