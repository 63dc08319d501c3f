package config

import (
	"fmt"
	"strings"
	"testing"
)

// Files as full as they may be: of ten thousand checks, or of expressions.
var large = []struct {
	name     string
	services int
	checks   int    // of each; 0: the built-in ones
	check    string // with a place for its number
}{
	{"built-in", 2500, 0, ""},
	{"own", 125, 80, "{name: c%d, path: /}"},
	{"expressions", 20, 80, "{name: c%d, path: /, expect: {assertions: [{name: a, that: 'body.total >= 0'}]}, values: [{metric: open, from: body.open}]}"},
}

// BenchmarkParse reads them, and BenchmarkSameCheck compares each check with what it was.
func BenchmarkParse(b *testing.B) {
	for _, bc := range large {
		content := file(b, bc.services, bc.checks, bc.check)
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse("f.yml", content); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSameCheck(b *testing.B) {
	for _, bc := range large {
		content := file(b, bc.services, bc.checks, bc.check)
		before, err := Parse("f.yml", content)
		if err != nil {
			b.Fatal(err)
		}
		after, err := Parse("f.yml", content)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i, service := range after.Services {
					for j, check := range service.Checks {
						if !service.SameCheck(check, before.Services[i], before.Services[i].Checks[j]) {
							b.Fatal("changed")
						}
					}
				}
			}
		})
	}
}

func file(b *testing.B, services, checks int, check string) []byte {
	var file strings.Builder
	file.WriteString("services:\n")
	for s := range services {
		fmt.Fprintf(&file, "- name: s%d\n  targets: [http://h%d]\n", s, s)
		if checks > 0 {
			file.WriteString("  checks:\n")
		}
		for n := range checks {
			fmt.Fprintf(&file, "  - "+check+"\n", n)
		}
	}
	if file.Len() > maxSize {
		b.Fatalf("%d KiB are too many", file.Len()>>10)
	}
	return []byte(file.String())
}
