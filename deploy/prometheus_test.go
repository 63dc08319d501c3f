package deploy

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"postflight/internal/testhost"
)

// rule is one of a rule file: it records, or it alerts.
type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func TestPrometheusTakesTheConfiguration(t *testing.T) {
	accepts(t, "promtool", "check", "config", "prometheus/prometheus.yml")
}

// Prometheus would otherwise rename our `service` wherever a scrape sets one of its own.
func TestEveryScrapeHonoursOurLabels(t *testing.T) {
	var shipped struct {
		ScrapeConfigs []struct {
			JobName     string `yaml:"job_name"`
			HonorLabels bool   `yaml:"honor_labels"`
		} `yaml:"scrape_configs"`
	}
	decode(t, "prometheus/prometheus.yml", &shipped)
	if len(shipped.ScrapeConfigs) == 0 {
		t.Error("nothing is scraped")
	}
	for _, c := range shipped.ScrapeConfigs {
		if !c.HonorLabels {
			t.Errorf("%s has no honor_labels", c.JobName)
		}
	}
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	for _, file := range alertTests(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			accepts(t, "promtool", "test", "rules", file)
		})
	}
}

// An alert that no test has seen fire may never do so; one that no test has seen quiet may always.
func TestEachAlertHasATestInWhichItFiresAndOneInWhichItDoesNot(t *testing.T) {
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, file := range alertTests(t) {
		var tests struct {
			Tests []struct {
				AlertRuleTest []struct {
					Alertname string
					ExpAlerts []struct {
						ExpLabels map[string]string `yaml:"exp_labels"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		decode(t, file, &tests)
		for _, test := range tests.Tests {
			for _, wanted := range test.AlertRuleTest {
				quiet[wanted.Alertname] = quiet[wanted.Alertname] || len(wanted.ExpAlerts) == 0
				for _, alert := range wanted.ExpAlerts {
					fires[variant(wanted.Alertname, alert.ExpLabels)] = true
				}
			}
		}
	}
	for _, alert := range alerts(t) {
		if !quiet[alert.Alert] {
			t.Errorf("%s: no test in which it does not fire", alert.Alert)
		}
		if v := variant(alert.Alert, alert.Labels); !fires[v] {
			t.Errorf("%s: no test in which it fires", v)
		}
	}
}

// variant tells rules apart that share a name.
func variant(alert string, labels map[string]string) string {
	return fmt.Sprintf("%s %s %s", alert, labels["severity"], labels["window"])
}

func TestEachAlertSaysWhatIsWrong(t *testing.T) {
	for _, alert := range alerts(t) {
		if !slices.Contains([]string{"critical", "warning", "info", "none"}, alert.Labels["severity"]) {
			t.Errorf("%s has the severity %q", alert.Alert, alert.Labels["severity"])
		}
		if alert.Annotations["summary"] == "" {
			t.Errorf("%s has no summary", alert.Alert)
		}
		if !strings.Contains(alert.Annotations["description"], "{{ ") && alert.Alert != "PostflightReloadFailed" {
			t.Errorf("%s has no description with values", alert.Alert)
		}
		const base = "https://runbooks.example.org/postflight/" // what an operator puts another place for, as deploy/README.md says
		if want := base + "runbooks.md#" + strings.ToLower(alert.Alert); alert.Annotations["runbook_url"] != want {
			t.Errorf("%s has the runbook_url %q, want %q", alert.Alert, alert.Annotations["runbook_url"], want)
		}
	}
}

// A metric or a label that is misspelt matches nothing, without a word. What descriptions ask for is looked at as well.
func TestExpressionsUseMetricsAndLabelsThatExist(t *testing.T) {
	known := documentedMetrics(t)
	known["up"] = []string{}
	for _, r := range rules(t) {
		if r.Record != "" {
			known[r.Record] = labelsOf(t, r.Expr, known)
		}
	}
	asked := regexp.MustCompile("printf `([^`]+)`")
	for _, r := range rules(t) {
		expressions := []string{r.Expr}
		for _, m := range asked.FindAllStringSubmatch(r.Annotations["description"], -1) {
			expressions = append(expressions, strings.ReplaceAll(m[1], "%q", `"x"`))
		}
		for _, expression := range expressions {
			for _, selector := range selectors(t, expression) {
				labels, there := known[selector.Name]
				if !there {
					t.Errorf("%s%s: there is no %s", r.Alert, r.Record, selector.Name)
				}
				labels = append([]string{"__name__", "job", "instance"}, labels...)
				for _, m := range selector.LabelMatchers {
					if !slices.Contains(labels, m.Name) {
						t.Errorf("%s%s: %s has no label %s", r.Alert, r.Record, selector.Name, m.Name)
					}
				}
			}
		}
	}
}

// documentedMetrics are those of docs/metrics.md, which a test there holds to the code, with their labels.
func documentedMetrics(t *testing.T) map[string][]string {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| `(\\S+)` \\| ([a-z ]+) \\| ([a-z, ]*?) ?\\|")
	metrics := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(read(t, "../docs/metrics.md"), -1) {
		name, kind, labels := m[1], m[2], strings.Split(m[3], ", ")
		metrics[name] = labels
		if kind == "histogram" {
			metrics[name+"_bucket"] = append(slices.Clone(labels), "le")
			metrics[name+"_count"], metrics[name+"_sum"] = labels, labels
		}
	}
	if len(metrics) < 60 {
		t.Fatalf("only %d metrics found in docs/metrics.md", len(metrics))
	}
	return metrics
}

// labelsOf are all labels that the result of a recording rule may have.
func labelsOf(t *testing.T, expression string, known map[string][]string) []string {
	t.Helper()
	var labels []string
	for _, selector := range selectors(t, expression) {
		labels = append(labels, known[selector.Name]...)
	}
	return labels
}

func selectors(t *testing.T, expression string) []*parser.VectorSelector {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	var found []*parser.VectorSelector
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if selector, is := node.(*parser.VectorSelector); is {
			found = append(found, selector)
		}
		return nil
	})
	return found
}

func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, file := range []string{"prometheus/postflight.rules.yml", "prometheus/postflight.alerts.yml"} {
		var shipped struct{ Groups []struct{ Rules []rule } }
		decode(t, file, &shipped)
		for _, group := range shipped.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

func alerts(t *testing.T) []rule {
	t.Helper()
	found := slices.DeleteFunc(rules(t), func(r rule) bool { return r.Alert == "" })
	if len(found) == 0 {
		t.Fatal("there are no alerts")
	}
	return found
}

func alertTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/alerts/*.test.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("tests of the alerts: %v, %v", files, err)
	}
	return files
}

func decode(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func accepts(t *testing.T, command string, args ...string) {
	t.Helper()
	testhost.RequireTools(t, command)
	if out, err := exec.Command(command, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", command, strings.Join(args, " "), err, out)
	}
}
