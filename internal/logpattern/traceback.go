package logpattern

import (
	"bytes"
	"time"
)

// What is kept of the tracebacks of a unit's processes.
const (
	maxTracebacks = 16
	maxBefore     = 20      // lines
	maxLine       = 1 << 10 // bytes of each
	maxPause      = 10 * time.Second
)

// Python's words.
const header = "Traceback (most recent call last):"

var chains = [...]string{
	"During handling of the above exception, another exception occurred:",
	"The above exception was the direct cause of the following exception:",
}

// traceback is what a process has written since it began to write one. Its frames are indented. The first line that is not
// names the exception and ends it, unless the process goes on to say what came of that.
type traceback struct {
	pid   int
	last  time.Time // when it went on
	ended bool

	lines [maxBefore][]byte // a ring, used again
	count int               // of the lines so far
}

// goesOn reports whether the process' next line still belongs to it.
func (t *traceback) goesOn(now time.Time, line []byte) bool {
	if now.Sub(t.last) > maxPause {
		return false
	}
	t.last = now
	return !t.ended || isChain(line)
}

// add keeps a line that belongs to it. There may be none to belong to.
func (t *traceback) add(line []byte) {
	if t == nil {
		return
	}
	indented := line[0] == ' ' || line[0] == '\t'
	t.ended = !indented && !isChain(line) && !isHeader(line)
	place := &t.lines[t.count%maxBefore]
	*place = append((*place)[:0], cut(line, maxLine)...)
	t.count++
}

// shown are its lines so far, the last few, for people.
func (t *traceback) shown() []string {
	if t == nil || t.count == 0 {
		return nil
	}
	var told []string
	for i := max(0, t.count-maxBefore); i < t.count; i++ {
		told = append(told, shown(t.lines[i%maxBefore]))
	}
	return told
}

func isHeader(line []byte) bool { return bytes.Contains(line, []byte(header)) }

func isChain(line []byte) bool {
	for _, chain := range chains {
		if bytes.HasPrefix(line, []byte(chain)) {
			return true
		}
	}
	return false
}

// tracebacks are those that a unit's processes are writing. The first of all are open, the oldest of them first; the others
// are kept to be used again.
type tracebacks struct {
	all  [maxTracebacks]*traceback
	open int
}

// of gives the traceback that a process' line belongs to; nil: to none.
func (s *tracebacks) of(pid int, now time.Time, line []byte) *traceback {
	for i, t := range s.all[:s.open] {
		if t.pid != pid {
			continue
		}
		if t.goesOn(now, line) {
			return t
		}
		s.forget(i)
		break
	}
	if !isHeader(line) {
		return nil
	}
	return s.begin(pid, now)
}

func (s *tracebacks) begin(pid int, now time.Time) *traceback {
	if s.open == maxTracebacks {
		s.forget(0)
	}
	if s.all[s.open] == nil {
		s.all[s.open] = new(traceback)
	}
	t := s.all[s.open]
	t.pid, t.last, t.ended, t.count = pid, now, false, 0
	s.open++
	return t
}

func (s *tracebacks) forget(i int) {
	t := s.all[i]
	copy(s.all[i:], s.all[i+1:s.open])
	s.open--
	s.all[s.open] = t
}
