package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"postflight/internal/state"
)

// list is a target list that a test writes anew: what a file holds, or what a server answers.
type list struct {
	key   string // of the configuration
	write func(content string)
	read  <-chan struct{} // is sent to by each reading that nobody has heard of yet; nil: nobody can tell
}

func fileList(t *testing.T) list {
	name := filepath.Join(t.TempDir(), "targets.json")
	return list{
		key: fmt.Sprintf("file_sd_configs: [{files: [%q], refresh_interval: 1s}]", name),
		write: func(content string) {
			if err := os.WriteFile(name+".next", []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(name+".next", name); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func httpList(t *testing.T) list {
	var mu sync.Mutex
	var holds string
	read := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, holds)
		select {
		case read <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(server.Close)
	return list{
		key: fmt.Sprintf("http_sd_configs: [{url: %q, refresh_interval: 1s}]", server.URL),
		write: func(content string) {
			mu.Lock()
			defer mu.Unlock()
			holds = content
		},
		read: read,
	}
}

// naming is a list of targets in zone a.
func naming(targets ...string) string {
	return fmt.Sprintf(`[{"targets": ["%s"], "labels": {"zone": "a"}}]`, strings.Join(targets, `", "`))
}

// logged is a log, and what warnings it has got.
func logged() (*zap.Logger, *zapobserver.ObservedLogs) {
	core, logs := zapobserver.New(zapcore.WarnLevel)
	return zap.New(core), logs
}

// awaitDiscovery waits until reading the lists of the first service goes as it should.
func awaitDiscovery(t *testing.T, d *Daemon, as func(state.Discovery) bool) state.Discovery {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	var last *state.Discovery
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-again.C {
		if last = d.Store().Snapshot(time.Now()).Services[0].Discovery; last != nil && as(*last) {
			return *last
		}
	}
	t.Fatalf("reading the lists never went as awaited, but: %+v", last)
	return state.Discovery{}
}

func series(metrics, name string) []string {
	return regexp.MustCompile(`(?m)^`+name+`[{ ].*$`).FindAllString(metrics, -1)
}

func TestTargetsComeAndGoWithTheirLists(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		list func(*testing.T) list
	}{
		{"in files", fileList},
		{"over HTTP", httpList},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			first, second, third := backend(t, healthy), backend(t, healthy), backend(t, healthy)
			l := row.list(t)
			l.write(naming(first, second))
			log, logs := logged()
			c := parse(t, `services: [{name: proxy, %s, checks: [{use: health, schedule: "@every 1h"}]}]`, l.key)
			d, page, _ := startWith(t, ServeOptions{Config: c, Log: log, ListenAddresses: []string{"127.0.0.1:0"}})
			await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="health",service="proxy",target=%q} 1`, first))
			await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="health",service="proxy",target=%q} 1`, second))
			await(t, page+"/metrics", `postflight_discovery_targets{service="proxy"} 2`)

			l.write(naming(second, third))
			await(t, page+"/metrics", fmt.Sprintf(`postflight_target_info{service="proxy",target=%q,zone="a"} 1`, third))
			metrics := scrape(t, page)
			if strings.Contains(metrics, first) {
				t.Errorf("series of a target that is gone:\n%s", metrics)
			}
			for line := range strings.Lines(metrics) {
				if strings.Contains(line, "zone=") && !strings.HasPrefix(line, "postflight_target_info{") {
					t.Errorf("a label of the list stands on %s", line)
				}
			}
			await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="health",service="proxy",target=%q} 1`, third))
			await(t, page+"/metrics", fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="proxy",target=%q} 1`, second))

			l.write(`[{"targets": `)
			broken := awaitDiscovery(t, d, func(d state.Discovery) bool { return d.Problem != "" })
			if l.read != nil {
				<-l.read
				<-l.read // so the log has been asked to say the same at least twice
			}
			stamp := series(scrape(t, page), "postflight_discovery_last_success_timestamp_seconds")
			l.write(`nor this`)
			awaitDiscovery(t, d, func(d state.Discovery) bool { return d.Problem != "" && d.Problem != broken.Problem })
			metrics = scrape(t, page)
			if still := series(metrics, "postflight_discovery_last_success_timestamp_seconds"); len(still) != 1 || still[0] != stamp[0] {
				t.Errorf("the list cannot be read, and was last read\n%s\nand then\n%s", stamp, still)
			}
			if targets := series(metrics, "postflight_target_info"); len(targets) != 2 {
				t.Errorf("the list cannot be read, and the targets are %v", targets)
			}
			l.write(naming(third))
			awaitDiscovery(t, d, func(now state.Discovery) bool {
				return now.Problem == "" && now.Targets == 1 && now.LastSuccess.After(broken.LastSuccess)
			})
			if lines := logs.FilterMessage("target list not read, what it named before stays in effect"); lines.Len() != 2 {
				t.Errorf("two things were wrong, and the log says: %v", lines.All())
			}
		})
	}
}

// What both the configuration and a list name is one target, under the name that the configuration gives it.
func TestAListMayNameAConfiguredTarget(t *testing.T) {
	t.Parallel()
	configured, listed := backend(t, healthy)+"/", backend(t, healthy)
	l := fileList(t)
	l.write(naming(strings.TrimSuffix(configured, "/"), listed))
	_, page, _ := start(t, parse(t, `services: [{name: proxy, targets: [%q], %s, checks: [{use: health, schedule: "@every 200ms"}]}]`, configured, l.key), nil)
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="health",service="proxy",target=%q} 1`, listed))
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="health",service="proxy",target=%q} 1`, configured))
	want := []string{
		fmt.Sprintf(`postflight_target_info{service="proxy",target=%q,zone="a"} 1`, configured),
		fmt.Sprintf(`postflight_target_info{service="proxy",target=%q,zone="a"} 1`, listed),
	}
	if diff := cmp.Diff(want, series(scrape(t, page), "postflight_target_info")); diff != "" {
		t.Error(diff)
	}
}

// Lists that are others after a reload, and cannot be read, leave the targets as they were; also to a reload after that.
func TestTargetsStayUntilChangedListsHaveBeenRead(t *testing.T) {
	t.Parallel()
	target := backend(t, healthy)
	before, after := fileList(t), fileList(t)
	before.write(naming(target))
	f := newFile(t)
	f.write(t, `services: [{name: proxy, %s, checks: [{use: health, schedule: "@every 1h"}]}]`, before.key)
	d, page, _ := startOn(t, f, nil, nil)
	probed := fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="proxy",target=%q} 1`, target)
	await(t, page+"/metrics", probed)

	f.write(t, `services: [{name: proxy, %s, checks: [{use: health, schedule: "@every 1h"}]}]`, after.key)
	for range 2 {
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		awaitDiscovery(t, d, func(now state.Discovery) bool { return now.LastSuccess.IsZero() && now.Problem != "" })
		if metrics := scrape(t, page); !strings.Contains(metrics, probed) {
			t.Fatalf("the target, or its count, is gone:\n%s", metrics)
		}
	}
	after.write(`[]`)
	awaitDiscovery(t, d, func(now state.Discovery) bool { return !now.LastSuccess.IsZero() })
	if metrics := scrape(t, page); strings.Contains(metrics, target) {
		t.Errorf("series of a target that no list names:\n%s", metrics)
	}
}

// A service that goes and comes back is a new one: its lists are read anew, and nothing that the old one knew is left.
func TestAServiceGoesAndComesBack(t *testing.T) {
	t.Parallel()
	target := backend(t, healthy)
	l := httpList(t)
	l.write(naming(target))
	f := newFile(t)
	with := func() {
		f.write(t, `services: [{name: other, units: [a]}, {name: proxy, units: [b], %s, checks: [{use: health, schedule: "@every 1h"}]}]`, l.key)
	}
	with()
	d, page, _ := startOn(t, f, make(units), nil)
	probed := fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="proxy",target=%q} 1`, target)
	for range 3 {
		await(t, page+"/metrics", probed)
		f.write(t, `services: [{name: other, units: [a]}]`)
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		if metrics := scrape(t, page); strings.Contains(metrics, "proxy") {
			t.Fatalf("series of a service that is gone:\n%s", metrics)
		}
		with()
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
	}
}
