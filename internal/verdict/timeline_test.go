package verdict_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"postflight/internal/verdict"
	"postflight/probe"
)

// start is when all verifications of the tests begin.
var start = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func TestTimelines(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/timelines.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files {
		t.Run(file.Name, func(t *testing.T) {
			line := parseTimeline(t, string(file.Data))
			v, err := verdict.New(line.plan)
			if err != nil {
				t.Fatal(err)
			}
			wants := 0
			for _, m := range line.moments {
				if m.want == "" {
					m.happen(v)
					continue
				}
				wants++
				if got := brief(v.At(start.Add(m.at))); got != m.want {
					t.Errorf("at %v: %s, want %s", m.at, got, m.want)
				}
			}
			if wants == 0 {
				t.Error("nothing is wanted")
			}
		})
	}
}

// brief is a document's gist: state, reason, and causes with what they explain. What was there before stands behind "before:",
// and warnings behind "warning:".
func brief(d verdict.Document) string {
	words := []string{string(d.State)}
	if d.Reason != "" {
		words = append(words, string(d.Reason))
	}
	group := ""
	for _, c := range d.Causes {
		before := group
		switch {
		case c.Severity == verdict.SeverityWarning:
			group = "warning:"
		case c.Preexisting:
			group = "before:"
		}
		if group != before {
			words = append(words, group)
		}
		word := string(c.Cause)
		if len(c.Explains) > 0 {
			var under []string
			for _, e := range c.Explains {
				under = append(under, string(e.Cause))
			}
			word += "(" + strings.Join(under, " ") + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// moment is one line of a timeline: an event, or what is wanted.
type moment struct {
	at     time.Duration
	want   string
	happen func(*verdict.Verification)
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
		case "check":
			line.plan.Checks = append(line.plan.Checks, plannedCheck(t, words[1:]))
		case "logs":
			line.plan.Logs = true
		case "unit":
			line.plan.Units = append(line.plan.Units, words[1])
		default:
			line.moments = append(line.moments, parseMoments(t, words)...)
		}
	}
	slices.SortStableFunc(line.moments, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order(), b.order()))
	})
	return line
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
		default:
			t.Fatalf("unknown policy %s", key)
		}
	}
}

func plannedCheck(t *testing.T, words []string) verdict.PlannedCheck {
	c := verdict.PlannedCheck{Check: probe.Check{Key: checkKey(words[0]), Critical: true}, Timeout: 5 * time.Second}
	for _, w := range words[1:] {
		if w == "minor" {
			c.Critical = false
		} else {
			c.MinInterval = duration(t, options([]string{w})["min"])
		}
	}
	return c
}

func checkKey(name string) probe.Key {
	return probe.Key{Service: "app", Target: "http://127.0.0.1:8000", Check: name}
}

// parseMoments reads "TIME …" or "FROM..TO every STEP …".
func parseMoments(t *testing.T, words []string) []moment {
	from, to, repeated := strings.Cut(words[0], "..")
	words = words[1:]
	first, last, step := duration(t, from), duration(t, from), time.Second
	if repeated {
		last, step = duration(t, to), duration(t, words[1])
		words = words[2:]
	}
	var moments []moment
	for at := first; at <= last; at += step {
		moments = append(moments, parseMoment(t, at, words))
	}
	return moments
}

func parseMoment(t *testing.T, at time.Duration, words []string) moment {
	now := start.Add(at)
	switch {
	case words[0] == "=>":
		return moment{at: at, want: strings.Join(words[1:], " ")}
	case words[0] == "interrupt":
		return moment{at: at, happen: func(v *verdict.Verification) { v.Interrupt(now) }}
	case strings.HasSuffix(words[0], ".service") && strings.HasPrefix(words[1], "log"):
		seen := logSeen(t, now, words)
		return moment{at: at, happen: func(v *verdict.Verification) { v.FoldLog(seen) }}
	case strings.HasSuffix(words[0], ".service"):
		seen := unitSeen(t, now, words)
		return moment{at: at, happen: func(v *verdict.Verification) { v.FoldUnit(seen) }}
	default:
		result := checkResult(t, now, words)
		return moment{at: at, happen: func(v *verdict.Verification) { v.FoldCheck(result) }}
	}
}

func checkResult(t *testing.T, end time.Time, words []string) probe.Result {
	r := probe.Result{Key: checkKey(words[0]), Start: end, Outcome: outcome(t, words[1])}
	for _, w := range words[2:] {
		if took, ok := strings.CutPrefix(w, "took="); ok {
			r.Duration = duration(t, took)
			r.Start = end.Add(-r.Duration)
		} else {
			r.Reason = probe.Reason(w)
		}
	}
	if r.Outcome != probe.Pass {
		r.Wanted, r.Got = "what is right", "what is wrong"
	}
	return r
}

func unitSeen(t *testing.T, now time.Time, words []string) verdict.UnitSeen {
	seen := verdict.UnitSeen{Unit: words[0], Time: now}
	if words[1] == "unobservable" {
		seen.Why = strings.Join(words[2:], " ")
		return seen
	}
	u := &probe.Unit{LoadState: "loaded", Result: "success"}
	u.ActiveState, u.SubState, _ = strings.Cut(words[1], "/")
	for key, value := range options(words[2:]) {
		switch key {
		case "total":
			seen.Restarts = uint64(number(t, value))
		case "byhand":
			seen.ManualStarts = uint64(number(t, value))
		case "n":
			u.NRestarts = uint32(number(t, value))
		case "load":
			u.LoadState = value
		case "known":
			seen.Known = value == "before"
		case "since":
			u.ActiveEnter = start.Add(duration(t, value))
		case "exit":
			u.Result, u.ExecMainCode, u.ExecMainStatus = "exit-code", 1, int32(number(t, value))
		default:
			t.Fatalf("unknown option %s of a unit", key)
		}
	}
	seen.Reading = u
	return seen
}

// logSeen reads "UNIT log-unreadable" or "UNIT log PATTERN [severity=…] [module=…] [written=TIME]"; of what is not given the
// severity is error, and it is written when it is read.
func logSeen(t *testing.T, now time.Time, words []string) verdict.LogSeen {
	seen := verdict.LogSeen{Unit: words[0], Time: now, Observable: words[1] == "log"}
	if !seen.Observable || len(words) == 2 {
		return seen
	}
	m := probe.Match{Pattern: words[2], Severity: probe.SeverityError, Time: now, Text: "what was written"}
	for key, value := range options(words[3:]) {
		switch key {
		case "severity":
			m.Severity = probe.Severity(value)
		case "module":
			m.Module = value
		case "written":
			m.Time = start.Add(duration(t, value))
		default:
			t.Fatalf("unknown option %s of a log", key)
		}
	}
	seen.Matches = []probe.Match{m}
	return seen
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
