package config

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// shown is the configuration as it is written: the keys of the table, in its order.
type shown struct {
	NativeHistograms bool           `yaml:"native_histograms"`
	Defaults         shownDefaults  `yaml:"defaults"`
	Services         []shownService `yaml:"services"`
}

type shownDefaults struct {
	Schedule string `yaml:"schedule"`
	Timeout  string `yaml:"timeout"`
}

type shownService struct {
	Name         string                     `yaml:"name"`
	Targets      []string                   `yaml:"targets,omitempty"`
	Units        []string                   `yaml:"units,omitempty"`
	Credentials  map[string]shownCredential `yaml:"credentials,omitempty"`
	Checks       []shownCheck               `yaml:"checks,omitempty"`
	Verification shownPolicy                `yaml:"verification"`
}

type shownCredential struct {
	TokenFile string `yaml:"token_file"`
}

type shownCheck struct {
	Name             string        `yaml:"name"`
	Use              string        `yaml:"use,omitempty"`
	Request          *shownRequest `yaml:",inline"`
	Schedule         string        `yaml:"schedule"`
	Timeout          string        `yaml:"timeout"`
	MinInterval      string        `yaml:"min_interval,omitempty"`
	Critical         bool          `yaml:"critical"`
	ReuseConnections bool          `yaml:"reuse_connections"`
}

type shownRequest struct {
	Method      string               `yaml:"method"`
	Path        string               `yaml:"path"`
	Headers     map[string]shownText `yaml:"headers,omitempty"`
	Body        shownText            `yaml:"body,omitempty"`
	Credentials string               `yaml:"credentials,omitempty"`
	Expect      shownRules           `yaml:"expect,omitempty"`
}

type shownRules struct {
	Status      []int            `yaml:"status,flow,omitempty"`
	MaxDuration string           `yaml:"max_duration,omitempty"`
	Assertions  []shownAssertion `yaml:"assertions,omitempty"`
}

type shownAssertion struct {
	Name     string    `yaml:"name"`
	That     shownText `yaml:"that"`
	Severity string    `yaml:"severity"`
}

type shownPolicy struct {
	SettleTimeout string `yaml:"settle_timeout"`
	Window        string `yaml:"window"`
	Interval      string `yaml:"interval"`
	Consecutive   int    `yaml:"consecutive"`
	MaxRestarts   int    `yaml:"max_restarts"`
}

// YAML writes the configuration in effect. Read again, it gives the same. It holds no secrets: the configuration only
// says in which files they are.
func (c *Config) YAML() []byte {
	s := shown{
		NativeHistograms: c.NativeHistograms,
		Defaults:         shownDefaults{c.Defaults.Schedule.String(), short(c.Defaults.Timeout)},
	}
	for _, service := range c.Services {
		s.Services = append(s.Services, service.shown())
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(s); err != nil {
		panic(fmt.Sprintf("writing a configuration to memory: %v", err))
	}
	return out.Bytes()
}

func (service Service) shown() shownService {
	p := service.Verification
	s := shownService{
		Name:         service.Name,
		Targets:      service.Targets,
		Units:        service.Units,
		Credentials:  map[string]shownCredential{},
		Verification: shownPolicy{short(p.SettleTimeout), short(p.Window), short(p.Interval), p.Consecutive, p.MaxRestarts},
	}
	for name, credential := range service.Credentials {
		s.Credentials[name] = shownCredential{credential.TokenFile}
	}
	for _, check := range service.Checks {
		s.Checks = append(s.Checks, check.shown())
	}
	return s
}

func (check Check) shown() shownCheck {
	s := shownCheck{
		Name:             check.Name,
		Use:              check.Use,
		Schedule:         check.Schedule.String(),
		Timeout:          short(check.Timeout),
		Critical:         check.Critical,
		ReuseConnections: check.ReuseConnections,
	}
	if check.MinInterval > 0 {
		s.MinInterval = short(check.MinInterval)
	}
	if check.Use == "" {
		s.Request = check.Request.shown()
	}
	return s
}

func (r Request) shown() *shownRequest {
	s := &shownRequest{
		Method:      r.Method,
		Path:        r.Path,
		Headers:     map[string]shownText{},
		Body:        shownText(r.Body),
		Credentials: r.Credentials,
		Expect:      shownRules{Status: r.Expect.Status},
	}
	for name := range r.Header {
		s.Headers[name] = shownText(r.Header.Get(name))
	}
	if r.Expect.MaxDuration > 0 {
		s.Expect.MaxDuration = short(r.Expect.MaxDuration)
	}
	for _, a := range r.Expect.Assertions {
		s.Expect.Assertions = append(s.Expect.Assertions, shownAssertion{a.Name, shownText(a.That.String()), severities[a.Severity]})
	}
	return s
}
