package journalprobe

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsReadOfALine(t *testing.T) {
	long := strings.Repeat("x", maxMessage)
	for _, tc := range []struct {
		name, line string
		message    string
		lines      uint64
	}{
		{"a text", `{"MESSAGE":"good morning"}`, "good morning", 1},
		{"among others", `{"_PID":"7","MESSAGE":"a","X":"b","Y":null,"Z":[1,2],"W":["p",[3],null]}`, "a", 1},
		{"nothing", `{"MESSAGE":""}`, "", 1},
		{"no message", `{"_PID":"7"}`, "", 1},
		{"no text", `{"MESSAGE":null}`, "", 1},
		{"lines", `{"MESSAGE":"a\nb\n\nc"}`, "a\nb\n\nc", 4},
		{"the end of a line is not another one", `{"MESSAGE":"a\nb\n"}`, "a\nb\n", 2},
		{"escapes", `{"MESSAGE":"\"\\\/\b\f\r\t\u00e9\u20ac"}`, "\"\\/\b\f\r\té€", 1},
		{"beyond the first plane", `{"MESSAGE":"\ud83d\ude00😀"}`, "😀😀", 1},
		{"half a character", `{"MESSAGE":"a\ud83dz"}`, "a\uFFFDz", 1},
		{"UTF-8", `{"MESSAGE":"größe"}`, "größe", 1},
		{"bytes", `{"MESSAGE":[27,91,51,49,109,255,10]}`, "\x1b[31m\xff\n", 1},
		{"with blanks, as they once were written", `{ "MESSAGE" : [ 97, 98 ], "_PID" : "7" }`, "ab", 1},
		{"no bytes", `{"MESSAGE":[]}`, "", 1},
		{"several times", `{"MESSAGE":["a","b"]}`, "a\nb", 2},
		{"several times, not all printable", `{"MESSAGE":["a",[98,255],null,"c"]}`, "a\nb\xff\nc", 3},
		{"as much as is kept", `{"MESSAGE":"` + long + `"}`, long, 1},
		{"longer", `{"MESSAGE":"` + long + `\nand\nmore"}`, long, 3},
		{"long in bytes", `{"MESSAGE":[` + strings.Repeat("120,", maxMessage) + `10,120]}`, long, 2},
		{"beside a long one that nobody asked for", `{"COREDUMP":"` + long + long + `","MESSAGE":"a"}`, "a", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := newEntry()
			if err := newDecoder(strings.NewReader(tc.line + "\n")).next(e); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.message, e.string(fieldMessage)); diff != "" {
				t.Error(diff)
			}
			if got := e[fieldMessage].lines(); got != tc.lines {
				t.Errorf("%d lines, want %d", got, tc.lines)
			}
		})
	}
}

func TestALineThatIsNoEntrySpoilsNoOther(t *testing.T) {
	for _, line := range []string{
		"", "-- Boot 78c741444728449c867d39686680108b --", "{", "{}", `{"MESSAGE"}`, `{"MESSAGE":"a"`, `{"MESSAGE":"a`,
		`{"MESSAGE":"a"},`, `{"MESSAGE":"\`, `{"MESSAGE":"\x"}`, `{"MESSAGE":"\u12`, `{"MESSAGE":"\ud83d\u12`, `{"MESSAGE":1}`,
		`{"MESSAGE":[256]}`, `{"MESSAGE":[1,`, `{"MESSAGE":[1 2]}`, `{"MESSAGE":[[[1]]]}`, `{"MESSAGE":{"a":"b"}}`, `{"MESSAGE":nil}`,
		`{"MESSAGE":"a" "b"}`, `"MESSAGE"`, "[", strings.Repeat("x", 3*bufferSize),
	} {
		t.Run(line[:min(len(line), 40)], func(t *testing.T) {
			d := newDecoder(strings.NewReader(`{"MESSAGE":"before"}` + "\n" + line + "\n" + `{"MESSAGE":"after"}` + "\n" + `{"MESSAGE":"cut`))
			var read []string
			e := newEntry()
			for {
				err := d.next(e)
				if errors.Is(err, errNoEntry) {
					read = append(read, "no entry")
					continue
				}
				if err != nil {
					read = append(read, err.Error())
					break
				}
				read = append(read, e.string(fieldMessage))
			}
			if diff := cmp.Diff([]string{"before", "no entry", "after", "unexpected EOF"}, read); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzDecoder checks that whatever comes is read to its end and little is kept; that it does not matter in which pieces it
// comes; and that what another decoder of JSON reads is read alike.
func FuzzDecoder(f *testing.F) {
	for _, line := range []string{
		`{"MESSAGE":"good morning","_PID":"7"}` + "\n", `{"MESSAGE":[104,105,255]}` + "\n", `{"MESSAGE":["a",null,[98]]}` + "\n",
		`{"MESSAGE":"\ud83d\ude00\n\u00e9\\"}` + "\n{", "-- No entries --\n\n", `{"__CURSOR":null,"MESSAGE" : [ 1, 2 ] }` + "\n",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		whole := readAll(t, bytes.NewReader(input))
		if diff := cmp.Diff(whole, readAll(t, iotest.OneByteReader(bytes.NewReader(input)))); diff != "" {
			t.Errorf("read byte by byte it is another: %s", diff)
		}
		line, _, found := bytes.Cut(input, []byte{'\n'})
		if want, ok := asOthersRead(line); found && ok {
			if len(whole) == 0 || whole[0] != want {
				t.Errorf("%q was read, want %q", whole, want)
			}
		}
	})
}

// readAll gives the messages of all entries, and something else for what is none.
func readAll(t *testing.T, in io.Reader) (messages []string) {
	d, e := newDecoder(in), newEntry()
	for {
		switch err := d.next(e); {
		case errors.Is(err, errNoEntry):
			messages = append(messages, "no entry")
		case err != nil:
			return append(messages, err.Error())
		default:
			messages = append(messages, "entry "+e.string(fieldMessage))
		}
		for i := range e {
			if len(e[i].text) > e[i].limit {
				t.Fatalf("%d bytes of %s were kept", len(e[i].text), fieldNames[i])
			}
		}
	}
}

// asOthersRead gives the message of an entry as encoding/json reads it; not ok where the line is nothing that journalctl
// would write.
func asOthersRead(line []byte) (message string, ok bool) {
	if !utf8.Valid(line) || bytes.Contains(line, []byte(`\u`)) || bytes.ContainsAny(line, "\r") {
		return "", false
	}
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil || len(fields) == 0 || bytes.Count(line, []byte("MESSAGE")) != 1 {
		return "", false
	}
	for _, value := range fields {
		if !isText(value) {
			return "", false
		}
	}
	text, isString := fields["MESSAGE"].(string)
	return "entry " + text[:min(len(text), maxMessage)], isString
}

func isText(value any) bool {
	switch value.(type) {
	case nil, string:
		return true
	}
	return false
}
