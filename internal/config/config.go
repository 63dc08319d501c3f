// Package config reads the configuration: strict YAML, walked once along one table of keys, into one validated value.
// All that is wrong is told at once, each with its place and with what to do about it.
package config

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postflight/internal/expect"
	"postflight/internal/schedule"
	"postflight/internal/verdict"
)

// Config is a valid configuration, with all defaults filled in.
type Config struct {
	NativeHistograms bool
	Defaults         Defaults
	Services         []Service // at least one
}

// Defaults hold for the checks that do not say otherwise. They have been filled into the checks already.
type Defaults struct {
	Schedule schedule.Schedule
	Timeout  time.Duration
}

// Service is what is deployed. It has targets or units, or both.
type Service struct {
	Name         string
	Targets      []string // base URLs as written
	Units        []string // with their suffixes
	Credentials  map[string]Credential
	Checks       []Check // none where there are no targets
	Verification verdict.Policy
}

// Credential is how to come by a secret. It does not hold it.
type Credential struct {
	TokenFile string // absolute
}

// Check is one check of each of a service's targets.
type Check struct {
	Name             string
	Use              string   // the built-in check's name; empty: it is one of the user's own
	Request          *Request // of a check of the user's own; nil: it is a built-in one
	Schedule         schedule.Schedule
	Timeout          time.Duration // of the whole check
	MinInterval      time.Duration // 0: no limit
	Critical         bool
	ReuseConnections bool
}

// Request is what a check of the user's own asks, and what it expects of the answer.
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

// Parse reads a configuration. Files that it names are relative to filename. An error is Errors.
func Parse(filename string, content []byte) (*Config, error) {
	r := &report{file: filename}
	root := document(r, content)
	if root == nil {
		return nil, r.err()
	}
	w := &walker{report: r, table: newTable(), source: newSource(content)}
	v := w.walk(root, mappingKind, place{}, "", "")
	if v.wrong {
		return nil, r.err()
	}
	b := &builder{report: r, directory: filepath.Dir(filename)}
	c := b.config(v)
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
	c := (&builder{report: r}).config(root)
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
