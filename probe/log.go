package probe

import "time"

// Severity is how bad it is that a pattern matches a line of a log.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Pattern describes what is looked for in the lines of a service's units.
type Pattern struct {
	Name     string
	Severity Severity
	Metric   string    // of what is measured in a line, without prefix, e.g. "log_value_auth_duration_seconds"; empty: nothing is
	Buckets  []float64 // upper bounds of its histogram
}

// Log is what was read of a unit's journal since the Result before. In a Result with Outcome Error it says nothing but
// whether any was missed: the journal could not be read, and Got says why.
type Log struct {
	Missed  bool        // entries may be gone that were never read; once it can be read again, others are not
	Lines   uint64      // that the unit wrote
	Dropped uint64      // lines of the unit's that journald says it dropped
	Until   time.Time   // of the last entry that was read, as journald stamped it; zero: there was none
	Matches []Match     // in their order, bounded
	Events  []UnitEvent // what the service manager wrote about the unit, in their order
}

// Match is one line that a pattern matched.
type Match struct {
	Pattern  string
	Severity Severity
	Time     time.Time
	Text     string   // of the line, cut to a length for people, without secrets
	Before   []string // lines of the same process before it, where they explain it: a traceback. Likewise cut
	Module   string   // that the line says is missing; empty: it says no such thing
	Measured bool     // the line had a number to measure …
	Value    float64  // … in the metric's unit
}

// UnitEventKind is what the service manager did or saw.
type UnitEventKind string

// The kinds that matter here. Of each systemd writes a structured entry: see systemd.journal-fields(7) and its catalog.
const (
	RestartScheduled UnitEventKind = "restart_scheduled" // an automatic restart: NRestarts has just grown
	UnitStarted      UnitEventKind = "started"
	UnitStopping     UnitEventKind = "stopping" // by hand, or by another unit
	ProcessExited    UnitEventKind = "exited"
	UnitFailed       UnitEventKind = "failed"
	UnitSucceeded    UnitEventKind = "succeeded" // its run is over, and nothing went wrong
	StartFailed      UnitEventKind = "start_failed"
)

// UnitEvent is an entry of the service manager about a unit. It tells what happened while nobody watched the bus.
type UnitEvent struct {
	Kind         UnitEventKind
	Time         time.Time // when it happened, on the clock of the day
	BootID       string
	InvocationID string // of the run that it is about
	NRestarts    uint32 // of RestartScheduled: systemd's count after it
	Result       string // of UnitFailed: systemd's Result
	ExitCode     string // of ProcessExited: exited, killed or dumped
	ExitStatus   int32  // of ProcessExited: status or signal
}
