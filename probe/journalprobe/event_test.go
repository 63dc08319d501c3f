package journalprobe

import (
	"testing"

	"postflight/probe"
)

func TestHowARunEndedIsAnEvent(t *testing.T) {
	for _, row := range []struct {
		name, messageID, result string
		want                    probe.UnitEvent
	}{
		{"it went wrong", "d9b373ed55a64feb8242e02dbe79a49c", "oom-kill", probe.UnitEvent{Kind: probe.UnitFailed, InvocationID: "a", Result: "oom-kill"}},
		{"it went well", "7ad2d189f7e94e70a38c781354912448", "", probe.UnitEvent{Kind: probe.UnitSucceeded, InvocationID: "a"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEntry()
			e[fieldMessageID].write([]byte(row.messageID))
			e[fieldInvocation].write([]byte("a"))
			e[fieldUnitResult].write([]byte(row.result))
			if got, ok := eventOf(e); !ok || got != row.want {
				t.Errorf("%+v, %t, want %+v", got, ok, row.want)
			}
		})
	}
}
