package verdict

// State says how far a verification is.
type State string

// The states. The last three are verdicts.
const (
	Settling     State = "settling"  // until every critical check passes and every unit is active
	Observing    State = "observing" // for the policy's window after that
	Passed       State = "passed"
	Failed       State = "failed"
	Inconclusive State = "inconclusive"
)

// Decided reports whether s is a verdict.
func (s State) Decided() bool { return s == Passed || s == Failed || s == Inconclusive }

// Reason says why a verification is inconclusive.
type Reason string

// The reasons to be inconclusive.
const (
	Interrupted Reason = "interrupted" // somebody ended it
	Blind       Reason = "blind"       // what decides could not be observed
	Superseded  Reason = "superseded"  // another start by hand, or another deployment, took its place
	Preexisting Reason = "preexisting" // what fails failed before the deployment, too
	Paused      Reason = "paused"      // nobody wanted to know
)
