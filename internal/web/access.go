package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// trusted marks the context of a request that needs no token.
type trusted struct{}

// Trusted serves requests of those who may change things without a token: over the control socket, whose file's mode has
// decided who may ask.
func Trusted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), trusted{}, true)))
	})
}

// refusal is why a request is not done.
type refusal struct {
	status    int
	challenge string // of a 401, for WWW-Authenticate
	text      string
}

// Error is the reason, in words.
func (r *refusal) Error() string { return r.text }

const (
	challenge  = `Bearer realm="postflight"`
	showIt     = "show it as \"Authorization: Bearer TOKEN\", or as \"X-Postflight-Token: TOKEN\" where basic auth takes that header"
	needsToken = "this needs the token of --web.api-token-file"
)

// refuse says why r may not change anything, or nil where it may. token has the token that is wanted; nil: there is none,
// and then only those who are trusted may.
//
// A form on somebody else's page gets no further than this: it can send neither header.
func refuse(r *http.Request, token func() (string, error)) *refusal {
	if r.Context().Value(trusted{}) != nil {
		return nil
	}
	if token == nil {
		return &refusal{http.StatusForbidden, "", needsToken + ", and none is configured; ask over the control socket, or configure one"}
	}
	shown := shownToken(r.Header)
	if shown == "" {
		return &refusal{http.StatusUnauthorized, challenge, needsToken + "; " + showIt}
	}
	wanted, err := token()
	if err != nil {
		return &refusal{http.StatusForbidden, "", needsToken + ", which cannot be had: " + err.Error()}
	}
	if !same(shown, wanted) {
		return &refusal{http.StatusUnauthorized, challenge + `, error="invalid_token"`, "this is not the token of --web.api-token-file"}
	}
	return nil
}

// shownToken is the token that a request comes with, or empty. RFC 9110: the name of the scheme may be in any case.
func shownToken(header http.Header) string {
	if token := header.Get("X-Postflight-Token"); token != "" {
		return token
	}
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// same compares in a time that tells nothing of how much is right, nor of how long the wanted token is.
func same(shown, wanted string) bool {
	a, b := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(wanted))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
