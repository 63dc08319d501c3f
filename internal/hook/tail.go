package hook

import (
	"strings"
	"unicode/utf8"
)

// maxOutput is how much of what a command prints is kept.
const maxOutput = 64 << 10

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-2*maxOutput):]...)
	if len(t.kept) > 2*maxOutput { // seldom, so that little is moved
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-maxOutput:]...)
	}
	return len(p), nil
}

// String is the end as text that is valid and begins with a whole character.
func (t *tail) String() string { return end(strings.ToValidUTF8(end(string(t.kept)), "\uFFFD")) }

func end(s string) string {
	if len(s) <= maxOutput {
		return s
	}
	from := len(s) - maxOutput
	for limit := from + utf8.UTFMax; from < limit && !utf8.RuneStart(s[from]); {
		from++
	}
	return s[from:]
}
