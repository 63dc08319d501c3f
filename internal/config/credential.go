package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"postflight/internal/credentials"
	"postflight/internal/expect"
)

var (
	secretKind    = kind{name: "secret", tag: textTag, read: readSecret, secret: true, schema: map[string]any{"minLength": 1}}
	tokenKind     = kind{name: "token", tag: textTag, read: readToken, secret: true, schema: map[string]any{"minLength": 1}}
	userKind      = kind{name: "user", tag: textTag, read: readUser, schema: map[string]any{"minLength": 1}}
	basicUserKind = kind{name: "user", tag: textTag, read: readBasicUser, schema: map[string]any{"pattern": "^[^:]+$"}}
	fieldKind     = kind{name: "field's name", tag: textTag, read: readField, schema: map[string]any{"minLength": 1}}
	allowedKind   = kind{name: "network or host name", tag: textTag, read: readAllowed}
)

// readSecret takes a password or a key. No message repeats it.
func readSecret(text string) (any, error) {
	switch {
	case text == "":
		return nil, errors.New("the secret is empty; write it, or the name of its file under the key that ends in _file")
	case strings.ContainsFunc(text, unicode.IsControl):
		return nil, errors.New("the secret holds a line break or another control character; write it on one line")
	}
	return credentials.Secret(text), nil
}

// readToken takes what is sent in a header. No message repeats it.
func readToken(text string) (any, error) {
	if text == "" {
		return nil, errors.New("the token is empty; write it, or the name of its file as token_file")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token holds white space or a character that no header takes; write the token alone, without Bearer")
	}
	return credentials.Secret(text), nil
}

func readUser(text string) (any, error) {
	if text == "" {
		return nil, errors.New("the user has no name; write it")
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return nil, errors.New("the user's name holds a control character; write it on one line")
	}
	return text, nil
}

func readBasicUser(text string) (any, error) {
	if strings.Contains(text, ":") { // perhaps the password follows it
		return nil, errors.New("the user's name holds a colon, which basic authentication does not allow; write the password under its own key")
	}
	return readUser(text)
}

func readField(text string) (any, error) {
	if text == "" || len(text) > 128 || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, fmt.Errorf("%s is not the name of a field; write it as it stands in the JSON, 128 bytes at most", quote(text))
	}
	return text, nil
}

func readAllowed(text string) (any, error) {
	if strings.Contains(text, "/") {
		network, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s is not a network; write one such as 10.0.0.0/8", quote(text))
		case network != network.Masked():
			return nil, fmt.Errorf("%s is an address in a network; write %s", quote(text), network.Masked())
		}
		return text, nil
	}
	if address, err := netip.ParseAddr(text); err == nil {
		return nil, fmt.Errorf("%s is an address; write %s/%d", quote(text), text, address.BitLen())
	}
	if !hostName.MatchString(strings.TrimPrefix(text, ".")) {
		return nil, fmt.Errorf("%s is neither a network nor the end of a host name; write one such as 10.0.0.0/8 or .internal.example", quote(text))
	}
	return text, nil
}

func (b *builder) credentials(v *value) map[string]credentials.Options {
	if v == nil || len(v.names) == 0 {
		return nil
	}
	all := map[string]credentials.Options{}
	for _, name := range v.names {
		all[name] = b.credential(v.fields[name])
	}
	return all
}

func (b *builder) credential(v *value) credentials.Options {
	if v.wrong {
		return credentials.Options{}
	}
	o := credentials.Options{AllowedTargets: b.texts(v.field("allowed_targets"), "this is here already", strings.ToLower)}
	switch b.either(v, "the credentials say not how to come by them", "token_file", "token", "basic_auth", "login") {
	case "token":
		o.Token = get(v, "token", credentials.Secret(""))
	case "token_file":
		o.TokenFile = b.absolute(get(v, "token_file", ""))
	case "basic_auth":
		o.Basic = b.basic(v.field("basic_auth"))
	case "login":
		o.Login = b.login(v.field("login"))
	}
	return o
}

func (b *builder) basic(v *value) *credentials.Basic {
	if v.wrong {
		return nil
	}
	basic := &credentials.Basic{Username: b.user(v)}
	basic.Password, basic.PasswordFile = b.password(v)
	return basic
}

func (b *builder) login(v *value) *credentials.Login {
	if v.wrong {
		return nil
	}
	const at = "services[].credentials.<name>.login."
	if v.field("path") == nil {
		b.say(v.place, "it is not said where to log in; write path: such as /api/auth/login")
	}
	login := &credentials.Login{
		Path:          get(v, "path", ""),
		Format:        get(v, "format", fallback[string](at+"format")),
		UsernameField: get(v, "username_field", fallback[string](at+"username_field")),
		PasswordField: get(v, "password_field", fallback[string](at+"password_field")),
		Username:      b.user(v),
		Token:         get[*expect.Expression](v, "token", nil),
	}
	if v.field("token") == nil {
		login.Token = fallback[*expect.Expression](at + "token")
	}
	if login.UsernameField == login.PasswordField {
		b.say(first(v.field("password_field"), v.field("username_field")).place, "the user and the password have the same field; write two different ones")
	}
	login.Password, login.PasswordFile = b.password(v)
	return login
}

func (b *builder) user(v *value) string {
	if v.field("username") == nil {
		b.say(v.place, "there is no user; write username:")
	}
	return get(v, "username", "")
}

func (b *builder) password(v *value) (credentials.Secret, string) {
	b.either(v, "there is no password", "password_file", "password")
	return get(v, "password", credentials.Secret("")), b.absolute(get(v, "password_file", ""))
}
