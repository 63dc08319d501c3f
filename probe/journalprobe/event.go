package journalprobe

import "postflight/probe"

// What systemd and journald call the entries that matter here: see sd-messages.h.
const messagesDropped = "a596d6fe7bfa4994828e72309e95d61e"

// kindOf is what PID 1's entry of that MESSAGE_ID says; empty: nothing that matters here.
func kindOf(messageID []byte) probe.UnitEventKind {
	switch string(messageID) {
	case "5eb03494b6584870a536b337290809b3":
		return probe.RestartScheduled
	case "39f53479d3a045ac8e11786248231fbf":
		return probe.UnitStarted
	case "de5b426a63be47a7b6ac3eaac82e2f6f":
		return probe.UnitStopping
	case "98e322203f7a4ed290d09fe03c09fe15":
		return probe.ProcessExited
	case "d9b373ed55a64feb8242e02dbe79a49c":
		return probe.UnitFailed
	case "7ad2d189f7e94e70a38c781354912448":
		return probe.UnitSucceeded
	case "be02cf6855d2428ba40df7e9d022f03d":
		return probe.StartFailed
	}
	return ""
}

// eventOf is the event that PID 1's entry tells of, if it does. Of processes only the main one counts, since the exit of
// another is not the end of a run; systemd writes of the main one's only where it went wrong.
func eventOf(e *entry) (event probe.UnitEvent, ok bool) {
	kind := kindOf(e[fieldMessageID].text)
	if kind == "" || kind == probe.ProcessExited && !e.is(fieldCommand, "ExecStart") && !e.is(fieldCommand, "") {
		return event, false
	}
	event = probe.UnitEvent{Kind: kind, Time: e.time(fieldSourceStamp), BootID: e.string(fieldBootID), InvocationID: e.string(fieldInvocation)}
	if event.Time.IsZero() {
		event.Time = e.time(fieldStamp)
	}
	switch kind {
	case probe.RestartScheduled:
		event.NRestarts = uint32(e.number(fieldNRestarts))
	case probe.UnitFailed:
		event.Result = e.string(fieldUnitResult)
	case probe.ProcessExited:
		event.ExitCode, event.ExitStatus = e.string(fieldExitCode), int32(e.number(fieldExitStatus))
	}
	return event, true
}

// droppedOf is how many lines of a unit's journald says it has dropped.
func droppedOf(e *entry) uint64 {
	if !e.is(fieldTransport, "driver") || !e.is(fieldMessageID, messagesDropped) {
		return 0
	}
	return uint64(max(0, e.number(fieldNDropped)))
}
