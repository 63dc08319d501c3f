package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"postflight/internal/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scraping is how often Prometheus scrapes. Grafana makes of it a rate interval of four times that.
const (
	scraping     = "1s"
	rateInterval = "4s"
	shown        = 5 * time.Minute
)

// A crash, a release that passes, one that lacks a module and is rolled back, one without its cache, and one that lets in
// forged tokens and stays: at the end there is something to see in each panel.
func TestEveryQueryShowsSomethingOfARealDeployment(t *testing.T) {
	s := newScenario(t)
	p := s.startPrometheus()
	p.eventuallyShows(`count(postflight_probe_baseline_duration_seconds) > 0`)

	s.host.Exec("systemctl", "kill", "--signal=KILL", scenarioService)
	p.eventuallyShows(`min(postflight_unit_restarts_total) >= 1`)
	s.deploy("1.1.0", demo.Mended, true, "passed", "none")
	s.deploy("1.2.0", demo.Crash, true, "failed", "succeeded")
	s.deploy("1.3.0", demo.RedisDown, true, "passed", "none")
	s.deploy("1.4.0", demo.AuthBypassed, false, "failed", "none")
	p.eventuallyShows(`min(postflight_deployment_info{release="1.4.0"}) and on () min(postflight_verification_state{state="failed"}) == 1`)

	unaccounted := s.unaccounted()
	for _, q := range questions(t) {
		t.Run(q.where, func(t *testing.T) {
			asked, found := p.answer(t, q)
			absent := slices.ContainsFunc(selectorsOf(parsed(t, q.expr)), func(s selector) bool { return unaccounted[s.Name] })
			if shows := slices.ContainsFunc(found, series.hasNumber); shows == absent {
				t.Errorf("it shows something: %t, want %t; there are %d series:\n%s", shows, !absent, len(found), asked)
			}
			namesItsSeries(t, q, found)
			for _, selected := range selectorsOf(parsed(t, q.expr)) {
				p.hasSeen(t, selected, unaccounted)
			}
		})
	}
}

// hasSeen holds each selector by itself to having selected something: in a query of several a misspelt one would not show.
func (p *server) hasSeen(t *testing.T, s selector, unaccounted map[string]bool) {
	t.Helper()
	query := fmt.Sprintf("last_over_time(%s[%s])", s, shown)
	if found, err := p.ask("/api/v1/query", url.Values{"query": {query}}); err != nil || len(found) == 0 != unaccounted[s.Name] {
		t.Errorf("%s: %d series, %v", s, len(found), err)
	}
}

// unaccounted are the metrics that systemd has no figures for, on a machine that keeps cgroup v1 for accounting.
func (s *scenario) unaccounted() map[string]bool {
	s.t.Helper()
	unaccounted := map[string]bool{}
	for metric, property := range map[string]string{"postflight_unit_memory_bytes": "MemoryCurrent", "postflight_unit_tasks": "TasksCurrent"} {
		unaccounted[metric] = s.host.Exec("systemctl", "show", "-P", property, scenarioService) == "[not set]"
	}
	return unaccounted
}

// server is a real Prometheus.
type server struct {
	*scenario
	url    string
	client *http.Client
}

// startPrometheus starts one that scrapes postflight each second, as two instances of it.
func (s *scenario) startPrometheus() *server {
	s.t.Helper()
	address := freeAddress(s.t)
	s.write("prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: %s}
scrape_configs:
  - job_name: postflight
    honor_labels: true
    static_configs: [{targets: [%q, %q]}]
`, scraping, s.metrics, strings.Replace(s.metrics, "127.0.0.1", "localhost", 1)))
	cmd := exec.Command("prometheus", "--config.file="+s.path("prometheus.yml"), "--storage.tsdb.path="+s.path("tsdb"), "--web.listen-address="+address, "--log.level=warn")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
		if s.t.Failed() {
			s.t.Logf("prometheus:\n%s", &log)
		}
	})
	return &server{s, "http://" + address, &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// eventuallyShows waits until a condition holds of what has been scraped.
func (p *server) eventuallyShows(condition string) {
	p.t.Helper()
	p.eventually(condition, func() error {
		found, err := p.ask("/api/v1/query", url.Values{"query": {condition}})
		if err == nil && len(found) == 0 {
			err = errors.New("not so")
		}
		return err
	})
}

// answer asks what a panel asks, as Grafana does.
func (p *server) answer(t *testing.T, q question) (asked string, found []series) {
	t.Helper()
	now := time.Now()
	asked = filledIn(q.expr, rateInterval, shown.String(), fmt.Sprint(shown.Seconds()))
	path, parameters := "/api/v1/query", url.Values{"query": {asked}}
	if !q.once {
		path += "_range"
		parameters["start"], parameters["end"], parameters["step"] = at(now.Add(-shown)), at(now), []string{scraping}
	}
	found, err := p.ask(path, parameters)
	if err != nil {
		t.Fatalf("%v\n%s", err, asked)
	}
	return asked, found
}

// namesItsSeries finds labels in a legend that the answer has not.
func namesItsSeries(t *testing.T, q question, found []series) {
	t.Helper()
	for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.legend, -1) {
		for _, s := range found {
			if s.Metric[label[1]] == "" {
				t.Errorf("the legend shows %s, which %v has not", label[1], s.Metric)
			}
		}
	}
}

func at(t time.Time) []string { return []string{t.UTC().Format(time.RFC3339Nano)} }

// series is what Prometheus answers with: values over time, or one of them.
type series struct {
	Metric map[string]string
	Values []model.SamplePair
	Value  model.SamplePair
}

// hasNumber is what a panel needs to show something.
func (s series) hasNumber() bool {
	return slices.ContainsFunc(append(s.Values, s.Value), func(p model.SamplePair) bool {
		return p.Timestamp != 0 && !math.IsNaN(float64(p.Value)) && !math.IsInf(float64(p.Value), 0)
	})
}

func (p *server) ask(path string, parameters url.Values) ([]series, error) {
	answer, err := p.client.Get(p.url + path + "?" + parameters.Encode())
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var told struct {
		Error string
		Data  struct{ Result []series }
	}
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		return nil, err
	}
	if told.Error != "" {
		return nil, fmt.Errorf("%s: %s", answer.Status, told.Error)
	}
	return told.Data.Result, nil
}
