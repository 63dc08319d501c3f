package verdict_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postflight/internal/verdict"
	"postflight/probe"
)

// moment is one line of a timeline: an event, or what is wanted.
type moment struct {
	at   time.Duration
	want string

	result    *probe.Result
	unit      *verdict.UnitSeen
	log       *verdict.LogSeen
	abandoned verdict.Reason
}

type timeline struct {
	plan    verdict.Plan
	moments []moment
}

func parseTimeline(t *testing.T, text string) timeline {
	t.Helper()
	line := timeline{plan: verdict.Plan{Service: "app", Source: "cli", Start: start, Policy: verdict.Policy{
		SettleTimeout: 20 * time.Second, Window: 10 * time.Second, Interval: time.Second, Consecutive: 3,
	}}}
	for text := range strings.Lines(text) {
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "plan":
			setPolicy(t, &line.plan.Policy, options(words[1:]))
		case "deployment":
			line.plan.ID, line.plan.Release = "01", words[1]
		case "check":
			line.plan.Checks = append(line.plan.Checks, plannedCheck(t, words[1:]))
		case "logs":
			line.plan.Logs = true
		case "unit":
			line.plan.Units = append(line.plan.Units, words[1])
		default:
			line.add(parseMoments(t, strings.TrimSpace(text)))
		}
	}
	slices.SortStableFunc(line.moments, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order(), b.order()))
	})
	return line
}

// add takes moments. What checks and logs said before the deployment belongs to the plan.
func (line *timeline) add(moments []moment) {
	for _, m := range moments {
		switch {
		case m.result != nil && m.at < 0:
			i := slices.IndexFunc(line.plan.Checks, func(c verdict.PlannedCheck) bool { return c.Key == m.result.Key })
			line.plan.Checks[i].Before = m.result
		case m.log != nil && m.at < 0:
			line.plan.LogBefore = append(line.plan.LogBefore, m.log.Matches...)
		default:
			line.moments = append(line.moments, m)
		}
	}
}

// happen folds what happened into a verification.
func (m moment) happen(v *verdict.Verification) {
	switch {
	case m.result != nil:
		v.FoldCheck(*m.result)
	case m.unit != nil:
		v.FoldUnit(*m.unit)
	case m.log != nil:
		v.FoldLog(*m.log)
	default:
		v.Abandon(m.abandoned, start.Add(m.at))
	}
}

// order puts what is wanted at a time behind all that happens then.
func (m moment) order() int {
	if m.want == "" {
		return 0
	}
	return 1
}

func setPolicy(t *testing.T, p *verdict.Policy, given map[string]string) {
	for key, value := range given {
		switch key {
		case "settle":
			p.SettleTimeout = duration(t, value)
		case "window":
			p.Window = duration(t, value)
		case "interval":
			p.Interval = duration(t, value)
		case "consecutive":
			p.Consecutive = number(t, value)
		case "restarts":
			p.MaxRestarts = number(t, value)
		case "slowdown":
			p.MaxSlowdown = float64(number(t, value))
		default:
			t.Fatalf("unknown policy %s", key)
		}
	}
}

func plannedCheck(t *testing.T, words []string) verdict.PlannedCheck {
	c := verdict.PlannedCheck{Check: probe.Check{Key: checkKey(words[0]), Critical: true}, Timeout: 5 * time.Second}
	for key, value := range options(words[1:]) {
		switch key {
		case "minor":
			c.Critical = false
		case "min":
			c.MinInterval = duration(t, value)
		case "p95":
			c.Baseline.P95 = duration(t, value)
		case "samples":
			c.Baseline.Count = number(t, value)
		default:
			t.Fatalf("unknown option %s of a check", key)
		}
	}
	return c
}

func checkKey(name string) probe.Key {
	return probe.Key{Service: "app", Target: "http://127.0.0.1:8000", Check: name}
}

// parseMoments reads "TIME …" or "FROM..TO every STEP …". Texts follow behind bars.
func parseMoments(t *testing.T, text string) []moment {
	parts := strings.Split(text, " | ")
	words, texts := strings.Fields(parts[0]), parts[1:]
	from, to, repeated := strings.Cut(words[0], "..")
	words = words[1:]
	first, last, step := duration(t, from), duration(t, from), time.Second
	if repeated {
		last, step = duration(t, to), duration(t, words[1])
		words = words[2:]
	}
	var moments []moment
	for at := first; at <= last; at += step {
		moments = append(moments, parseMoment(t, at, words, texts))
	}
	return moments
}

func parseMoment(t *testing.T, at time.Duration, words, texts []string) moment {
	m, now := moment{at: at}, start.Add(at)
	switch {
	case words[0] == "=>":
		m.want = strings.Join(words[1:], " ")
	case words[0] == "abandon":
		m.abandoned = verdict.Reason(words[1])
	case strings.HasSuffix(words[0], ".service") && strings.HasPrefix(words[1], "log"):
		m.log = logSeen(t, now, words, texts)
	case strings.HasSuffix(words[0], ".service"):
		m.unit = unitSeen(t, now, words)
	default:
		m.result = checkResult(t, now, words, texts)
	}
	return m
}

// checkResult reads "CHECK OUTCOME [REASON] [took=…] [latency=…] [status=…] [COMPONENT:STATUS …] [| wanted | got]".
func checkResult(t *testing.T, end time.Time, words, texts []string) *probe.Result {
	r := &probe.Result{Key: checkKey(words[0]), Start: end, Outcome: outcome(t, words[1])}
	for _, w := range words[2:] {
		key, value, given := strings.Cut(w, "=")
		component, state, composed := strings.Cut(w, ":")
		switch {
		case composed:
			r.Values = append(r.Values, probe.Value{Metric: "health_component_status", Label: component, State: state})
		case !given:
			r.Reason = probe.Reason(w)
		case key == "took":
			r.Duration = duration(t, value)
			r.Start = end.Add(-r.Duration)
		case key == "latency":
			r.Latencies = []time.Duration{duration(t, value)}
		case key == "status":
			r.Status = number(t, value)
		default:
			t.Fatalf("unknown option %s of a result", key)
		}
	}
	switch {
	case len(texts) == 2:
		r.Wanted, r.Got = texts[0], texts[1]
	case r.Outcome != probe.Pass:
		r.Wanted, r.Got = "what is right", "what is wrong"
	}
	return r
}

func outcome(t *testing.T, word string) probe.Outcome {
	for _, o := range probe.Outcomes {
		if o.String() == word {
			return o
		}
	}
	t.Fatalf("unknown outcome %s", word)
	return probe.Error
}

func options(words []string) map[string]string {
	given := map[string]string{}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		given[key] = value
	}
	return given
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(fmt.Errorf("%s is no number: %w", text, err))
	}
	return n
}
