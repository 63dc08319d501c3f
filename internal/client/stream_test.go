package client

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var inside = cmp.AllowUnexported(message{})

func TestReadMessages(t *testing.T) {
	for _, row := range []struct {
		name, stream string
		want         []message
	}{
		{"one", "id: 1\nevent: state\ndata: {}\n\n", []message{{"1", "state", "{}"}}},
		{"an id holds until there is another", "id: 1\ndata: a\n\ndata: b\n\n", []message{{"1", "", "a"}, {"1", "", "b"}}},
		{"a type does not", "event: state\ndata: a\n\ndata: b\n\n", []message{{"", "state", "a"}, {"", "", "b"}}},
		{"data of several lines", "data: a\ndata:\ndata: b\n\n", []message{{"", "", "a\n\nb"}}},
		{"one blank is left out, and there need be none", "data:a\n\ndata:  b\n\n", []message{{"", "", "a"}, {"", "", " b"}}},
		{"comments, and fields that nobody knows", ": still here\n\nretry: 1000\ndata: a\nfuture: x\n\n", []message{{"", "", "a"}}},
		{"carriage returns", "data: a\r\rdata: b\r\n\r\ndata: c\r\n\n", []message{{"", "", "a"}, {"", "", "b"}, {"", "", "c"}}},
		{"a byte order mark", "\ufeffdata: a\n\n", []message{{"", "", "a"}}},
		{"without data it is no message", "event: state\n\ndata: a\n\n", []message{{"", "", "a"}}},
		{"the end cuts one off", "data: a\n\ndata: b\n", []message{{"", "", "a"}}},
		{"the end cuts a line off", "data: a\n\ndata: b", []message{{"", "", "a"}}},
		{"an id with a zero byte is none", "id: 1\nid: 2\x00\ndata: a\n\n", []message{{"1", "", "a"}}},
		{"nothing", "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, messagesOf(t, strings.NewReader(row.stream)), inside); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A message is told as soon as it is complete, whatever ends its lines.
func TestAMessageIsNotHeldBack(t *testing.T) {
	for _, stream := range []string{"data: a\n\n", "data: a\r\n\r\n", "data: a\r\r"} {
		from, to := io.Pipe()
		told := make(chan message)
		go func() {
			_ = readMessages(from, func(m message) error { told <- m; return nil })
			close(told)
		}()
		if _, err := io.WriteString(to, stream); err != nil {
			t.Fatal(err)
		}
		if got := <-told; got.data != "a" {
			t.Errorf("%q: got %q", stream, got.data)
		}
		to.Close()
		<-told
	}
}

func TestWhatIsTooLongEndsTheStream(t *testing.T) {
	line := "data: " + strings.Repeat("x", mostLine/3) + "\n"
	for name, stream := range map[string]io.Reader{
		"a line":    io.MultiReader(strings.NewReader("data: "), strings.NewReader(strings.Repeat("x", mostLine+1))),
		"a message": strings.NewReader(line + line + line + line + "\n"),
	} {
		if err := readMessages(stream, func(message) error { return nil }); err == nil {
			t.Errorf("%s was read to the end", name)
		}
	}
}

// However a stream is cut into pieces, it says the same; and what is written as an event is read as it was.
func FuzzReadMessages(f *testing.F) {
	f.Add("id: 1\nevent: state\ndata: {}\n\n", "1", "state", "{}")
	f.Add("\ufeff: x\r\n\r\ndata\rdata: b\r\r\n", "", "", "a\nb")
	f.Fuzz(func(t *testing.T, stream, id, event, data string) {
		whole := messagesOf(t, strings.NewReader(stream))
		cut := messagesOf(t, iotest.OneByteReader(strings.NewReader(stream)))
		if diff := cmp.Diff(whole, cut, inside, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("byte by byte it differs:\n%s", diff)
		}
		if strings.ContainsAny(id+event, "\r\n\x00") || strings.Contains(data, "\r") {
			return
		}
		written := "id: " + id + "\nevent: " + event + "\ndata: " + strings.ReplaceAll(data, "\n", "\ndata: ") + "\n\n"
		if diff := cmp.Diff([]message{{id, event, data}}, messagesOf(t, strings.NewReader(written)), inside); diff != "" {
			t.Errorf("what was written is read otherwise:\n%s", diff)
		}
	})
}

func messagesOf(t *testing.T, stream io.Reader) (messages []message) {
	t.Helper()
	if err := readMessages(stream, func(m message) error { messages = append(messages, m); return nil }); err != nil {
		t.Fatal(err)
	}
	return messages
}
