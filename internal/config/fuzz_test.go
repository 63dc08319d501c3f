package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever Parse accepts it shows such that it reads the same again.
func FuzzParse(f *testing.F) {
	broken, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(broken, "testdata/example.yml") {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add(minimal)
	f.Add([]byte("services: [{name: a, units: [a], logs: {patterns: [{name: a, match: '(?i)took (?P<ms>\\d{1,3})(?P<ms>.)', exclude: \"[\\\\x00-\\\\]]\", metric: a, value: 'float(ms) * 2', buckets: [-1e300, .5, 0x10]}]}}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := parsed("f.yml", content)
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("not a list of what is wrong: %v", err)
			}
			for _, one := range all {
				if one.Line < 1 || one.Column < 1 || one.Problem == "" {
					t.Errorf("no place or no words: %#v", one)
				}
			}
			return
		}
		for _, s := range c.Services {
			if (s.Logs == nil) != (len(s.Units) == 0) {
				t.Errorf("%s: %d units, and patterns %v", s.Name, len(s.Units), s.Logs)
			}
		}
		again, err := parsed("g.yml", c.YAML())
		if err != nil {
			t.Fatalf("shown, it is refused: %v\n%s", err, c.YAML())
		}
		if diff := cmp.Diff(c, again, secretsApart); diff != "" {
			t.Error(diff)
		}
	})
}

// Whatever stands on the command line makes a configuration that could stand in a file, or is refused by its flag.
func FuzzFromFlags(f *testing.F) {
	for _, text := range []string{"", "http://127.0.0.1:8000", "http://ops:hunter2@h", "proxy-system", "a b", "*", ".service", "ü", "shop@blue.service"} {
		f.Add(text, text, text)
		f.Add("http://[::1]", text, "")
	}
	f.Fuzz(func(t *testing.T, target, unit, service string) {
		for _, targets := range [][]string{nil, {target}} {
			c, err := FromFlags(targets, []string{unit}, service)
			if err != nil {
				var all Errors
				if !errors.As(err, &all) || len(all) == 0 {
					t.Fatalf("not a list of what is wrong: %v", err)
				}
				for _, one := range all {
					if !strings.HasPrefix(one.Path, "--") || one.Problem == "" {
						t.Errorf("no flag or no words: %#v", one)
					}
				}
				continue
			}
			again, err := parsed("f.yml", c.YAML())
			if err != nil {
				t.Fatalf("shown, it is refused: %v\n%s", err, c.YAML())
			}
			if diff := cmp.Diff(c, again, secretsApart); diff != "" {
				t.Error(diff)
			}
		}
	})
}
