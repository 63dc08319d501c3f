package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/verdict"
)

// repaint is how often a screen is looked at; only what has changed is painted.
const repaint = 200 * time.Millisecond

// screen paints how a verification stands below the cursor of a terminal, again and again in the same place. The cursor
// always stands at the beginning of a line, and no mode is changed: however the process ends, the terminal is as it was.
type screen struct {
	to      io.Writer
	size    func() (width, height int)
	painted []string      // by run, which alone writes
	over    chan struct{} // closed by end
	done    sync.WaitGroup

	mu  sync.Mutex // guards what follows
	now standing
}

func newScreen(to io.Writer, size func() (width, height int)) *screen {
	s := &screen{to: to, size: size, over: make(chan struct{})}
	s.done.Go(s.run)
	return s
}

// run paints until the end.
func (s *screen) run() {
	again := time.NewTicker(repaint)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			s.paint(s.picture())
		case <-s.over:
			s.paint(nil)
			return
		}
	}
}

func (s *screen) picture() []string {
	width, height := s.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	return picture(s.now.doc, time.Now(), width, height)
}

func (s *screen) tell(e deployment.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.take(e)
}

// end wipes off what is painted: the report takes its place.
func (s *screen) end() {
	close(s.over)
	s.done.Wait()
}

// paint puts lines in the place of those that are there.
func (s *screen) paint(lines []string) {
	if strings.Join(lines, "\n") == strings.Join(s.painted, "\n") {
		return
	}
	var b strings.Builder
	if up := len(s.painted); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up) // so many lines up
	}
	b.WriteString("\r\x1b[J") // from here to the end nothing
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	_, _ = io.WriteString(s.to, b.String())
	s.painted = lines
}

// picture is how a verification stands, in at most so many columns, and one line less than there are.
func picture(doc verdict.Document, now time.Time, width, height int) []string {
	if doc.Service == "" {
		return nil
	}
	head := doc.Service
	if doc.Release != "" {
		head += " " + doc.Release
	}
	picture := []string{head + ": " + stateInWords(doc) + timeLeft(doc, now)}
	var well []string
	row := func(fine bool, state, name, rest string) {
		line := fmt.Sprintf("  %-10s  %s  %s", state, name, rest)
		if fine {
			well = append(well, line)
			return
		}
		picture = append(picture, line)
	}
	for _, c := range doc.Checks {
		state, rest := c.Outcome, c.Target
		if c.Runs == 0 {
			state = "…"
		}
		if c.Reason != "" {
			rest += "  " + c.Reason
		}
		row(c.Outcome == "pass", state, c.Check, rest)
	}
	for _, u := range doc.Units {
		rest := fmt.Sprintf("automatic restarts: %d", u.Restarts)
		if u.Why != "" {
			rest = u.Why
		}
		row(u.State == "active" && u.Restarts == 0, u.State, u.Unit, rest)
	}
	return fitted(append(picture, well...), width, max(height-1, 2))
}

// timeLeft is how long the state can last.
func timeLeft(doc verdict.Document, now time.Time) string {
	left := doc.Until.Sub(now).Round(time.Second)
	switch {
	case doc.State.Decided() || doc.Until.IsZero():
		return ""
	case left <= 0:
		return ", waiting for the last answers"
	case doc.State == verdict.Settling:
		return fmt.Sprintf(", at most %v more", left)
	default:
		return fmt.Sprintf(", %v more", left)
	}
}

// fitted cuts lines to a width, one column less than there are so that no terminal wraps them, and to so many of them.
func fitted(lines []string, width, most int) []string {
	if more := len(lines) - most; more > 0 {
		lines = append(lines[:most-1:most-1], fmt.Sprintf("  … and %d more", more+1))
	}
	for i, line := range lines {
		lines[i] = cut(oneLine(line), width-1)
	}
	return lines
}

// cut cuts text to so many columns. A character that may take two counts as two.
func cut(text string, columns int) string {
	taken := 0
	for i, r := range text {
		if taken++; r >= '\u1100' {
			taken++
		}
		if taken > columns {
			return text[:i]
		}
	}
	return text
}
