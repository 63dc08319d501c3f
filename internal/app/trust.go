package app

import (
	"context"
	"fmt"

	"postflight/internal/config"
	"postflight/probe/httpprobe"
)

// withholds reports whether a target, by its place, does not get the credentials of a name: one that only a list names gets
// them if they allow it.
func (s *service) withholds(target int, name string) bool {
	return name != "" && target >= len(s.config.Targets) && !s.config.Credentials[name].Allows(s.targets[target].URL)
}

// grants are the credentials that a check of a target is made with, nil for none.
func (s *service) grants(target string, check config.Check, withheld bool) httpprobe.Credentials {
	name := check.Request.Credentials
	switch set := s.credentials[name]; {
	case withheld:
		return withheldCredentials(name)
	case set == nil:
		return nil
	default:
		return set.For(target)
	}
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
			if !s.withholds(i, name) {
				trusted = append(trusted, target.URL)
			}
		}
		set.SetTargets(trusted)
	}
}
