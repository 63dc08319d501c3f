package builtin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// The forged tokens, as the configuration and the metrics call them.
const (
	missing   = "missing"
	malformed = "malformed"
	wrongKey  = "wrong_key"
	algNone   = "alg_none"
	expired   = "expired"
)

// ForgedTokens gives the names of all tokens that auth can ask with and that must be refused.
func ForgedTokens() []string {
	names := make([]string, len(forgeries))
	for i, f := range forgeries {
		names[i] = f.label
	}
	return names
}

// forgery is a token that must be refused.
type forgery struct {
	label   string
	name    string // for people
	refusal []int  // the right answers
	token   string // empty: none is sent, or it is made when it is
}

// forgeries are in the order in which they are asked with. Who sends no token at all has not been told apart from
// anybody, so to forbid him is as right as to ask who he is; that he is refused proves the least.
var forgeries = []forgery{
	{missing, "no token", []int{http.StatusUnauthorized, http.StatusForbidden}, ""},
	{malformed, "malformed token", []int{http.StatusUnauthorized}, "invalid-token"},
	{wrongKey, "token signed with another key", []int{http.StatusUnauthorized}, signed(nobodysKey, valid)},
	{algNone, "token with alg none", []int{http.StatusUnauthorized}, unsigned("none", valid) + "."},
	{expired, "expired token", []int{http.StatusUnauthorized}, ""},
}

// claims are what the forged tokens assert: to be the user that most backends have first.
type claims struct {
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

var (
	valid = claims{"1", 1_700_000_000, 4_102_444_800} // until 2100, so that a refusal is never due to the token's age
	over  = claims{"1", 1_700_000_000, 1_700_003_600} // since 2023, so that no clock is wrong enough to accept it
)

// nobodysKey signs the token that must be refused for its signature. A backend that has this very key has none.
const nobodysKey = "postflight: a key that no backend may have"

// signed is a JWT (RFC 7519) that is right for who has the key.
func signed(key string, c claims) string {
	text := unsigned("HS256", c)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// unsigned is a JWT without its last part. One with alg none asks to be believed: RFC 7519, section 6.
func unsigned(algorithm string, c claims) string {
	header := struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
	}{algorithm, "JWT"}
	return part(header) + "." + part(c)
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a token's part is always JSON: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
