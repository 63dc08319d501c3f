package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postflight/probe"
)

// Assertion is a condition with a name, and what it makes of an answer that it does not hold of.
type Assertion struct {
	Name     string
	That     *Expression
	Severity probe.Outcome // Fail or Warn
}

// Rules is the expectation of a check of one's own: a status, conditions, and how long the answer may take.
type Rules struct {
	Status      []int         // empty: any 2xx
	MaxDuration time.Duration // 0: as long as the check may
	Assertions  []Assertion
}

// Judge judges the status first, then each assertion, then the time. All assertions are looked at whatever came before, so
// that each has its result; the first of the worst gives the reason.
func (r Rules) Judge(a Answer) Judgement {
	var judgement Judgement
	if !r.statusIsRight(a.Status) {
		judgement = WrongStatus(a, r.wantedStatus())
	}
	for _, assertion := range r.Assertions {
		held, err := assertion.That.Holds(a)
		judgement.Assertions = append(judgement.Assertions, probe.Assertion{Name: assertion.Name, Held: held})
		if !held {
			judgement.worsen(assertion.broken(a, err))
		}
	}
	if r.MaxDuration > 0 && a.Duration > r.MaxDuration {
		judgement.worsen(Judgement{
			Outcome: probe.Fail, Reason: probe.ReasonSlow,
			Wanted: fmt.Sprintf("an answer within %v", r.MaxDuration),
			Got:    fmt.Sprintf("one after %v", a.Duration.Round(100*time.Microsecond)),
		})
	}
	return judgement
}

// worsen takes the outcome and the words of another judgement where it is worse.
func (j *Judgement) worsen(other Judgement) {
	if other.Outcome > j.Outcome {
		j.Outcome, j.Reason, j.Wanted, j.Got = other.Outcome, other.Reason, other.Wanted, other.Got
	}
}

func (r Rules) statusIsRight(status int) bool {
	if len(r.Status) == 0 {
		return status/100 == 2
	}
	return slices.Contains(r.Status, status)
}

func (r Rules) wantedStatus() string {
	if len(r.Status) == 0 {
		return "status 2xx"
	}
	wanted := make([]string, len(r.Status))
	for i, status := range r.Status {
		wanted[i] = strconv.Itoa(status)
	}
	return "status " + strings.Join(wanted, " or ")
}

// broken is the judgement of an answer of which the assertion does not hold; err says why it could not be decided.
func (s Assertion) broken(a Answer, err error) Judgement {
	j := Judgement{Outcome: probe.Warn, Wanted: s.Name + ": " + oneLine(s.That.String())}
	if s.Severity != probe.Warn {
		j.Outcome, j.Reason = probe.Fail, probe.ReasonAssertion
	}
	if err != nil {
		j.Got = err.Error()
	} else {
		j.Got = "false, with " + a.Excerpt()
	}
	return j
}
