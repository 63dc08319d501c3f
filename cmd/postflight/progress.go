package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/term"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

// progress tells people how a verification stands while it runs.
type progress interface {
	tell(deployment.Event)
	end() // nothing more is told
}

// newProgress paints on a terminal, and writes a line a change anywhere else.
func newProgress(inv *invocation, service string) progress {
	terminal, ok := inv.stderr.(*os.File)
	if !ok || !isTerminal(terminal) || inv.getenv("TERM") == "dumb" {
		return &lines{to: inv.stderr, service: service}
	}
	return newScreen(terminal, func() (width, height int) {
		width, height, err := term.GetSize(int(terminal.Fd()))
		if err != nil || width == 0 || height == 0 { // it does not know
			return 80, 24
		}
		return width, height
	})
}

// stateOf is the event of a document.
func stateOf(doc verdict.Document) deployment.Event {
	data, _ := json.Marshal(doc) // there is no value in it that JSON has no words for
	return deployment.Event{Type: "state", Data: data}
}

// lines writes what changes as it changes, for logs.
type lines struct {
	to      io.Writer
	service string
	now     standing
}

func (l *lines) tell(e deployment.Event) {
	if news := l.now.take(e); news != "" {
		fmt.Fprintf(l.to, "%s %s: %s\n", time.Now().Format(time.TimeOnly), l.service, oneLine(news))
	}
}

func (l *lines) end() {}

// standing is how a verification stands, as its events tell.
type standing struct{ doc verdict.Document }

// take takes up an event, and returns the news that it brings; empty: none. Types that nobody knows are those of a newer
// postflight.
func (s *standing) take(e deployment.Event) (news string) {
	switch e.Type {
	case "state", "verdict":
		return s.takeState(e.Data)
	case "check":
		var check verdict.Check
		if json.Unmarshal(e.Data, &check) != nil {
			return ""
		}
		s.doc.Checks = replaced(s.doc.Checks, check, func(c verdict.Check) bool { return c.Check == check.Check && c.Target == check.Target })
		return fmt.Sprintf("%s of %s: %s", check.Check, check.Target, outcomeInWords(check))
	case "unit":
		var unit verdict.Unit
		if json.Unmarshal(e.Data, &unit) != nil {
			return ""
		}
		s.doc.Units = replaced(s.doc.Units, unit, func(u verdict.Unit) bool { return u.Unit == unit.Unit })
		return fmt.Sprintf("%s: %s", unit.Unit, unitInWords(unit))
	}
	return ""
}

// takeState takes up a whole document. The same state twice is no news.
func (s *standing) takeState(data json.RawMessage) (news string) {
	var doc verdict.Document
	if json.Unmarshal(data, &doc) != nil {
		return ""
	}
	before := s.doc
	s.doc = doc
	switch {
	case doc.ID != before.ID || doc.State != before.State:
		return stateInWords(doc)
	case doc.Rollback.State != before.Rollback.State:
		return rollbackInWords(doc.Rollback)
	default:
		return ""
	}
}

func stateInWords(doc verdict.Document) string {
	words := string(doc.State)
	if doc.RollbackOf != "" {
		words = "after the rollback: " + words
	}
	switch {
	case doc.Reason != "":
		words += ", " + string(doc.Reason)
	case doc.State == verdict.Failed && len(doc.Causes) > 0:
		words += ", " + string(doc.Causes[0].Cause)
	}
	if r := doc.Rollback; r.State == verdict.RollbackRunning {
		words += "; " + rollbackInWords(r)
	}
	return words
}

func rollbackInWords(r verdict.Rollback) string {
	return fmt.Sprintf("rollback by %s: %s", r.Hook, r.State)
}

// replaced puts one in the place of the one that it is, or at the end.
func replaced[T any](all []T, one T, is func(T) bool) []T {
	if i := slices.IndexFunc(all, is); i >= 0 {
		all[i] = one
		return all
	}
	return append(all, one)
}

func outcomeInWords(c verdict.Check) string {
	switch {
	case c.Runs == 0:
		return "not run yet"
	case c.Reason != "" && c.Got != "":
		return fmt.Sprintf("%s, %s: %s", c.Outcome, c.Reason, c.Got)
	case c.Reason != "":
		return c.Outcome + ", " + c.Reason
	default:
		return c.Outcome
	}
}

func unitInWords(u verdict.Unit) string {
	switch {
	case u.Why != "":
		return u.State + ": " + u.Why
	case u.Restarts > 0:
		return fmt.Sprintf("%s, automatic restarts: %d", u.State, u.Restarts)
	default:
		return u.State
	}
}
