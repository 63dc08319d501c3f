package config

import (
	"net/http"
	"slices"

	"postflight/internal/builtin"
	"postflight/internal/credentials"
)

var forgedKind = choice("forged token", builtin.ForgedTokens()...)

const auth, expired = "auth", "expired"

// defaultTokens are the forged ones that auth asks with unless told otherwise.
func defaultTokens() []string {
	check, _ := builtin.Lookup(auth)
	return check.Tokens
}

// forged gives a check that asks with forged tokens those, and the key for the expired one.
func (b *builder) forged(check *Check, v *value, otherwise []string) {
	b.refuseCookie(v.field("headers"))
	check.Tokens = otherwise
	if list := v.field("tokens"); list != nil {
		check.Tokens = b.texts(list, "this token is listed already", func(name string) string { return name })
		if none(list) {
			b.say(list.place, "the list is empty; name a token, or leave the key out")
		}
	}
	check.SigningKey = get(v, "signing_key", credentials.Secret(""))
	check.SigningKeyFile = b.absolute(get(v, "signing_key_file", ""))
	if slices.Contains(check.Tokens, expired) {
		b.either(v, "the expired token has to be signed with the backend's own key", "signing_key_file", "signing_key")
		return
	}
	for _, key := range []string{"signing_key", "signing_key_file"} {
		if at := v.field(key); at != nil {
			b.say(at.place, "only the token expired is signed with it; add expired to tokens, or leave %s out", key)
		}
	}
}

// refuseCookie keeps the token alone in charge of who asks.
func (b *builder) refuseCookie(headers *value) {
	if headers == nil {
		return
	}
	for _, name := range headers.names {
		if http.CanonicalHeaderKey(name) == "Cookie" {
			b.say(headers.fields[name].place, "a cookie may log in who sends it, and then a forged token would seem to be accepted; leave it out")
		}
	}
}
