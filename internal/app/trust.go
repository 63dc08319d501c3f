package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"postflight/internal/config"
	"postflight/probe/httpprobe"
)

// trusts reports whether a target, by its place, gets the secrets of a check that is made with the credentials of a name, or
// with none: one that only a list names gets them if the credentials allow it.
func (s *service) trusts(target int, name string) bool {
	return target < len(s.config.Targets) || name != "" && s.config.Credentials[name].Allows(s.targets[target].URL)
}

// grants are the credentials that a check of a target is made with, nil for none.
func (s *service) grants(target string, check config.Check, trusted bool) httpprobe.Credentials {
	name := check.Request.Credentials
	switch set := s.credentials[name]; {
	case set == nil:
		return nil
	case !trusted:
		return withheldCredentials(name)
	default:
		return set.For(target)
	}
}

// signingKey is the one that is given, or else what its file holds now. With a token that it signed keys can be tried at
// leisure, so that not every target gets one.
func signingKey(check config.Check, trusted bool) (string, error) {
	switch {
	case !trusted:
		return "", errors.New("no token of the signing key is sent to a target that only a list names; name it under targets, or under allowed_targets of the check's credentials, if it may have one")
	case check.SigningKeyFile == "":
		return string(check.SigningKey), nil
	}
	key, err := httpprobe.ReadSecret("signing key", check.SigningKeyFile)
	return strings.TrimRight(key, "\r\n"), err
}

// withheldCredentials are those of this name, which a target does not get.
type withheldCredentials string

// Grant gives nothing.
func (w withheldCredentials) Grant(context.Context) (httpprobe.Grant, error) {
	return httpprobe.Grant{}, fmt.Errorf("credentials %s are not sent to a target that only a list names; name it under their allowed_targets, if it may have them", string(w))
}

// Refused has nothing else.
func (withheldCredentials) Refused(context.Context, httpprobe.Grant) (httpprobe.Grant, bool) {
	return httpprobe.Grant{}, false
}

// tellIssuers tells the credentials which targets there are to log in at.
func (s *service) tellIssuers() {
	for name, set := range s.credentials {
		var trusted []string
		for i, target := range s.targets {
			if s.trusts(i, name) {
				trusted = append(trusted, target.URL)
			}
		}
		set.SetTargets(trusted)
	}
}
