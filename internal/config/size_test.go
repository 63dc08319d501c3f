package config

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// A file may be full of the dearest things that YAML knows. All that is ever allocated for it is counted, so no more
// than that can be held at once.
func TestMemoryIsBounded(t *testing.T) {
	const most = 80 << 20
	for name, shape := range map[string]struct{ begin, again, end string }{
		"texts for services": {"services: [", "a,", "]"},
		"empty services":     {"services: [", "{},", "]"},
		"unknown keys":       {"services: {", "-,", "}"},
		"pairs":              {"services: [", "?-,", "]"},
		"keys without value": {"services:\n", "?\n", ""},
		"targets":            {"services: [{name: a, targets: [", "a,", "]}]"},
		"brackets":           {"", "[", ""},
		"wrong patterns":     {"services: [{name: a, units: [a], logs: {patterns: [", "{name: a, match: '('},", "]}}]"},
		"large patterns":     {"services: [", "{name: a, units: [a], logs: {patterns: [{name: a, match: 'a{1000}a{1000}a{1000}a{1000}a{1000}'}]}},", "]"},
		"wrong expressions":  {"services: [{name: a, targets: ['http://a'], checks: [", "{path: /, expect: {assertions: [{that: +}]}},", "]}]"},
	} {
		t.Run(name, func(t *testing.T) {
			times := (maxSize - len(shape.begin) - len(shape.end)) / len(shape.again)
			content := []byte(shape.begin + strings.Repeat(shape.again, times) + shape.end)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse("f.yml", content)
			runtime.ReadMemStats(&after)
			if err == nil || strings.Contains(err.Error(), "larger than") {
				t.Fatalf("want it read and refused: %v", err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > most {
				t.Errorf("%d MiB were allocated, at most %d MiB are allowed", took>>20, most>>20)
			}
		})
	}
}

// What somebody may really write fits: ten thousand checks, as few services of many targets or as many services.
func TestLargeConfigurationsFit(t *testing.T) {
	for _, tc := range []struct{ services, targets int }{{1, 2500}, {50, 50}, {1250, 2}} {
		var file strings.Builder
		file.WriteString("services:\n")
		for s := range tc.services {
			fmt.Fprintf(&file, "  - name: backend-%04d\n    units: [backend-%04d.service]\n    targets:\n", s, s)
			for n := range tc.targets {
				fmt.Fprintf(&file, "      - http://10.%d.%d.%d:8000\n", s/250, s%250, n)
			}
		}
		c, err := Parse("f.yml", []byte(file.String()))
		if err != nil {
			t.Errorf("%d services of %d targets, %d KiB: %v", tc.services, tc.targets, file.Len()>>10, err)
			continue
		}
		checks := 0
		for _, service := range c.Services {
			checks += len(service.Targets) * len(service.Checks)
		}
		if checks != 10_000 {
			t.Errorf("%d checks", checks)
		}
	}
}
