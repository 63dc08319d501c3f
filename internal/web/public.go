package web

import (
	"cmp"
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

// public is a document without what a backend, a log or a hook said in its own words: evidence, what came of a check, and
// the summaries that quote it. Names of modules that are missing, status codes and causes stay.
func public(doc verdict.Document) verdict.Document {
	said := quotes(doc)
	doc.Checks = slices.Clone(doc.Checks)
	for i := range doc.Checks {
		doc.Checks[i] = publicCheck(doc.Checks[i])
	}
	doc.Causes = slices.Clone(doc.Causes)
	for i := range doc.Causes {
		doc.Causes[i] = publicFinding(doc.Causes[i], said)
	}
	doc.Rollback.Output = ""
	return doc
}

func publicCheck(c verdict.Check) verdict.Check {
	c.Got = ""
	return c
}

func publicFinding(f verdict.Finding, said []string) verdict.Finding {
	f.Summary = without(f.Summary, said)
	f.Evidence = slices.Clone(f.Evidence)
	for i := range f.Evidence {
		f.Evidence[i].Text = ""
	}
	f.Explains = slices.Clone(f.Explains)
	for i := range f.Explains {
		f.Explains[i].Summary = without(f.Explains[i].Summary, said)
	}
	return f
}

// quotes are what the checks of a document got, as summaries quote it, the longest first.
func quotes(doc verdict.Document) []string {
	var said []string
	add := func(got string) {
		if got != "" {
			said = append(said, got)
		}
	}
	for _, c := range doc.Checks {
		add(c.Got)
	}
	for _, f := range doc.Causes {
		for _, e := range f.Evidence {
			_, got, _ := strings.Cut(e.Text, ", got ")
			add(got)
		}
	}
	slices.SortFunc(said, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return said
}

// without leaves out what was said.
func without(summary string, said []string) string {
	for _, got := range said {
		summary = strings.ReplaceAll(summary, got, "…")
	}
	return summary
}
