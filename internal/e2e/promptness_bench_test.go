package e2e

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Both units do as they are told through a pipe, and note when.
const (
	mortal = "[Service]\nExecStart=sh -c 'read _ </run/tell; date +%%s%%N >/run/noted; exit 3'\nRestart=always\nRestartSec=50ms\n[Unit]\nStartLimitIntervalSec=0\n"
	talker = "[Service]\nExecStart=sh -c 'while read _ </run/tell; do date +%%s%%N >/run/noted; echo [Errno 98] Address already in use; done'\n"
)

// BenchmarkPromptness measures how long it takes until /metrics shows what happened, from the moment that it did: each
// scrape, the proxy before it and the write of the state file included.
func BenchmarkPromptness(b *testing.B) {
	for _, of := range []struct{ name, unit, series string }{
		{"exit", mortal, `postflight_unit_exits_total{result="exit-code"}`},
		{"line", talker, `postflight_log_matches_total{pattern="address-in-use"}`},
	} {
		b.Run(of.name, func(b *testing.B) {
			m := boot(b)
			m.Exec("mkfifo", "/run/tell")
			m.WriteUnit("told.service", of.unit)
			m.Exec("systemctl", "start", "told.service")
			m.watchUnits("told.service")
			var took []time.Duration
			for b.Loop() {
				took = took[:0]
				for range 100 {
					took = append(took, m.until(b, of.series))
				}
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		})
	}
}

// until has the unit do it once more, and returns how long it took until that is shown.
func (m *machine) until(b *testing.B, series string) time.Duration {
	shown := func() float64 {
		e, err := m.scrape()
		if err != nil {
			b.Fatal(err)
		}
		return e.must(b, series)
	}
	before := shown()
	if err := os.WriteFile(m.path("run/tell"), []byte("\n"), 0); err != nil {
		b.Fatal(err)
	}
	for begun := time.Now(); shown() == before; {
		if time.Since(begun) > patience {
			b.Fatalf("%s is still %v", series, before)
		}
	}
	seen := time.Now()
	noted, err := os.ReadFile(m.path("run/noted"))
	if err != nil {
		b.Fatal(err)
	}
	at, err := strconv.ParseInt(strings.TrimSpace(string(noted)), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return seen.Sub(time.Unix(0, at))
}
