package demo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// The roles that a token bears.
const (
	Admin = "admin"
	User  = "user"
)

type tokenHeader struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
}

type claims struct {
	Subject string `json:"sub"`
	Role    string `json:"role"`
	Expires int64  `json:"exp"` // Unix seconds
}

// Token is a JWT that the backend accepts until it expires.
func Token(key []byte, role string, expires time.Time) string {
	signed := encode(tokenHeader{Algorithm: "HS256", Type: "JWT"}) + "." +
		encode(claims{Subject: "1", Role: role, Expires: expires.Unix()})
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(key, signed))
}

// verifyToken judges a token as the backend's library does: the algorithm is pinned, and it has to expire.
func verifyToken(key []byte, token string, now time.Time) (claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, errors.New("not enough segments")
	}
	var header tokenHeader
	if err := decode(parts[0], &header); err != nil {
		return claims{}, errors.New("invalid header string")
	}
	if header.Algorithm != "HS256" {
		return claims{}, errors.New("the specified alg value is not allowed")
	}
	given, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(given, signature(key, parts[0]+"."+parts[1])) {
		return claims{}, errors.New("signature verification failed")
	}
	var c claims
	if err := decode(parts[1], &c); err != nil {
		return claims{}, errors.New("invalid payload string")
	}
	if c.Expires <= now.Unix() {
		return claims{}, errors.New("signature has expired")
	}
	return c, nil
}

func signature(key []byte, signed string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

// encode writes a part of a token. Its types always marshal.
func encode(part any) string {
	text, _ := json.Marshal(part)
	return base64.RawURLEncoding.EncodeToString(text)
}

func decode(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
