package config

import (
	"strings"

	"postflight/internal/credentials"
	"postflight/internal/expect"
)

func (service Service) shown() shownService {
	s := shownService{
		Name:         service.Name,
		Targets:      service.Targets,
		Units:        service.Units,
		Credentials:  map[string]shownCredential{},
		Verification: service.shownPolicy(),
	}
	for _, l := range service.Files {
		list := shownFiles{RefreshInterval: short(l.RefreshInterval), Scheme: l.Scheme}
		for _, name := range l.Names {
			list.Names = append(list.Names, shownText(name))
		}
		s.Files = append(s.Files, list)
	}
	for _, l := range service.HTTP {
		s.HTTP = append(s.HTTP, shownHTTP{l.URL, short(l.RefreshInterval), l.Scheme})
	}
	if t := service.TLS; t != nil {
		s.TLS = shownTLS{shownText(t.CAFile), shownText(t.CertFile), shownText(t.KeyFile), t.ServerName}
	}
	if r := service.Release; r != nil {
		s.Release = shownRelease{shownText(r.File), r.Check, text(r.From)}
	}
	for name, o := range service.Credentials {
		s.Credentials[name] = shownOptions(o)
	}
	for _, check := range service.Checks {
		s.Checks = append(s.Checks, check.shown())
	}
	for _, p := range service.Patterns {
		s.Logs.Patterns = append(s.Logs.Patterns, shownPattern{
			p.Name, shownText(p.Match), shownText(p.Exclude), string(p.Severity), strings.TrimPrefix(p.Metric, logPrefix), shownText(p.Value), p.Buckets,
		})
	}
	return s
}

func (service Service) shownPolicy() shownPolicy {
	p := service.Verification
	s := shownPolicy{
		SettleTimeout: short(p.SettleTimeout), Window: short(p.Window), Interval: short(p.Interval),
		Consecutive: p.Consecutive, MaxRestarts: p.MaxRestarts, MaxSlowdown: p.MaxSlowdown, Detect: service.Detect,
	}
	if h := service.OnFailure; h != nil {
		s.OnFailure = &shownHook{Unit: h.Unit, Timeout: short(h.Timeout), On: h.On}
		for _, word := range h.Command {
			s.OnFailure.Command = append(s.OnFailure.Command, shownText(word))
		}
	}
	return s
}

func shownOptions(o credentials.Options) shownCredential {
	s := shownCredential{Token: o.Token, TokenFile: shownText(o.TokenFile), AllowedTargets: o.AllowedTargets}
	if b := o.Basic; b != nil {
		s.Basic = &shownBasic{shownText(b.Username), b.Password, shownText(b.PasswordFile)}
	}
	if l := o.Login; l != nil {
		s.Login = &shownLogin{
			Path:          l.Path,
			Format:        l.Format,
			UsernameField: shownText(l.UsernameField),
			PasswordField: shownText(l.PasswordField),
			Username:      shownText(l.Username),
			Password:      l.Password,
			PasswordFile:  shownText(l.PasswordFile),
			Token:         text(l.Token),
		}
	}
	return s
}

func (check Check) shown() shownCheck {
	r := check.Request
	s := shownCheck{
		Name:             check.Name,
		Use:              check.Use,
		Method:           r.Method,
		Path:             r.Path,
		Body:             shownText(r.Body),
		Credentials:      r.Credentials,
		Tokens:           check.Tokens,
		SigningKey:       check.SigningKey,
		SigningKeyFile:   shownText(check.SigningKeyFile),
		Expect:           shownRules{Status: r.Expect.Status},
		Runtime:          text(r.Expect.Runtime),
		Schedule:         check.Schedule.String(),
		Timeout:          short(check.Timeout),
		Critical:         check.Critical,
		ReuseConnections: check.ReuseConnections,
	}
	if check.Tokens == nil {
		s.FollowRedirects = &check.FollowRedirects
	}
	if check.MinInterval > 0 {
		s.MinInterval = short(check.MinInterval)
	}
	if r.Expect.MaxDuration > 0 {
		s.Expect.MaxDuration = short(r.Expect.MaxDuration)
	}
	for _, a := range r.Expect.Assertions {
		s.Expect.Assertions = append(s.Expect.Assertions, shownAssertion{a.Name, text(a.That), severities[a.Severity]})
	}
	for _, reading := range r.Expect.Values {
		s.Values = append(s.Values, shownValue(reading))
	}
	for name := range r.Header {
		if s.Headers == nil {
			s.Headers = map[string]shownText{}
		}
		s.Headers[name] = shownText(r.Header.Get(name))
	}
	return s
}

func shownValue(r expect.Reading) shownReading {
	s := shownReading{
		Metric:     strings.TrimPrefix(r.Metric.Name, valuePrefix),
		Type:       gauge,
		Help:       shownText(r.Metric.Help),
		From:       text(r.From),
		Each:       text(r.Each),
		Label:      r.Metric.Label,
		KeyField:   shownText(r.KeyField),
		ValueField: shownText(r.ValueField),
		States:     r.States,
	}
	if r.Metric.Counter {
		s.Type = counter
	}
	return s
}

// text is an expression's; empty where there is none.
func text(e *expect.Expression) shownText {
	if e == nil {
		return ""
	}
	return shownText(e.String())
}
