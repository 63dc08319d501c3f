package journalprobe

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// The fields that are read of an entry: see systemd.journal-fields(7). Those that begin with an underscore are journald's,
// and can be believed; the others are what somebody wrote.
const (
	fieldMessage = iota
	fieldMessageID
	fieldPID
	fieldTransport
	fieldUnit        // who wrote it
	fieldAboutUnit   // of PID 1's entries: which unit they are about
	fieldObjectUnit  // of journald's: likewise
	fieldInvocation  // of the run that PID 1's entry is about
	fieldNRestarts   // of restart scheduled
	fieldCommand     // of process exited: which of the unit's commands
	fieldExitCode    // likewise: exited, killed or dumped
	fieldExitStatus  // likewise: status or signal
	fieldUnitResult  // of failed
	fieldNDropped    // of messages dropped
	fieldSourceStamp // when it was written; not all have it

	// journalctl adds these by itself.
	fieldStamp // when journald got it
	fieldBootID
	fieldCursor

	fieldCount
)

var fieldNames = [fieldCount]string{
	fieldMessage: "MESSAGE", fieldMessageID: "MESSAGE_ID", fieldPID: "_PID", fieldTransport: "_TRANSPORT",
	fieldUnit: "_SYSTEMD_UNIT", fieldAboutUnit: "UNIT", fieldObjectUnit: "OBJECT_SYSTEMD_UNIT", fieldInvocation: "INVOCATION_ID",
	fieldNRestarts: "N_RESTARTS", fieldCommand: "COMMAND", fieldExitCode: "EXIT_CODE", fieldExitStatus: "EXIT_STATUS", fieldUnitResult: "UNIT_RESULT",
	fieldNDropped: "N_DROPPED", fieldSourceStamp: "_SOURCE_REALTIME_TIMESTAMP",
	fieldStamp: "__REALTIME_TIMESTAMP", fieldBootID: "_BOOT_ID", fieldCursor: "__CURSOR",
}

var fieldsByName = func() map[string]int {
	m := make(map[string]int, fieldCount)
	for i, name := range fieldNames {
		m[name] = i
	}
	return m
}()

// askedFields are those to ask journalctl for.
func askedFields() string { return strings.Join(fieldNames[:fieldStamp], ",") }

const (
	maxMessage = 64 << 10 // bytes that are kept of a message; lines are counted in all of it
	maxField   = 512      // of any other field
)

// entry is one entry of the journal. Its texts are used again for the next one.
type entry [fieldCount]field

func newEntry() *entry {
	var e entry
	for i := range e {
		e[i].limit = maxField
	}
	e[fieldMessage].limit = maxMessage
	return &e
}

// reset empties the entry.
func (e *entry) reset() {
	for i := range e {
		e[i].reset()
	}
}

func (e *entry) is(f int, value string) bool { return string(e[f].text) == value }

func (e *entry) string(f int) string { return string(e[f].text) }

// number is a field as a number; 0 where it is none.
func (e *entry) number(f int) int64 {
	n, _ := strconv.ParseInt(string(e[f].text), 10, 64)
	return n
}

// time is a field that counts microseconds; the zero time where it is none.
func (e *entry) time(f int) time.Time {
	if n := e.number(f); n > 0 {
		return time.UnixMicro(n)
	}
	return time.Time{}
}

// field is the text of one field, as much of it as is kept. Where an entry has a field several times, its values are lines.
// What is written to no field is dropped.
type field struct {
	text     []byte
	limit    int
	values   int
	newlines int  // in all of it
	last     byte // of all of it
}

func (f *field) reset() { *f = field{text: f.text[:0], limit: f.limit} }

// begin begins a value.
func (f *field) begin() {
	if f == nil {
		return
	}
	if f.values++; f.values > 1 {
		f.write([]byte{'\n'})
	}
}

func (f *field) write(part []byte) {
	if f == nil || len(part) == 0 {
		return
	}
	f.last = part[len(part)-1]
	f.newlines += bytes.Count(part, []byte{'\n'})
	f.text = append(f.text, part[:min(len(part), f.limit-len(f.text))]...)
}

// lines is how many lines the text has: one at least.
func (f *field) lines() uint64 {
	if f.last == '\n' {
		return uint64(f.newlines)
	}
	return uint64(f.newlines) + 1
}
