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
	"slices"

	"github.com/prometheus/common/model"
)

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
    static_configs:
      - targets: [%[2]q]
      - {targets: [%[2]q], labels: {instance: another}}
`, scraping, s.metrics))
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

// ask asks for what there is now, or over time.
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
