// Package config reads the configuration: strict YAML, walked once along one table of keys, into one validated value.
// All that is wrong is told at once, each with its place and with what to do about it.
package config

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postflight/internal/credentials"
	"postflight/internal/discovery"
	"postflight/internal/expect"
	"postflight/internal/hook"
	"postflight/internal/logpattern"
	"postflight/internal/schedule"
	"postflight/internal/verdict"
)

// Config is a valid configuration, with all defaults filled in.
type Config struct {
	File             string // that it was read from; empty: it was made of flags
	NativeHistograms bool
	Defaults         Defaults
	Services         []Service // at least one
}

// Defaults hold for the checks that do not say otherwise. They have been filled into the checks already.
type Defaults struct {
	Schedule schedule.Schedule
	Timeout  time.Duration
}

// Service is what is deployed. It has targets, lists of targets or units, or several of these.
type Service struct {
	Name         string
	Targets      []string // base URLs as written
	Files        []discovery.Files
	HTTP         []discovery.HTTP
	Units        []string // with their suffixes
	TLS          *TLS     // nil: as the system has it
	Release      *Release // nil: nothing tells it
	Credentials  map[string]credentials.Options
	Checks       []Check              // none where there are neither targets nor lists
	Patterns     []logpattern.Pattern // the user's own
	Logs         *logpattern.Set      // the built-in ones, then the user's own; nil: there are no units
	Verification verdict.Policy
	Detect       string     // what is taken for a deployment that nobody announced
	OnFailure    *hook.Hook // nil: nothing is run after a failed deployment
}

// What is taken for a deployment that nobody announced.
const (
	DetectRestart = "restart" // a unit that is started by hand
	DetectRelease = "release" // another release than before
	DetectOff     = "off"     // nothing
)

// TLS is whom to trust, and who to be, where targets are https. The files have been read.
type TLS struct {
	CAFile     string // absolute; empty: the system's authorities
	CertFile   string // absolute; empty: no certificate is shown
	KeyFile    string // absolute; with CertFile
	ServerName string // empty: the target's
	Config     *tls.Config
}

// Release says where the name of the running release is found: in a file, or in the answers to a check.
type Release struct {
	File  string // absolute; empty: Check tells it
	Check string // the name of one of the service's checks
	From  *expect.Expression
}

// Check is one check of each of a service's targets.
type Check struct {
	Name             string
	Use              string // the built-in check's name; empty: it is one of the user's own
	Request          Request
	Schedule         schedule.Schedule
	Timeout          time.Duration // of the whole check
	MinInterval      time.Duration // 0: no limit
	Critical         bool
	ReuseConnections bool
	FollowRedirects  bool

	// Of the built-in check auth only. Of its Request method, path, header, credentials and Expect.MaxDuration hold.
	Tokens         []string // names of forged tokens
	SigningKey     credentials.Secret
	SigningKeyFile string // in place of SigningKey; absolute
}

// Request is what a check asks, and what it expects of the answer.
type Request struct {
	Method      string
	Path        string      // begins with a slash
	Header      http.Header // nil: none
	Body        string      // empty: none
	Credentials string      // a name that the service's credentials have; empty: none
	Expect      expect.Rules
}

// Load reads a configuration file. An error is Errors where the file could be read.
func Load(filename string) (*Config, error) {
	file, err := os.Open(filename)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(filename, content)
}

// Parse reads a configuration, and the certificates that it names. Files are relative to filename. An error is Errors.
func Parse(filename string, content []byte) (*Config, error) {
	return parse(filename, content, readCertificates)
}

func parse(filename string, content []byte, read func(file string) ([]byte, error)) (*Config, error) {
	r := &report{file: filename, source: newSource(content)}
	root := document(r, content)
	if root == nil {
		return nil, r.err()
	}
	w := &walker{report: r, table: newTable()}
	v := w.walk(root, mappingKind, place{}, "", "")
	if v.wrong {
		return nil, r.err()
	}
	b := newBuilder(r, filepath.Dir(filename), read)
	c := b.config(v)
	c.File = filename
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// FromFlags makes the configuration of one service without a file. service may be empty: then it is named after the
// first unit, else after the first target's host. An error is Errors, and each names its flag.
func FromFlags(targets, units []string, service string) (*Config, error) {
	r := &report{}
	if len(targets) == 0 && len(units) == 0 {
		r.say(place{path: "--target"}, "nothing to verify; give --target URL or --unit NAME")
		return nil, r.err()
	}
	fields := map[string]*value{
		"targets": r.flags("--target", targetKind, targets),
		"units":   r.flags("--unit", unitKind, units),
	}
	if service != "" {
		fields["name"] = r.flags("--service", nameKind, []string{service}).items[0]
	} else {
		fields["name"] = &value{got: derivedName(fields["targets"], fields["units"])}
	}
	root := &value{fields: map[string]*value{"services": {items: []*value{{fields: fields}}}}}
	c := newBuilder(r, "", nil).config(root)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// flags reads the values of a repeatable flag.
func (r *report) flags(name string, k kind, texts []string) *value {
	v := &value{place: place{path: name}}
	for _, text := range texts {
		item := &value{place: v.place}
		if got, err := k.parse(text); err != nil {
			r.say(v.place, "%s", err)
			item.wrong = true
		} else {
			item.got = got
		}
		v.items = append(v.items, item)
	}
	return v
}

// Files lists every file whose change needs the configuration to be read again: its own first, unless it was made of flags.
func (c *Config) Files() []string {
	var files []string
	if c.File != "" {
		files = append(files, c.File)
	}
	for _, service := range c.Services {
		if t := service.TLS; t != nil {
			for _, file := range []string{t.CAFile, t.CertFile, t.KeyFile} {
				if file != "" && !slices.Contains(files, file) {
					files = append(files, file)
				}
			}
		}
	}
	return files
}

// Select gives the configuration with one service only.
func (c *Config) Select(service string) (*Config, error) {
	var names []string
	for _, s := range c.Services {
		if s.Name == service {
			one := *c
			one.Services = []Service{s}
			return &one, nil
		}
		names = append(names, s.Name)
	}
	return nil, Errors{{Path: "--service", Problem: fmt.Sprintf("there is no service %s; write one of %s", quote(service), strings.Join(names, ", "))}}
}
