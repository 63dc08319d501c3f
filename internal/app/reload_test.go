package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/probe"
)

// file is a configuration file that a test writes anew.
type file string

func newFile(t testing.TB) file {
	t.Helper()
	return file(filepath.Join(t.TempDir(), "postflight.yml"))
}

func (f file) write(t testing.TB, format string, args ...any) {
	t.Helper()
	next := string(f) + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, string(f)); err != nil {
		t.Fatal(err)
	}
}

func (f file) load() (*config.Config, error) { return config.Load(string(f)) }

// startOn runs a daemon on a configuration file.
func startOn(t testing.TB, f file, w probe.Watcher, hangup chan os.Signal) (d *Daemon, url string, stop func() error) {
	t.Helper()
	c, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, ServeOptions{
		Config: c, Load: f.load, Hangup: hangup, Log: zap.NewNop(), ListenAddresses: []string{"127.0.0.1:0"}, Watcher: w,
	})
}

// scrape reads the metrics without those of Go and of the process.
func scrape(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "postflight_") {
			ours = append(ours, line)
		}
	}
	return strings.Join(ours, "")
}

func TestReload(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1000)
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		healthy(w, r)
	})
	f := newFile(t)
	f.write(t, `
services:
  - name: proxy
    targets: [%q]
    checks: [{use: health, schedule: "@every 1h"}, {name: page, path: /health, schedule: "@every 1h"}]
`, url)
	d, page, _ := startOn(t, f, nil, nil)
	await(t, page+"/-/ready", "is ready")

	t.Run("what is new begins, what is gone is gone, what stays keeps its count", func(t *testing.T) {
		f.write(t, `
services:
  - name: proxy
    targets: [%q]
    checks: [{use: health, schedule: "@every 1h"}, {name: other, path: /health, schedule: "@every 1h"}]
`, url)
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		if metrics := scrape(t, page); strings.Contains(metrics, `check="page"`) {
			t.Errorf("series of a check that is gone:\n%s", metrics)
		}
		await(t, page+"/metrics", `postflight_probe_success{check="other"`)
		await(t, page+"/metrics", fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="proxy",target=%q} 1`, url))
		await(t, page+"/metrics", "postflight_config_last_reload_successful 1")
	})

	t.Run("a broken file changes nothing, and is told", func(t *testing.T) {
		before := d.Store().Snapshot(time.Now())
		f.write(t, "services:\n  - name: proxy\n    target: [%q]\n", url)
		err := d.Reload()
		want := string(f) + `:3:5: services[0].target: unknown key; did you mean targets?`
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want %s", err, want)
		}
		after := d.Store().Snapshot(time.Now())
		if len(after.Services) != 1 || !slices.Equal(after.Services[0].Checks, before.Services[0].Checks) {
			t.Errorf("the services changed: %+v", after.Services)
		}
		if after.Reload.Successful || !strings.Contains(after.Reload.Problem, "did you mean targets?") {
			t.Errorf("the snapshot says of the reload: %+v", after.Reload)
		}
		await(t, page+"/metrics", "postflight_config_last_reload_successful 0")
	})

	t.Run("what cannot change is refused whole", func(t *testing.T) {
		f.write(t, "native_histograms: true\nservices: [{name: other, targets: [%q]}]\n", url)
		if err := d.Reload(); err == nil || !strings.Contains(err.Error(), "native_histograms cannot be changed") {
			t.Errorf("got %v", err)
		}
		if name := d.Store().Snapshot(time.Now()).Services[0].Name; name != "proxy" {
			t.Errorf("the services changed: %s", name)
		}
	})
}

func TestAChangedFileIsTakenUpByItself(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, "services: [{name: before, units: [a]}]")
	_, page, _ := startOn(t, f, make(units), nil)
	await(t, page+"/metrics", `service="before"`)
	f.write(t, "services: [{name: after, units: [a]}]")
	await(t, page+"/metrics", `service="after"`)
}

func TestHangUpReloads(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	f.write(t, "services: [{name: before, units: [a]}]")
	hangup := make(chan os.Signal)
	d, _, _ := startOn(t, f, make(units), hangup)
	f.write(t, "services: [{name: after, units: [a]}]")
	hangup <- syscall.SIGHUP
	hangup <- syscall.SIGHUP // taken once the first reload is over
	if name := d.Store().Snapshot(time.Now()).Services[0].Name; name != "after" {
		t.Errorf("service %s after the reload", name)
	}
}

func TestARunningProbeOfARemovedCheckEndsQuietly(t *testing.T) {
	t.Parallel()
	asked, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	})
	f := newFile(t)
	f.write(t, `services: [{name: proxy, targets: [%q], checks: [{use: health, timeout: 5m}]}]`, url)
	d, page, _ := startOn(t, f, nil, nil)
	<-asked
	f.write(t, `services: [{name: proxy, targets: [%q], checks: [{use: queue-status}]}]`, url)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	<-ended
	await(t, page+"/metrics", `postflight_probe_success{check="queue-status"`)
	if metrics := scrape(t, page); strings.Contains(metrics, `check="health"`) {
		t.Errorf("series of a check that is gone:\n%s", metrics)
	}
}

// A check that is another one under the same name keeps its counts, and gets no result of what it was.
func TestAChangedCheckKeepsItsHistory(t *testing.T) {
	t.Parallel()
	asked, hanging := make(chan struct{}, 100), make(chan struct{})
	close(hanging)
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-hanging: // the first one only
			hanging = nil
			healthy(w, r)
		default:
			asked <- struct{}{}
			<-r.Context().Done()
		}
	})
	f := newFile(t)
	f.write(t, `services: [{name: proxy, targets: [%q], checks: [{use: health, schedule: "@every 100ms", timeout: 5m}]}]`, url)
	d, page, _ := startOn(t, f, nil, nil)
	<-asked // the second probe hangs
	f.write(t, `services: [{name: proxy, targets: [%q], checks: [{name: health, path: /closed, schedule: "@every 100ms"}]}]`, url)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_failure_info{check="health",reason="status",service="proxy",target=%q} 1`, url))
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probes_total{check="health",outcome="pass",service="proxy",target=%q} 1`, url))
}

// A hundred reloads in ten seconds, while two hundred checks run, half of them replaced each time.
func TestReloadStorm(t *testing.T) {
	t.Parallel()
	const checks, reloads = 100, 100
	var mu sync.Mutex
	inFlight, counted := map[string]int{}, map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if inFlight[r.URL.Path]++; inFlight[r.URL.Path] > 1 {
			t.Errorf("%s is asked twice at once", r.URL.Path)
		}
		counted[r.URL.Path]++
		mu.Unlock()
		fmt.Fprint(w, `{}`)
		mu.Lock()
		inFlight[r.URL.Path]--
		mu.Unlock()
	}))
	defer server.Close()
	configuration := func(round int) string {
		var c strings.Builder
		fmt.Fprintf(&c, "services:\n  - name: storm\n    targets: [%q]\n    checks:\n", server.URL)
		for i := range checks {
			fmt.Fprintf(&c, "      - {name: kept-%d, path: /kept-%[1]d, schedule: \"@every 1s\"}\n", i)
			fmt.Fprintf(&c, "      - {name: changing-%d-%d, path: /changing-%[1]d-%d, schedule: \"@every 1s\"}\n", i, round)
		}
		return c.String()
	}
	f := newFile(t)
	f.write(t, "%s", configuration(0))
	began := time.Now()
	d, page, stop := startOn(t, f, nil, nil)
	await(t, page+"/-/ready", "is ready")
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for round := 1; round <= reloads; round++ {
		<-pace.C
		f.write(t, "%s", configuration(round))
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	metrics := scrape(t, page)
	lasted := time.Since(began)
	if err := stop(); err != nil {
		t.Error(err)
	}

	for _, series := range regexp.MustCompile(`check="changing-\d+-(\d+)"`).FindAllStringSubmatch(metrics, -1) {
		if series[1] != fmt.Sprint(reloads) {
			t.Fatalf("a series of round %s is left", series[1])
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range checks {
		path := fmt.Sprintf("/kept-%d", i)
		// One at the start, then one a second.
		if n, seconds := counted[path], int(lasted.Seconds()); n < seconds-1 || n > seconds+3 {
			t.Errorf("%s was asked %d times in %v", path, n, lasted)
		}
		told := regexp.MustCompile(fmt.Sprintf(`postflight_probes_total\{check="kept-%d",outcome="pass".*\} (\d+)`, i)).FindStringSubmatch(metrics)
		if told == nil || told[1] != fmt.Sprint(counted[path]) && told[1] != fmt.Sprint(counted[path]-1) {
			t.Errorf("%s was asked %d times, and counted: %v", path, counted[path], told)
		}
	}
}
