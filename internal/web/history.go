package web

import (
	"cmp"
	"strings"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

// mostDeployments is how many the page shows of a service.
const mostDeployments = 5

// deploymentView is how one deployment went: the newest in full, those before it in brief.
type deploymentView struct {
	Release string
	Source  string
	Tone    tone
	State   string
	Lines   []line
	When    string
	Took    string
}

// line is one of a few about the same.
type line struct{ Strong, Text string }

func deploymentsOf(service state.ServiceState, now time.Time) []deploymentView {
	var views []deploymentView
	for i, d := range service.Deployments.History[:min(len(service.Deployments.History), mostDeployments)] {
		doc := public(d.Document)
		v := deploymentView{
			Release: cmp.Or(doc.Release, "release not known"), Source: sourceWords(doc), Tone: toneOf(doc), State: string(doc.State),
		}
		if doc.State.Decided() {
			v.When, v.Took = ago(now.Sub(doc.DecidedAt)), "took "+duration(doc.DecidedAt.Sub(doc.StartedAt))
		} else {
			v.When, v.Took = "for "+duration(now.Sub(doc.StartedAt)), remaining(doc, now)
		}
		v.Lines = linesOf(doc)
		if i > 0 {
			v.Lines = inBrief(v.Lines)
		}
		views = append(views, v)
	}
	return views
}

func sourceWords(doc verdict.Document) string {
	switch {
	case doc.RollbackOf != "":
		return "after a rollback"
	case doc.Source == verdict.Detected:
		return "detected"
	default:
		return "announced"
	}
}

func toneOf(doc verdict.Document) tone {
	switch {
	case doc.State == verdict.Failed:
		return bad
	case doc.State != verdict.Passed:
		return blind
	case len(doc.Causes) > 0: // of a passed one they are warnings
		return warn
	default:
		return good
	}
}

// remaining says how long the state lasts at most, where that is known.
func remaining(doc verdict.Document, now time.Time) string {
	if !doc.Until.After(now) {
		return ""
	}
	return duration(doc.Until.Sub(now)) + " to go at most"
}

// linesOf say why, what to do, what was not seen, and what became of the rollback.
func linesOf(doc verdict.Document) []line {
	var lines []line
	if doc.Reason != "" {
		lines = append(lines, line{Strong: string(doc.Reason)})
	}
	for _, f := range doc.Causes {
		lines = append(lines, line{string(f.Cause), f.Summary}, line{"", f.Hint})
	}
	if doc.Unseen != "" {
		lines = append(lines, line{"", "Targets may be missing: " + doc.Unseen})
	}
	for _, n := range doc.Notes {
		lines = append(lines, line{"", n})
	}
	if doc.Rollback.State != verdict.NoRollback && doc.Rollback.State != "" {
		lines = append(lines, line{"rollback " + string(doc.Rollback.State), doc.Rollback.Hook})
	}
	return lines
}

// inBrief keeps the words that matter most, in one line.
func inBrief(lines []line) []line {
	var words []string
	for _, l := range lines {
		if l.Strong != "" {
			words = append(words, l.Strong)
		}
	}
	return []line{{Strong: strings.Join(words, ", ")}}
}
