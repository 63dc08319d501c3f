package config

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"postflight/internal/credentials"
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
	Files        []shownFiles               `yaml:"file_sd_configs,omitempty"`
	HTTP         []shownHTTP                `yaml:"http_sd_configs,omitempty"`
	Units        []string                   `yaml:"units,omitempty"`
	TLS          shownTLS                   `yaml:"tls_config,omitempty"`
	Release      shownRelease               `yaml:"release,omitempty"`
	Credentials  map[string]shownCredential `yaml:"credentials,omitempty"`
	Checks       []shownCheck               `yaml:"checks,omitempty"`
	Logs         shownLogs                  `yaml:"logs,omitempty"`
	Verification shownPolicy                `yaml:"verification"`
}

type shownFiles struct {
	Names           []shownText `yaml:"files"`
	RefreshInterval string      `yaml:"refresh_interval"`
	Scheme          string      `yaml:"scheme"`
}

type shownHTTP struct {
	URL             string `yaml:"url"`
	RefreshInterval string `yaml:"refresh_interval"`
	Scheme          string `yaml:"scheme"`
}

type shownTLS struct {
	CAFile     shownText `yaml:"ca_file,omitempty"`
	CertFile   shownText `yaml:"cert_file,omitempty"`
	KeyFile    shownText `yaml:"key_file,omitempty"`
	ServerName string    `yaml:"server_name,omitempty"`
}

type shownRelease struct {
	File  shownText `yaml:"file,omitempty"`
	Check string    `yaml:"check,omitempty"`
	From  shownText `yaml:"from,omitempty"`
}

type shownCredential struct {
	Token          credentials.Secret `yaml:"token,omitempty"`
	TokenFile      shownText          `yaml:"token_file,omitempty"`
	Basic          *shownBasic        `yaml:"basic_auth,omitempty"`
	Login          *shownLogin        `yaml:"login,omitempty"`
	AllowedTargets []string           `yaml:"allowed_targets,flow,omitempty"`
}

type shownBasic struct {
	Username     shownText          `yaml:"username"`
	Password     credentials.Secret `yaml:"password,omitempty"`
	PasswordFile shownText          `yaml:"password_file,omitempty"`
}

type shownLogin struct {
	Path          string             `yaml:"path"`
	Format        string             `yaml:"format"`
	UsernameField shownText          `yaml:"username_field"`
	PasswordField shownText          `yaml:"password_field"`
	Username      shownText          `yaml:"username"`
	Password      credentials.Secret `yaml:"password,omitempty"`
	PasswordFile  shownText          `yaml:"password_file,omitempty"`
	Token         shownText          `yaml:"token"`
}

type shownCheck struct {
	Name             string               `yaml:"name"`
	Use              string               `yaml:"use,omitempty"`
	Method           string               `yaml:"method"`
	Path             string               `yaml:"path"`
	Headers          map[string]shownText `yaml:"headers,omitempty"`
	Body             shownText            `yaml:"body,omitempty"`
	Credentials      string               `yaml:"credentials,omitempty"`
	FollowRedirects  *bool                `yaml:"follow_redirects,omitempty"` // auth has none
	Tokens           []string             `yaml:"tokens,flow,omitempty"`
	SigningKey       credentials.Secret   `yaml:"signing_key,omitempty"`
	SigningKeyFile   shownText            `yaml:"signing_key_file,omitempty"`
	Expect           shownRules           `yaml:"expect,omitempty"`
	Values           []shownReading       `yaml:"values,omitempty"`
	Runtime          shownText            `yaml:"runtime,omitempty"`
	Schedule         string               `yaml:"schedule"`
	Timeout          string               `yaml:"timeout"`
	MinInterval      string               `yaml:"min_interval,omitempty"`
	Critical         bool                 `yaml:"critical"`
	ReuseConnections bool                 `yaml:"reuse_connections"`
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

type shownReading struct {
	Metric     string             `yaml:"metric"`
	Type       string             `yaml:"type"`
	Help       shownText          `yaml:"help"`
	From       shownText          `yaml:"from,omitempty"`
	Each       shownText          `yaml:"each,omitempty"`
	Label      string             `yaml:"label,omitempty"`
	KeyField   shownText          `yaml:"key_field,omitempty"`
	ValueField shownText          `yaml:"value_field,omitempty"`
	States     map[string]float64 `yaml:"states,omitempty"`
}

type shownLogs struct {
	Patterns []shownPattern `yaml:"patterns,omitempty"`
}

type shownPattern struct {
	Name     string    `yaml:"name"`
	Match    shownText `yaml:"match"`
	Exclude  shownText `yaml:"exclude,omitempty"`
	Severity string    `yaml:"severity"`
	Metric   string    `yaml:"metric,omitempty"`
	Value    shownText `yaml:"value,omitempty"`
	Buckets  []float64 `yaml:"buckets,flow,omitempty"`
}

type shownPolicy struct {
	SettleTimeout string `yaml:"settle_timeout"`
	Window        string `yaml:"window"`
	Interval      string `yaml:"interval"`
	Consecutive   int    `yaml:"consecutive"`
	MaxRestarts   int    `yaml:"max_restarts"`

	MaxSlowdown float64    `yaml:"max_slowdown"`
	Detect      string     `yaml:"detect"`
	OnFailure   *shownHook `yaml:"on_failure,omitempty"`
}

type shownHook struct {
	Unit    string      `yaml:"unit,omitempty"`
	Command []shownText `yaml:"command,flow,omitempty"`
	Timeout string      `yaml:"timeout"`
	On      []string    `yaml:"on,flow"`
}

// YAML writes the configuration in effect. Read again, it gives the same, but for secrets, in whose place stands <secret>.
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
