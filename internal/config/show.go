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
	Use              string `yaml:"use"`
	Schedule         string `yaml:"schedule"`
	Timeout          string `yaml:"timeout"`
	MinInterval      string `yaml:"min_interval,omitempty"`
	Critical         bool   `yaml:"critical"`
	ReuseConnections bool   `yaml:"reuse_connections"`
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
		s.Credentials[name] = shownCredential(credential)
	}
	for _, check := range service.Checks {
		shown := shownCheck{
			Use:              check.Use,
			Schedule:         check.Schedule.String(),
			Timeout:          short(check.Timeout),
			Critical:         check.Critical,
			ReuseConnections: check.ReuseConnections,
		}
		if check.MinInterval > 0 {
			shown.MinInterval = short(check.MinInterval)
		}
		s.Checks = append(s.Checks, shown)
	}
	return s
}
