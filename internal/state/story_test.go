package state_test

import (
	"testing"

	"postflight/internal/state"
	"postflight/probe"
)

// story is what a Store was told of the unit, and the starts by hand that it told.
type story struct {
	t     *testing.T
	store *state.Store
	told  []string // invocations
}

func begin(t *testing.T) *story {
	s := &story{t: t}
	s.takes(nil)
	return s
}

// takes lets a new process begin with what was saved.
func (s *story) takes(saved []byte) {
	s.store = state.New()
	if saved != nil {
		if err := s.store.Restore(saved); err != nil {
			s.t.Fatal(err)
		}
	}
	s.store.Apply([]state.Service{watched()})
	s.store.Subscribe(func(e state.Event) {
		if e.Started == state.Manual {
			s.told = append(s.told, e.Unit.Run)
		}
	})
}

func (s *story) unit() *state.UnitState { return s.store.Snapshot(noon).Services[0].Units[0] }

// step is something that a story consists of.
type step func(*story)

func saw(l look) step { return func(s *story) { s.store.Fold(l.outcome()) } }

// patiently looks twice: there was time for the journal to tell what it knows.
func patiently(l look) step {
	return func(s *story) {
		saw(l)(s)
		l.at += 20
		saw(l)(s)
	}
}

func lost(at float64) step { return saw(look{away: true, at: at}) }

func wrote(events ...probe.UnitEvent) step {
	return func(s *story) {
		s.store.Fold(probe.Result{Key: unit, Log: &probe.Log{Lines: uint64(len(events)), Until: events[len(events)-1].Time, Events: events}})
	}
}

func unreadable(s *story) {
	s.store.Fold(probe.Result{Key: unit, Outcome: probe.Error, Got: "not allowed to read the journal", Log: &probe.Log{}})
}

// missed is told where the journal is read again, and no longer holds all entries that were not.
func missed(s *story) {
	s.store.Fold(probe.Result{Key: unit, Outcome: probe.Error, Got: "entries may be missing", Log: &probe.Log{Missed: true}})
}

func startedAnew(s *story) {
	s.store.FoldCursor("somewhere")
	s.takes(s.store.Save())
}

// of an event at so many seconds after noon.
func event(kind probe.UnitEventKind, at float64, invocation string) probe.UnitEvent {
	return probe.UnitEvent{Kind: kind, Time: seconds(at), BootID: "b1", InvocationID: invocation, Result: "exit-code", ExitCode: "exited", ExitStatus: 7}
}

func scheduled(at float64, invocation string, n uint32) probe.UnitEvent {
	e := event(probe.RestartScheduled, at, invocation)
	e.NRestarts = n
	return e
}

func in(boot string, events ...probe.UnitEvent) []probe.UnitEvent {
	for i := range events {
		events[i].BootID = boot
	}
	return events
}

// A crash loop from a to d, as the journal tells of it.
var loop = []probe.UnitEvent{
	event(probe.UnitFailed, 1, "a"), scheduled(2, "a", 1), event(probe.UnitStarted, 2.1, "b"),
	event(probe.UnitFailed, 3, "b"), scheduled(4, "b", 2), event(probe.UnitStarted, 4.1, "c"),
	event(probe.UnitFailed, 5, "c"), scheduled(6, "c", 3), event(probe.UnitStarted, 6.1, "d"),
}
