package verdict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"postflight/internal/verdict"
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
