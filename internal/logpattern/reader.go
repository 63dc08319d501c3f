package logpattern

import (
	"bytes"
	"time"

	"postflight/probe"
)

// Reader reads the lines of one unit, and keeps of each process what may explain its next one. It belongs to one goroutine.
type Reader struct {
	set        *Set
	tracebacks tracebacks
	told       []tally // by matcher

	plain, lowered []byte // of one line after the other
}

// Reader gives a reader of the lines of one unit.
func (s *Set) Reader() *Reader { return &Reader{set: s, told: make([]tally, len(s.matchers))} }

// maxText is how much of one entry of the journal is looked at. journald cuts what comes through a pipe at 48 KiB.
const maxText = 64 << 10

// Line gives what the patterns find in what a process wrote at a time: usually nothing. It may be several lines; each is
// looked at by itself. The text is not kept.
func (r *Reader) Line(pid int, t time.Time, text []byte) []probe.Match {
	var found []probe.Match
	text = text[:min(len(text), maxText)]
	for len(text) > 0 {
		line := text
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			line, text = text[:end], text[end+1:]
		} else {
			text = nil
		}
		if bytes.IndexByte(line, escape) >= 0 {
			r.plain = withoutColours(r.plain[:0], line)
			line = r.plain
		}
		if line = bytes.TrimSuffix(line, []byte("\r")); len(bytes.TrimSpace(line)) > 0 {
			found = r.read(pid, t, line, found)
		}
	}
	return found
}

// read adds what the patterns find in one line.
func (r *Reader) read(pid int, t time.Time, line []byte, found []probe.Match) []probe.Match {
	if r.set.folds {
		r.lowered = lower(r.lowered[:0], line)
	}
	traceback := r.tracebacks.of(pid, t, line)
	for i := range r.set.matchers {
		m := &r.set.matchers[i]
		places, matched := m.find(line, r.lowered)
		if !matched {
			continue
		}
		match := probe.Match{Pattern: m.Name, Severity: m.Severity, Time: t, Module: m.module(line, places)}
		match.Value, match.Measured = m.measure(line, places)
		if m.Severity != probe.SeverityInfo && r.told[i].again(t) {
			match.Text, match.Before = shown(line), traceback.shown()
		}
		found = append(found, match)
	}
	traceback.add(line)
	return found
}

// tally counts within a second of the log's time.
type tally struct {
	since time.Time
	count int
}

// maxTold is how many matches of one pattern are told with their text within a second. A flood of one line says no more
// by being told a thousand times, and looking for secrets in a line costs more than all else.
const maxTold = 10

// again reports whether it is one of the first within its second.
func (c *tally) again(t time.Time) bool {
	if past := t.Sub(c.since); past < 0 || past >= time.Second {
		*c = tally{since: t}
	}
	c.count++
	return c.count <= maxTold
}
