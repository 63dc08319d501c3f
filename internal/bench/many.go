package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	manyChecks     = 10_000
	reloadGoal     = time.Second
	manyMemoryGoal = 200 << 10 // KiB
)

// many is a configuration with 10,000 checks that run once and then not again for an hour. The path of one check of all its
// targets is the caller's to say.
type many struct {
	what  string
	write func(b *bench, text io.Writer, path string) error // what comes after the schedule
}

var manyTargets = many{"2500 targets with 4 checks", func(b *bench, text io.Writer, path string) error {
	fmt.Fprintf(text, "services:\n  - name: bench\n    checks:\n      - {name: check-0, path: %q, expect: {assertions: [{name: healthy, that: 'body.status == \"healthy\"'}]}}\n", path)
	for i := range 3 {
		fmt.Fprintf(text, "      - {name: check-%d, use: health}\n", i+1)
	}
	fmt.Fprintln(text, "    targets:")
	for i := range manyChecks / 4 {
		fmt.Fprintf(text, "      - %s\n", target(i, b.backend.port))
	}
	return nil
}}

var manyServices = many{"2500 services with 4 checks", func(b *bench, text io.Writer, path string) error {
	fmt.Fprintln(text, "services:")
	changing := fmt.Sprintf(", checks: [{use: health, path: %q}, {use: auth}, {use: db-monitor}, {use: queue-status}]", path)
	for i := range manyChecks / 4 {
		fmt.Fprintf(text, "  - {name: bench-%d, targets: [%s]%s}\n", i, target(i, b.backend.port), changing)
		changing = "" // the others have the same four by default
	}
	return nil
}}

var manyListed = many{"10000 targets of a list with 1 check", func(b *bench, text io.Writer, path string) error {
	fmt.Fprintf(text, "services: [{name: bench, file_sd_configs: [{files: [targets.json]}], checks: [{use: health, path: %q}]}]", path)
	return b.writeList()
}}

// writeList writes a list of 10,000 targets.
func (b *bench) writeList() error {
	targets := make([]string, manyChecks)
	for i := range targets {
		targets[i] = target(i, b.backend.port)
	}
	list, err := json.Marshal([]any{map[string]any{"targets": targets, "labels": map[string]string{"zone": "a", "rack": "12"}}})
	if err != nil {
		return err
	}
	_, err = b.write("targets.json", string(list))
	return err
}

// configureMany writes such a configuration.
func (b *bench) configureMany(m many, schedule, path string) (file string, err error) {
	var text strings.Builder
	fmt.Fprintf(&text, "defaults: {schedule: %q}\n", schedule)
	if err := m.write(b, &text, path); err != nil {
		return "", err
	}
	return b.write("postflight.yml", text.String())
}

// reloadFigure reloads 10,000 checks over the control socket, by turns a file that is as it was and one in which one check
// of all its targets is another one.
func reloadFigure(m many) figure {
	return figure{
		name: "reload, " + m.what,
		goal: "< 1 s",
		measure: func(b *bench) (measured, error) {
			file, err := b.configureMany(m, "@every 1h", "/health")
			if err != nil {
				return measured{}, err
			}
			socket := filepath.Join(b.directory, "control.sock")
			daemon, err := b.serveReady(file, "--control.socket", socket)
			if err != nil {
				return measured{}, err
			}
			defer daemon.stop()
			var unchanged, changed []time.Duration
			for i := range 7 {
				if err := reload(socket, &unchanged); err != nil {
					return measured{}, err
				}
				if _, err := b.configureMany(m, "@every 1h", fmt.Sprintf("/health?%d", i)); err != nil {
					return measured{}, err
				}
				if err := reload(socket, &changed); err != nil {
					return measured{}, err
				}
			}
			slowest := max(slices.Max(unchanged), slices.Max(changed))
			return measured{
				fmt.Sprintf("%.0f ms as it was, %.0f ms with a check changed, medians of %d; the slowest %.0f ms",
					milliseconds(median(unchanged)), milliseconds(median(changed)), len(changed), milliseconds(slowest)),
				slowest < reloadGoal,
			}, nil
		},
	}
}

// reload has the daemon read its file again, and adds how long that took.
func reload(socket string, took *[]time.Duration) error {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	begun := time.Now()
	response, err := client.Post("http://postflight/-/reload", "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	*took = append(*took, time.Since(begun))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return err
}

// manyMemoryFigure is of 10,000 targets of a list, all of which have been probed and are again twice a minute. What is told
// is the most that the daemon ever had, scrapes included.
var manyMemoryFigure = figure{
	name: "memory, 10000 targets of a list with 1 check",
	goal: "≤ 200 MiB",
	measure: func(b *bench) (measured, error) {
		file, err := b.configureMany(manyListed, "@every 30s", "/health")
		if err != nil {
			return measured{}, err
		}
		daemon, err := b.serveReady(file)
		if err != nil {
			return measured{}, err
		}
		defer daemon.stop()
		for range 6 {
			time.Sleep(2 * time.Second)
			if _, err := daemon.get("/metrics", asPrometheus); err != nil {
				return measured{}, err
			}
		}
		most, err := memory(daemon.pid(), "VmHWM")
		if err != nil {
			return measured{}, err
		}
		resident, err := memory(daemon.pid(), "VmRSS")
		if err != nil {
			return measured{}, err
		}
		return measured{
			fmt.Sprintf("%.0f MiB resident at the most (VmHWM), %.0f MiB after the last of 6 scrapes", mebibytes(most), mebibytes(resident)),
			most <= manyMemoryGoal,
		}, nil
	},
}
