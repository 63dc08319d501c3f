package verdict_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"postflight/internal/verdict"
)

// suite is a report as CI systems read it.
type suite struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
	Cases    []struct {
		Name    string `xml:"name,attr"`
		Failure *struct {
			Message string `xml:"message,attr"`
			Text    string `xml:",chardata"`
		} `xml:"failure"`
		Error   *struct{} `xml:"error"`
		Skipped *struct{} `xml:"skipped"`
	} `xml:"testcase"`
}

func read(t interface{ Fatal(...any) }, d verdict.Document) suite {
	text, err := d.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []suite  `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Suites) != 1 {
		t.Fatal("suites:", len(report.Suites))
	}
	return report.Suites[0]
}

// results are the test cases that are not passed.
func (s suite) results() map[string]string {
	results := map[string]string{}
	for _, c := range s.Cases {
		switch {
		case c.Failure != nil:
			results[c.Name] = "failure"
		case c.Error != nil:
			results[c.Name] = "error"
		case c.Skipped != nil:
			results[c.Name] = "skipped"
		}
	}
	return results
}

func TestWhatIsAFailureForCI(t *testing.T) {
	const target = " at http://127.0.0.1:8000"
	tests := []struct {
		name   string
		events string
		want   map[string]string
	}{
		{"all passed", "check a\n0s..20s every 1s a pass", map[string]string{}},
		{
			"what decides has failed", "check a\ncheck b minor\n0s..30s every 1s a fail status\n0s..30s every 1s b fail status",
			map[string]string{"verdict": "failure", "a" + target: "failure"},
		},
		{"what does not decide fails no job", "check a\ncheck b minor\n0s..20s every 1s a pass\n0s..20s every 1s b fail status", map[string]string{}},
		{
			"what could not be told is no failure", "check a\ncheck b\n0s..30s every 1s a error rate_limited",
			map[string]string{"verdict": "error", "a" + target: "error", "b" + target: "skipped"},
		},
		{
			"a unit that failed", "unit app.service\n0s app.service active/running\n1s app.service failed/failed exit=1",
			map[string]string{"verdict": "failure", "app.service": "failure"},
		},
		{
			"a unit that runs by turns", "unit app.service\n0s app.service active/running\n1s app.service active/running total=1",
			map[string]string{"verdict": "failure", "app.service": "failure"},
		},
		{"a unit out of sight", "unit app.service\n0s app.service unobservable no bus", map[string]string{"verdict": "error", "app.service": "error"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, read(t, played(t, test.events)).results()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Who may not see the evidence is told no less of what failed.
func TestAReportWithoutEvidence(t *testing.T) {
	d := played(t, "unit app.service\n0s app.service active/running\n1s app.service failed/failed exit=1")
	for i := range d.Causes {
		d.Causes[i].Evidence = nil
	}
	want := map[string]string{"verdict": "failure", "app.service": "failure"}
	if diff := cmp.Diff(want, read(t, d).results()); diff != "" {
		t.Errorf("without evidence (-want +got):\n%s", diff)
	}
	d.Causes = nil
	if diff := cmp.Diff(want, read(t, d).results()); diff != "" {
		t.Errorf("without causes (-want +got):\n%s", diff)
	}
}

func TestAFailureTellsCauseHintAndEvidence(t *testing.T) {
	s := read(t, played(t, "check a\n0s..30s every 1s a fail connect | a connection | 127.0.0.1:8000: connection refused"))
	for _, c := range s.Cases {
		for _, part := range []string{"not_listening", "ss -ltnp", "seen ", "connection refused"} {
			if c.Failure == nil || !strings.Contains(c.Failure.Text, part) {
				t.Errorf("%s does not tell of %q: %+v", c.Name, part, c.Failure)
			}
		}
	}
}

// Whatever happens and is written, the report can be read, and counts what it holds.
func TestReportsCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histories().Draw(t, "history")
		v := begin(t, h.plan)
		for _, e := range h.events {
			e.fold(v)
		}
		d := v.At(start.Add(time.Hour))
		texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"]]>", "\x1b[31m", "\ufffe", "\xff"}))
		d.Service = texts.Draw(t, "service")
		for i := range d.Checks {
			d.Checks[i].Got = texts.Draw(t, "got")
		}
		for i := range d.Causes {
			d.Causes[i].Summary = texts.Draw(t, "summary")
		}
		s := read(t, d)
		counted := map[string]int{}
		for _, result := range s.results() {
			counted[result]++
		}
		cases := 1 + len(d.Checks) + len(d.Units)
		if s.Tests != cases || len(s.Cases) != cases || s.Failures != counted["failure"] || s.Errors != counted["error"] || s.Skipped != counted["skipped"] {
			t.Fatalf("%d cases counted as %+v, with %v", cases, s, counted)
		}
		if verdictFails := s.Failures > 0 && s.results()["verdict"] == "failure"; verdictFails != (d.State == verdict.Failed) {
			t.Fatalf("%s with %v", d.State, s.results())
		}
		if d.State == verdict.Passed && s.Failures+s.Errors > 0 {
			t.Fatalf("passed with %v", s.results())
		}
	})
}
