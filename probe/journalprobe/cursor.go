package journalprobe

import (
	"strconv"
	"strings"
	"time"
)

// position is what can be made out of a cursor. To systemd a cursor's text is its own business, so no more depends on this
// than what is said of a gap.
type position struct {
	sequence string // which sequence of numbers: that of the files of one machine, usually
	number   uint64 // of the entry in there; 0: not known
	time     time.Time
}

func parse(cursor string) (p position) {
	for part := range strings.SplitSeq(cursor, ";") {
		key, value, _ := strings.Cut(part, "=")
		number, err := strconv.ParseUint(value, 16, 63)
		switch {
		case key == "s":
			p.sequence = value
		case err != nil:
		case key == "i":
			p.number = number
		case key == "t":
			p.time = time.UnixMicro(int64(number))
		}
	}
	return p
}
