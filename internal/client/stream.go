package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// mostLine is how long a line of a stream may be: an event is one line of JSON.
const mostLine = mostAnswer

// message is one server-sent event.
type message struct {
	id    string // the last one that was given; empty: none was
	event string
	data  string
}

// readMessages calls f with each message of a stream as the HTML standard defines it, until the stream ends or f returns
// an error. A message that the stream's end cuts off is none. Where the stream ends the error is nil.
func readMessages(stream io.Reader, f func(message) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, mostLine)
	lines.Split(new(lineEnds).split)
	var m message
	var data strings.Builder
	for first := true; lines.Scan(); first = false {
		line := lines.Text()
		if first {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if line == "" {
			if data.Len() > 0 {
				m.data = strings.TrimSuffix(data.String(), "\n")
				if err := f(m); err != nil {
					return err
				}
			}
			m.event = ""
			data.Reset()
			continue
		}
		name, value, _ := strings.Cut(line, ":") // a comment has the empty name
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			m.event = value
		case "data":
			if data.Len()+len(value) > mostLine {
				return errTooLong
			}
			data.WriteString(value + "\n")
		case "id":
			if !strings.Contains(value, "\x00") {
				m.id = value
			}
		}
	}
	return lines.Err()
}

var errTooLong = errors.New("a message that is too long")

// lineEnds splits a stream into lines that end with LF, CR or both. It does not wait for what comes after a CR: a message
// is complete without it.
type lineEnds struct{ afterCR bool }

func (l *lineEnds) split(content []byte, atEnd bool) (advance int, line []byte, err error) {
	skipped := 0
	if l.afterCR && len(content) > 0 {
		l.afterCR = false
		if content[0] == '\n' {
			skipped = 1
		}
	}
	rest := content[skipped:]
	end := bytes.IndexAny(rest, "\r\n")
	if end < 0 {
		return skipped, nil, nil // a line that the stream's end cuts off is none
	}
	l.afterCR = rest[end] == '\r'
	return skipped + end + 1, rest[:end], nil
}
