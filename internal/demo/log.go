package demo

import (
	"bytes"
	"io"
	"time"

	"postflight/internal/logpattern"
	"postflight/probe"
)

// processLog is what one process of the backend writes, read as a unit's journal is. The process's output is copied to it by one
// goroutine.
type processLog struct {
	to       io.Writer // gets it all as it is
	key      probe.Key
	reader   *logpattern.Reader
	tell     func(probe.Result)
	unbroken []byte // the beginning of a line whose end has not come
}

// Write takes up the lines that are whole.
func (l *processLog) Write(text []byte) (int, error) {
	now := time.Now()
	read := probe.Log{Until: now}
	l.unbroken = append(l.unbroken, text...)
	for {
		line, rest, whole := bytes.Cut(l.unbroken, []byte("\n"))
		if !whole {
			break
		}
		l.unbroken = rest
		read.Lines++
		read.Matches = append(read.Matches, l.reader.Line(0, now, line)...)
	}
	if read.Lines > 0 {
		l.tell(probe.Result{Key: l.key, Start: now, Outcome: probe.Pass, Log: &read})
	}
	return l.to.Write(text)
}
