package app

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	// sinkLines is how many lines wait for a reader that is slow. Beyond that they are dropped and counted.
	sinkLines = 1024
	// sinkPatience is how long the end waits for the lines that are still waiting.
	sinkPatience = time.Second
)

// sink writes log lines from a goroutine of its own. A log that nobody reads (a stalled journal, a pager) must not hold
// up a probe, a scrape or the end of the program.
type sink struct {
	to      io.Writer
	lines   chan []byte
	dropped atomic.Uint64
	closed  chan struct{} // asks the goroutine to write what waits, and end
	done    chan struct{}
}

func newSink(to io.Writer) *sink {
	s := &sink{to: to, lines: make(chan []byte, sinkLines), closed: make(chan struct{}), done: make(chan struct{})}
	go s.write()
	return s
}

// Write takes a line or drops it, and never waits.
func (s *sink) Write(line []byte) (int, error) {
	select {
	case s.lines <- bytes.Clone(line):
	default:
		s.dropped.Add(1)
	}
	return len(line), nil
}

// Sync is of zapcore.WriteSyncer.
func (s *sink) Sync() error { return nil }

// close writes what waits, as far as the reader lets it, and ends the goroutine. One that is stuck in its write is left
// behind: the program ends.
func (s *sink) close() {
	close(s.closed)
	select {
	case <-s.done:
	case <-time.After(sinkPatience):
	}
}

func (s *sink) write() {
	defer close(s.done)
	for {
		select {
		case line := <-s.lines:
			s.writeLine(line)
		case <-s.closed:
			for len(s.lines) > 0 {
				s.writeLine(<-s.lines)
			}
			s.tellDropped()
			return
		}
	}
}

// writeLine writes a line, and before it how many were dropped. Where the log cannot be written there is nobody to tell.
func (s *sink) writeLine(line []byte) {
	s.tellDropped()
	s.to.Write(line)
}

func (s *sink) tellDropped() {
	if n := s.dropped.Swap(0); n > 0 {
		fmt.Fprintf(s.to, `{"level":"warn","msg":"log lines dropped, since nobody read them in time","lines":%d}`+"\n", n)
	}
}
