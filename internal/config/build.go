package config

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"postflight/internal/builtin"
	"postflight/internal/discovery"
	"postflight/internal/schedule"
)

// builder makes the configuration of what the walk has read, and finds what is wrong between keys.
type builder struct {
	*report
	directory string // that files are relative to
	read      func(file string) ([]byte, error)
	tlsMade   map[tlsFiles]*TLS
	metrics   map[string]*declared // by the name of their family
	measured  map[string]measured  // in logs, by the metric's name
	size      int                  // of the regular expressions so far
}

func newBuilder(r *report, directory string, read func(string) ([]byte, error)) *builder {
	return &builder{report: r, directory: directory, read: read, tlsMade: map[tlsFiles]*TLS{}, metrics: map[string]*declared{}, measured: measuredAlready()}
}

func (b *builder) config(v *value) *Config {
	defaults := v.field("defaults")
	c := &Config{
		NativeHistograms: get(v, "native_histograms", fallback[bool]("native_histograms")),
		Defaults: Defaults{
			Schedule: get(defaults, "schedule", fallback[schedule.Schedule]("defaults.schedule")),
			Timeout:  get(defaults, "timeout", fallback[time.Duration]("defaults.timeout")),
		},
	}
	services := v.field("services")
	switch {
	case services == nil:
		b.say(v.place, "there are no services; write services: with at least one")
	case !services.wrong && len(services.items) == 0:
		b.say(services.place, "there are no services; write at least one")
	}
	named := map[string]*value{}
	for _, item := range v.list("services") {
		if b.full() {
			break
		}
		if item.wrong {
			continue
		}
		service := b.service(item, c.Defaults)
		b.unique(named, service.Name, item.field("name"), "another service has this name", "choose a different one")
		c.Services = append(c.Services, service)
	}
	return c
}

func (b *builder) service(v *value, defaults Defaults) Service {
	if v.field("name") == nil {
		b.say(v.place, "the service has no name; write name: and how it is called")
	}
	targets, units := v.field("targets"), v.field("units")
	asked := !none(targets) || !none(v.field("file_sd_configs")) || !none(v.field("http_sd_configs"))
	if !asked && none(units) {
		b.say(v.place, "there is nothing to verify; write targets:, file_sd_configs:, http_sd_configs: or units:")
	}
	s := Service{
		Name:         get(v, "name", ""),
		Targets:      b.texts(targets, "this target is listed already", discovery.SameTarget),
		Files:        b.fileLists(v),
		HTTP:         b.httpLists(v),
		Units:        b.texts(units, "this unit is listed already", strings.Clone),
		TLS:          b.tls(v.field("tls_config")),
		Credentials:  b.credentials(v.field("credentials")),
		Verification: policy(v.field("verification")),
	}
	c := checkBuilder{b, v.field("credentials"), defaults}
	checks := v.field("checks")
	switch {
	case checks == nil && asked:
		for _, check := range builtin.All() {
			s.Checks = append(s.Checks, c.builtIn(&value{fields: map[string]*value{"use": {got: check}}}))
		}
	case checks == nil || checks.wrong:
	case len(checks.items) == 0:
		b.say(checks.place, "the list is empty; name a check, or leave the key out for the built-in ones")
	case !asked:
		b.say(checks.place, "there are no targets to check; write targets:, file_sd_configs: or http_sd_configs:, or leave checks out")
	default:
		s.Checks = c.checks(checks)
	}
	s.Patterns, s.Logs = b.logs(v.field("logs"), units)
	if release := v.field("release"); release != nil && !release.wrong {
		s.Release = b.release(release, checks, s.Checks)
	}
	s.Detect = b.detect(v.field("verification"), v.field("release"))
	s.OnFailure = b.onFailure(v.field("verification").field("on_failure"))
	return s
}

// none reports whether a list is absent or empty, and not merely wrong.
func none(list *value) bool { return list == nil || !list.wrong && len(list.items) == 0 }

// texts gives the items of a list of texts, no two of which may be the same.
func (b *builder) texts(list *value, again string, same func(string) string) []string {
	if list == nil {
		return nil
	}
	var texts []string
	seen := map[string]*value{}
	for _, item := range list.items {
		if text, ok := item.got.(string); ok {
			b.unique(seen, same(text), item, again, "leave one out")
			texts = append(texts, text)
		}
	}
	return texts
}

// unique says so when something is there a second time.
func (b *builder) unique(seen map[string]*value, identity string, v *value, problem, instead string) {
	if identity == "" || v == nil {
		return
	}
	first, twice := seen[identity]
	switch {
	case !twice:
		seen[identity] = v
	case first.line > 0:
		b.say(v.place, "%s, in line %d; %s", problem, first.line, instead)
	default:
		b.say(v.place, "%s; %s", problem, instead)
	}
}

// either tells which of several keys is there, and says so where it is not exactly one.
func (b *builder) either(v *value, missing string, keys ...string) string {
	found := ""
	for _, name := range v.names {
		switch {
		case !slices.Contains(keys, name):
		case found == "":
			found = name
		default:
			b.say(v.fields[name].place, "%s is here already, in line %d; leave one of the two out", found, v.fields[found].line)
		}
	}
	if last := len(keys) - 1; found == "" {
		b.say(v.place, "%s; write %s or %s", missing, strings.Join(keys[:last], ", "), keys[last])
	}
	return found
}

// refuse says of each of the keys that is there why it should not be.
func (b *builder) refuse(v *value, why string, keys ...string) {
	for _, key := range keys {
		if refused := v.field(key); refused != nil {
			b.say(refused.place, "%s; leave %s out", why, key)
		}
	}
}

// oneOf tells what to write in place of a name that is not known.
func oneOf(name string, known []string, none string) string {
	if meant, ok := nearest(name, known); ok {
		return "did you mean " + meant + "?"
	}
	if len(known) == 0 {
		return none
	}
	return "write one of " + strings.Join(known, ", ")
}

// absolute resolves a file's name against the configuration file, as Prometheus does. It is absolute so that what is
// shown means the same wherever it is saved.
func (b *builder) absolute(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	name = filepath.Join(b.directory, name)
	if absolute, err := filepath.Abs(name); err == nil {
		return absolute
	}
	return name
}

// first gives the first value that is there.
func first(values ...*value) *value {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9._-]`)

// derivedName names a service after its first unit, else after its first target's host.
func derivedName(targets, units *value) string {
	name := "service"
	if len(units.items) > 0 {
		if unit, ok := units.items[0].got.(string); ok {
			name = unit[:strings.LastIndexByte(unit, '.')]
		}
	} else if target, ok := targets.items[0].got.(string); ok {
		if u, err := url.Parse(target); err == nil {
			name = u.Hostname()
		}
	}
	name = notInNames.ReplaceAllString(name, "-")
	return name[:min(len(name), 64)]
}
