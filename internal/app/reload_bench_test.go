package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postflight/internal/state"
)

const manyChecks = 10_000

// BenchmarkReload reloads 10,000 checks, from the reading of the file to the answer, in a daemon that runs them.
func BenchmarkReload(b *testing.B) {
	for _, row := range []struct {
		name          string
		configuration func(b *testing.B) string // %d is in the path of one check
	}{
		{"2500 targets with 4 checks", func(*testing.B) string {
			return serviceOf("few", fmt.Sprintf("targets: [%s]", strings.Join(nobodies(manyChecks/4), ", ")), 4)
		}},
		{"10000 targets of a list with 1 check", func(b *testing.B) string {
			return serviceOf("listed", fmt.Sprintf("file_sd_configs: [{files: [%s]}]", listOf(b, nobodies(manyChecks))), 1)
		}},
		{"2500 services with 4 checks", func(*testing.B) string {
			var all strings.Builder
			targets := nobodies(manyChecks / 4)
			for i, target := range targets[1:] {
				fmt.Fprintf(&all, "  - {name: service-%d, targets: [%s]}\n", i, target)
			}
			return all.String() + serviceOf("one", fmt.Sprintf("targets: [%s]", targets[0]), 4)
		}},
	} {
		b.Run(row.name, func(b *testing.B) {
			configuration := "defaults: {schedule: \"@every 24h\"}\nservices:\n" + row.configuration(b)
			b.Run("nothing changed", func(b *testing.B) {
				benchmarkReload(b, func(int) string { return fmt.Sprintf(configuration, 0) })
			})
			b.Run("one check changed", func(b *testing.B) {
				benchmarkReload(b, func(i int) string { return fmt.Sprintf(configuration, i) })
			})
		})
	}
}

func benchmarkReload(b *testing.B, configuration func(i int) string) {
	f := newFile(b)
	f.write(b, "%s", configuration(0))
	d, _, _ := startOn(b, f, nil, nil)
	awaitFirstRuns(d)
	b.ReportAllocs()
	for i := 1; b.Loop(); i++ {
		b.StopTimer()
		f.write(b, "%s", configuration(i))
		b.StartTimer()
		if err := d.Reload(); err != nil {
			b.Fatal(err)
		}
	}
}

// serviceOf is a service with that many checks, the last of which has a %d in its path.
func serviceOf(name, targets string, checks int) string {
	all := []string{
		"{use: health}", "{use: auth}", "{use: queue-status}",
		`{name: page, path: /page-%d, expect: {assertions: [{name: there, that: body.total > 0}]}}`,
	}
	return fmt.Sprintf("  - name: %s\n    %s\n    checks: [%s]\n", name, targets, strings.Join(all[4-checks:], ", "))
}

// nobodies are targets at which nobody listens, so that a probe is soon over.
func nobodies(n int) []string {
	targets := make([]string, n)
	for i := range targets {
		targets[i] = fmt.Sprintf("http://127.%d.%d.1:1", i/250, i%250)
	}
	return targets
}

func listOf(b *testing.B, targets []string) (file string) {
	b.Helper()
	content, err := json.Marshal([]map[string]any{{"targets": targets, "labels": map[string]string{"zone": "a", "rack": "12"}}})
	if err != nil {
		b.Fatal(err)
	}
	file = filepath.Join(b.TempDir(), "targets.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}

func awaitFirstRuns(d *Daemon) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for range again.C {
		checks := 0
		waiting := func(c *state.CheckState) bool { return !c.HasRun() }
		for _, s := range d.Store().Snapshot(time.Now()).Services {
			if !slices.ContainsFunc(s.Checks, waiting) {
				checks += len(s.Checks)
			}
		}
		if checks == manyChecks {
			return
		}
	}
}
