package builtin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// claims are what the forged tokens assert. They are valid until 2100, so that a refusal is never due to their age,
// and of the user that most backends have first.
var claims = struct {
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}{"1", 1_700_000_000, 4_102_444_800}

// wrongKey signs the token that must be refused. A backend that has this very key has none.
const wrongKey = "postflight: a key that no backend may have"

// signedToken is a JWT (RFC 7519) that is right in everything but the key.
func signedToken() string {
	signed := unsigned("HS256")
	mac := hmac.New(sha256.New, []byte(wrongKey))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// unsignedToken is a JWT that asks to be believed: RFC 7519, section 6.
func unsignedToken() string { return unsigned("none") + "." }

func unsigned(algorithm string) string {
	header := struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
	}{algorithm, "JWT"}
	return part(header) + "." + part(claims)
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a token's part is always JSON: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
