package web

import (
	"net/http"
	"slices"
	"strings"

	"postflight/internal/verdict"
)

// fit makes documents such as the one who asks may see.
func (a api) fit(r *http.Request) func(verdict.Document) verdict.Document {
	if a.knows(r) {
		return func(doc verdict.Document) verdict.Document { return doc }
	}
	return public
}

// knows reports whether the one who asks has shown who they are: the API is open to more people than the backends and
// their logs are.
func (a api) knows(r *http.Request) bool { return refuse(r, a.Token) == nil }

// public is a document without what a backend, a log or a hook said in its own words: evidence, what came of a check,
// summaries that may quote it, and what a hook printed. Causes, hints, and names of modules that are missing stay.
func public(doc verdict.Document) verdict.Document {
	doc.Checks = slices.Clone(doc.Checks)
	for i := range doc.Checks {
		doc.Checks[i] = publicCheck(doc.Checks[i])
	}
	doc.Causes = slices.Clone(doc.Causes)
	for i := range doc.Causes {
		doc.Causes[i] = publicFinding(doc.Causes[i])
	}
	doc.Rollback.Output, doc.Rollback.Problem = "", ""
	return doc
}

func publicCheck(c verdict.Check) verdict.Check {
	c.Got = ""
	return c
}

func publicFinding(f verdict.Finding) verdict.Finding {
	f.Summary = publicSummary(f.Summary)
	f.Evidence = slices.Clone(f.Evidence)
	for i := range f.Evidence {
		f.Evidence[i].Text = ""
	}
	f.Explains = slices.Clone(f.Explains)
	for i := range f.Explains {
		f.Explains[i].Summary = publicSummary(f.Explains[i].Summary)
	}
	return f
}

// publicSummary says of a target's answer only whose it was: "health at http://10.0.0.1:8000". The cause says the rest.
func publicSummary(summary string) string {
	if where, _, more := strings.Cut(summary, ": "); more && strings.Contains(where, "://") {
		return where
	}
	return summary
}
