package grafana

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// question is one query of a dashboard, as it stands there.
type question struct {
	where  string // dashboard, panel and query
	panel  panel  // the zero panel, of an annotation
	expr   string
	legend string
	once   bool // asked for one moment; else over time
}

// questions are those of the panels and annotations.
func questions(t *testing.T) []question {
	t.Helper()
	var all []question
	for file, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				all = append(all, question{fmt.Sprintf("%s, %s, %s", file, p.Title, q.RefID), p, q.Expr, q.LegendFormat, q.Instant})
			}
		}
		for _, a := range d.Annotations.List[1:] {
			all = append(all, question{where: fmt.Sprintf("%s, annotation %s", file, a.Name), expr: a.Expr, legend: a.TitleFormat + a.TextFormat})
		}
	}
	slices.SortFunc(all, func(a, b question) int { return strings.Compare(a.where, b.where) })
	return all
}

// filledIn puts values in place of Grafana's variables, as Grafana does before it asks.
func filledIn(expr, interval, span, seconds string) string {
	return strings.NewReplacer("$__rate_interval", interval, "$__range_s", seconds, "$__range", span,
		"$service", scenarioService, "$instance", ".*").Replace(expr)
}

func parsed(t *testing.T, expr string) parser.Expr {
	t.Helper()
	text := filledIn(expr, "1m", "1h", "3600")
	if strings.Contains(text, "$") {
		t.Fatalf("there is no such variable: %s", text)
	}
	e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return e
}

// selector is a metric that an expression asks for, and what is done with it, from the outside in.
type selector struct {
	*parser.VectorSelector
	path []parser.Node
}

func selectorsOf(e parser.Expr) []selector {
	var all []selector
	parser.Inspect(e, func(node parser.Node, path []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			all = append(all, selector{s, slices.Clone(path)})
		}
		return nil
	})
	return all
}

func (s selector) aggregations() []*parser.AggregateExpr {
	var all []*parser.AggregateExpr
	for _, node := range s.path {
		if a, ok := node.(*parser.AggregateExpr); ok {
			all = append(all, a)
		}
	}
	return all
}

// metric is a line of docs/metrics.md.
type metric struct {
	kind   string
	labels map[string]bool
}

var documentedLine = regexp.MustCompile("(?m)^\\| `(postflight_[a-z0-9_]+)` \\| ([a-z ]+) \\| ([a-z, ]*)\\|")

// documented are the series of docs/metrics.md by their names, and those of the process that the dashboards show. A histogram
// has three.
func documented(t *testing.T) map[string]metric {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]metric{"process_cpu_seconds_total": {kind: "counter"}, "process_resident_memory_bytes": {kind: "gauge"}}
	for _, line := range documentedLine.FindAllStringSubmatch(string(text), -1) {
		m := metric{kind: line[2], labels: map[string]bool{}}
		for label := range strings.SplitSeq(strings.TrimSpace(line[3]), ", ") {
			m.labels[label] = label != ""
		}
		if m.kind != "histogram" {
			all[line[1]] = m
			continue
		}
		counter := metric{"counter", m.labels}
		all[line[1]+"_count"], all[line[1]+"_sum"] = counter, counter
		counter.labels = maps.Clone(m.labels)
		counter.labels["le"] = true
		all[line[1]+"_bucket"] = counter
	}
	if len(all) < 70 {
		t.Fatalf("docs/metrics.md has only %d series", len(all))
	}
	return all
}

func TestTheQueriesAskForWhatThereIs(t *testing.T) {
	known := documented(t)
	for _, q := range questions(t) {
		t.Run(q.where, func(t *testing.T) {
			for _, s := range selectorsOf(parsed(t, q.expr)) {
				m, there := known[s.Name]
				if !there {
					t.Errorf("docs/metrics.md has no series %s", s.Name)
					continue
				}
				for _, matcher := range s.LabelMatchers {
					isLabelOf(t, s.Name, m, matcher.Name)
				}
				for _, a := range s.aggregations() {
					for _, label := range a.Grouping {
						isLabelOf(t, s.Name, m, label)
					}
				}
			}
		})
	}
}

func isLabelOf(t *testing.T, name string, m metric, label string) {
	t.Helper()
	if !m.labels[label] && label != model.MetricNameLabel && label != "instance" && label != "job" {
		t.Errorf("%s has no label %s", name, label)
	}
}

// Several postflights may look at the same service. What they see is one thing: the first that happens to their series is
// that the greatest or the least is taken, over all of them. What is of each postflight itself stays apart.
func TestSeveralPostflightsDoNotDoubleAnything(t *testing.T) {
	known := documented(t)
	for _, q := range questions(t) {
		t.Run(q.where, func(t *testing.T) {
			for _, s := range selectorsOf(parsed(t, q.expr)) {
				aggregations := s.aggregations()
				if !known[s.Name].labels["service"] {
					for _, a := range aggregations {
						if !isExtreme(a) && dropsPostflights(a) {
							t.Errorf("%s is mixed by %s", s.Name, a.Op)
						}
					}
					continue
				}
				if len(aggregations) == 0 {
					t.Errorf("%s is there once for each postflight", s.Name)
				} else if first := aggregations[len(aggregations)-1]; !isExtreme(first) || !dropsPostflights(first) {
					t.Errorf("of %s the postflights' series are not made one by max or min, but by %s", s.Name, first.Op)
				}
			}
		})
	}
}

func isExtreme(a *parser.AggregateExpr) bool { return a.Op == parser.MAX || a.Op == parser.MIN }

func dropsPostflights(a *parser.AggregateExpr) bool {
	return slices.Contains(a.Grouping, "instance") == a.Without && slices.Contains(a.Grouping, "job") == a.Without
}

// The targets of a service share one queue.
func TestTheQueueIsNeverSummedUp(t *testing.T) {
	for _, q := range questions(t) {
		for _, s := range selectorsOf(parsed(t, q.expr)) {
			if !strings.HasPrefix(s.Name, "postflight_queue_") {
				continue
			}
			for _, a := range s.aggregations() {
				if a.Op != parser.MAX || slices.Contains(a.Grouping, "target") {
					t.Errorf("%s: %s by %s(%s)", q.where, s.Name, a.Op, strings.Join(a.Grouping, ", "))
				}
			}
		}
	}
}

// A counter says something by its growth: over the time between two points of a graph, or over all that is shown.
func TestCountersAreShownByTheirGrowth(t *testing.T) {
	known := documented(t)
	for _, q := range questions(t) {
		for _, s := range selectorsOf(parsed(t, q.expr)) {
			if known[s.Name].kind != "counter" || q.panel.Type == "table" {
				continue
			}
			grows := slices.ContainsFunc(s.path, func(n parser.Node) bool {
				call, ok := n.(*parser.Call)
				return ok && (call.Func.Name == "rate" || call.Func.Name == "increase")
			})
			if !grows {
				t.Errorf("%s shows %s as it is", q.where, s.Name)
			}
		}
		over := "[$__rate_interval]"
		if q.once {
			over = "[$__range]"
		}
		for _, window := range regexp.MustCompile(`\[.*?\]`).FindAllString(q.expr, -1) {
			if window != over {
				t.Errorf("%s looks over %s, want %s", q.where, window, over)
			}
		}
	}
}

// All of docs/metrics.md is shown but what the configuration names: postflight_value_… and postflight_log_value_… of one's own.
func TestEveryMetricIsShown(t *testing.T) {
	shown := map[string]bool{}
	for _, q := range questions(t) {
		for _, s := range selectorsOf(parsed(t, q.expr)) {
			shown[withoutSuffix(s.Name)] = true
		}
	}
	for name := range documented(t) {
		if !shown[withoutSuffix(name)] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// withoutSuffix is a histogram's own name, of its series.
func withoutSuffix(name string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if before, is := strings.CutSuffix(name, suffix); is && strings.HasSuffix(before, "_seconds") {
			return before
		}
	}
	return name
}

// The variables offer what some metric has.
func TestTheVariablesOfferWhatThereIs(t *testing.T) {
	offer := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	known := documented(t)
	for file, d := range dashboards(t) {
		for _, v := range d.Templating.List[1:] {
			asked := offer.FindStringSubmatch(queryOf(t, v))
			if asked == nil {
				t.Errorf("%s: %s is no list of a label's values", file, v.Query)
				continue
			}
			m, there := known[asked[1]]
			if !there {
				t.Errorf("%s: docs/metrics.md has no series %s", file, asked[1])
			}
			isLabelOf(t, asked[1], m, asked[2])
		}
	}
}
