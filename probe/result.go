package probe

import "time"

// Result is what one look yielded. It is a value: complete, and never changed once it has been told.
//
// Of a check with several requests Status, Phases, Reason, Wanted and Got are those of the worst.
type Result struct {
	Key      Key
	Start    time.Time
	Duration time.Duration // of the whole look
	Outcome  Outcome
	Reason   Reason // of Fail and Error; ReasonNone otherwise
	Wanted   string // where it is not a pass: what was wanted …
	Got      string // … and what came, in words for people, without secrets

	// What an HTTP check adds.
	Status            int                        // 0: no answer
	Phases            [len(Phases)]time.Duration // 0: did not happen
	Latencies         []time.Duration            // one a request that got an answer or timed out
	CertificateExpiry time.Time                  // of the peer's certificate, also when it is not trusted; zero: none was shown
	Values            []Value
	Assertions        []Assertion
	Unread            []*Metric // metrics of the check's own that the answer did not yield
	Release           string    // which release the answer says is running; empty: it does not say
	Tokens            TokenConsistency
	Logins            []Login // that were made to come by a token

	// Unit is what a unit's probe adds. nil with Outcome Error: the unit could not be observed.
	Unit *Unit

	// Log is what a look at a unit's log adds. It is there in every such Result, also where the log cannot be read.
	Log *Log
}

// End is when the look was over.
func (r Result) End() time.Time { return r.Start.Add(r.Duration) }

// Assertion is one condition within a check and whether it held.
type Assertion struct {
	Name string
	Held bool
}

// Metric describes a metric that the configuration makes of a check's answers.
type Metric struct {
	Name    string // without prefix, e.g. "value_orders_open"
	Help    string
	Counter bool   // otherwise a gauge
	Label   string // name of the metric's own label; empty: it has none
}

// TokenConsistency says whether a target accepts the tokens that the service's other targets issue. Where one does not,
// they sign with different keys, and a user is logged out whenever the balancer sends him to another.
type TokenConsistency uint8

// What a probe can learn of that.
const (
	TokensUndecided TokenConsistency = iota // there is one target only, or it could not be told
	TokensConsistent
	TokensInconsistent
)

// Login is one try to come by a token.
type Login struct {
	Credentials string // their name
	Target      string // that was asked for the token
	Success     bool
}

// Value is one number, or one state, that a check read from an answer.
type Value struct {
	Metric string  // the metric's name without its prefix, e.g. "db_sessions_active"
	Own    *Metric // of a metric of the check's own; nil: it is one that postflight knows by itself
	Label  string  // value of the metric's own label; empty where it has none
	State  string  // for a state set: the state that holds
	Number float64 // otherwise

	// Process tells the worker process that counts apart from its siblings. For counters only: a counter of the check's own
	// may do without, and is then taken to be of one process, which starts anew where it falls.
	Process Process
}

// Process identifies a backend's worker process by the time at which it started, as far as that can be known: the
// start lies between Earliest and Latest. The zero Process means that the value is not a counter.
type Process struct {
	Earliest, Latest time.Time
}

// IsZero reports whether p identifies no process.
func (p Process) IsZero() bool { return p.Latest.IsZero() }

// Unit is one reading of a systemd unit. Names and values are systemd's own; see org.freedesktop.systemd1(5).
type Unit struct {
	LoadState    string // loaded, not-found, masked, bad-setting, error …
	ActiveState  string // active, reloading, inactive, failed, activating, deactivating, maintenance, refreshing
	SubState     string // running, auto-restart, dead …
	Result       string // of the service's last run: success, exit-code, signal, start-limit-hit …
	NRestarts    uint32 // automatic restarts, as systemd counts them: see internal/state for why that is not enough
	InvocationID string // hex; a new one at each start, empty when stopped

	ExecMainCode   int32     // CLD_EXITED, CLD_KILLED or CLD_DUMPED; 0 while the main process runs
	ExecMainStatus int32     // exit status or signal
	ExecMainExit   time.Time // when the main process last exited; zero while it runs or never did
	ActiveEnter    time.Time // when the unit last became active; zero: never
	Changed        time.Time // of what a signal told: when the state became the present one, which may be long before it was heard; zero: it was asked for

	MemoryBytes *uint64 // nil where systemd does not account
	Tasks       *uint64

	BootID string // of the machine's present run; empty: not known
	AtBoot bool   // the present invocation was started while the machine started
}
