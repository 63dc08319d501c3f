package verdict

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The elements of JUnit's reports, as far as GitHub's, GitLab's and Jenkins's readers agree on them. Their schemas want
// attributes and elements in this order.
type (
	junitReport struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suite   junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string       `xml:"name,attr"`
		Class     string       `xml:"classname,attr"`
		Time      string       `xml:"time,attr"`
		Skipped   *junitResult `xml:"skipped"`
		Error     *junitResult `xml:"error"`
		Failure   *junitResult `xml:"failure"`
		SystemOut *junitText   `xml:"system-out"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// JUnit is the document as a report that CI systems read: a test case of the verdict, and one of each check and unit. Only
// what decides is a failure there; what could not be told is an error, and a check that never ran is skipped.
func (d Document) JUnit() ([]byte, error) {
	took := max(0, d.DecidedAt.Sub(d.StartedAt))
	suite := junitSuite{
		Name: legal(d.Service), Time: inSeconds(took), Timestamp: d.StartedAt.UTC().Format("2006-01-02T15:04:05"),
	}
	add := func(kind, name string, took time.Duration, c junitCase) {
		c.Class, c.Name, c.Time = legal(d.Service+"."+kind), legal(name), inSeconds(took)
		suite.Cases = append(suite.Cases, c)
	}
	add("deployment", "verdict", took, d.junitVerdict())
	for _, c := range d.Checks {
		add("checks", c.Check+" at "+c.Target, 0, d.junitCheck(c))
	}
	for _, u := range d.Units {
		add("units", u.Unit, 0, d.junitUnit(u))
	}
	suite.Tests = len(suite.Cases)
	for _, c := range suite.Cases {
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
	}
	text, err := xml.MarshalIndent(junitReport{Suite: suite}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the JUnit report: %w", err)
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

func (d Document) junitVerdict() junitCase {
	causes := accountOf(d.Causes)
	switch d.State {
	case Passed:
		return junitCase{SystemOut: output(causes)}
	case Failed:
		if len(d.Causes) == 0 { // another postflight's document
			return junitCase{Failure: result(string(d.State), d.headline(), "")}
		}
		return junitCase{Failure: result(string(d.Causes[0].Cause), d.Causes[0].Summary, causes)}
	case Inconclusive:
		return junitCase{Error: result(string(d.Reason), d.headline(), causes)}
	default:
		return junitCase{Skipped: result("", "not decided yet", "")}
	}
}

func (d Document) junitCheck(c Check) junitCase {
	if c.Runs == 0 {
		return junitCase{Skipped: result("", "never ran", "")}
	}
	findings := d.findingsSeenIn(fmt.Sprintf("%s at %s: ", c.Check, c.Target))
	switch {
	case c.Outcome == "pass" || c.Outcome == "warn", !c.Critical:
		return junitCase{SystemOut: output(c.Outcome + ": " + c.account() + "\n" + accountOf(findings))}
	case c.Outcome == "error":
		return junitCase{Error: result(c.Reason, c.account(), accountOf(findings))}
	default:
		return junitCase{Failure: result(c.Reason, c.account(), accountOf(findings))}
	}
}

func (d Document) junitUnit(u Unit) junitCase {
	words := u.State + ", " + u.account()
	findings := d.findingsSeenIn(u.Unit + ": ")
	switch {
	case u.State == "unobservable":
		return junitCase{Error: result(u.State, words, "")}
	case len(findings) > 0:
		return junitCase{Failure: result(string(findings[0].Cause), words, accountOf(findings))}
	case d.State == Failed && !runs(u.State):
		return junitCase{Failure: result(u.State, words, "")}
	default:
		return junitCase{SystemOut: output(words)}
	}
}

// findingsSeenIn are those with evidence of a check or a unit, which begins with its name.
func (d Document) findingsSeenIn(name string) []Finding {
	var seen []Finding
	for _, f := range d.Causes {
		if slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return strings.HasPrefix(e.Text, name) }) {
			seen = append(seen, f)
		}
	}
	return seen
}

// accountOf tells findings as the report for people does.
func accountOf(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		f.writeTo(&b)
	}
	return b.String()
}

func result(kind, message, text string) *junitResult {
	return &junitResult{Message: legal(message), Type: legal(kind), Text: legal(text)}
}

func output(text string) *junitText {
	if text == "" {
		return nil
	}
	return &junitText{legal(text)}
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// legal is text without the characters that XML does not allow.
func legal(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r >= 0x20 && r != 0xFFFE && r != 0xFFFF:
			return r
		default:
			return -1
		}
	}, text)
}
