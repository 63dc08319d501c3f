package credentials

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"postflight/probe/httpprobe"
)

// bearer is a token that stands in the configuration.
type bearer Secret

func (b bearer) Grant(context.Context) (httpprobe.Grant, error) {
	return httpprobe.Grant{Authorization: "Bearer " + string(b), Secret: string(b)}, nil
}

func (bearer) Refused(context.Context, httpprobe.Grant) (httpprobe.Grant, bool) {
	return httpprobe.Grant{}, false
}

// basic is a user name and a password.
type basic Basic

func (b basic) Grant(context.Context) (httpprobe.Grant, error) {
	password, err := passwordOf(b.Password, b.PasswordFile)
	if err != nil {
		return httpprobe.Grant{}, err
	}
	pair := base64.StdEncoding.EncodeToString([]byte(b.Username + ":" + password))
	return httpprobe.Grant{Authorization: "Basic " + pair, Secret: password}, nil
}

func (basic) Refused(context.Context, httpprobe.Grant) (httpprobe.Grant, bool) {
	return httpprobe.Grant{}, false
}

// passwordOf is a password that is given, or else what its file holds now. The end of the file's last line is not part of
// it; other white space may be.
func passwordOf(given Secret, file string) (string, error) {
	if file == "" {
		return string(given), nil
	}
	content, err := httpprobe.ReadSecret("password", file)
	if err != nil {
		return "", err
	}
	password := strings.TrimSuffix(strings.TrimSuffix(content, "\n"), "\r")
	switch {
	case password == "":
		return "", errors.New("reading password file " + file + ": it is empty")
	case !utf8.ValidString(password) || strings.ContainsAny(password, "\x00\n"):
		return "", errors.New("reading password file " + file + ": it holds more than one line, or not text")
	}
	return password, nil
}
