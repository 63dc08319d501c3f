package grafana

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

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
	for _, d := range []deployment{
		{release: "1.1.0", fault: demo.Mended, verdict: "passed", rollback: "none"},
		{release: "1.2.0", fault: demo.Crash, verdict: "failed", rollback: "succeeded"},
		{release: "1.3.0", fault: demo.RedisDown, verdict: "passed", rollback: "none"},
		{release: "1.4.0", fault: demo.AuthBypassed, stays: true, verdict: "failed", rollback: "none"},
	} {
		s.deploy(d)
	}
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
