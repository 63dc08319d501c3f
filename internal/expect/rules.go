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

// Rules is the expectation of a check: a status, what a built-in check makes of the body, conditions, and how long the
// answer may take; and what to read from it.
type Rules struct {
	Status      []int         // empty: any 2xx
	MaxDuration time.Duration // 0: as long as the check may
	JudgeBody   Func          // of a 2xx answer whose status is wanted; nil: every body is right
	Assertions  []Assertion

	Values  []Reading
	Runtime *Expression // how many seconds the process that answered has been running: whose the counters are; nil: unknown
	Release *Expression // which release is running; nil: it does not say
}

// Judge judges the status first, then the body, then each assertion, then the time. All assertions are looked at whatever
// came before, so that each has its result; the first of the worst gives the reason.
//
// Values and the release are read where the status is a wanted one, whatever else is wrong: what was read is told, and what
// could not be read changes nothing about the outcome. Where the status is wrong nothing is read, and nothing counts as
// unread: an error page is no reading, and the probe has failed for a reason of its own.
func (r Rules) Judge(a Answer) Judgement {
	var judgement Judgement
	look, wanted := newLook(a), r.statusIsRight(a.Status)
	switch {
	case !wanted:
		judgement = WrongStatus(a, r.wantedStatus())
	case r.JudgeBody != nil && a.Status/100 == 2:
		judgement = r.JudgeBody(a)
		judgement.Values, judgement.Assertions = slices.Clip(judgement.Values), slices.Clip(judgement.Assertions) // they are its own
	}
	for _, assertion := range r.Assertions {
		held, err := look.holds(assertion.That)
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
	if wanted {
		r.readValues(look, a, &judgement)
		r.readRelease(look, &judgement)
	}
	return judgement
}

// readValues adds what the answer yields of each metric. A counter of which it cannot be said who counts is not read.
func (r Rules) readValues(look *look, a Answer, judgement *Judgement) {
	process, known := r.process(look, a)
	for i := range r.Values {
		reading := &r.Values[i]
		whole := false
		switch {
		case !reading.Metric.Counter:
			judgement.Values, whole = reading.read(look, probe.Process{}, judgement.Values)
		case known:
			judgement.Values, whole = reading.read(look, process, judgement.Values)
		}
		if !whole {
			judgement.Unread = append(judgement.Unread, reading.Metric)
		}
	}
}

// process is the one that answered, the zero one where nobody asked, and false where the answer does not say.
func (r Rules) process(look *look, a Answer) (probe.Process, bool) {
	if r.Runtime == nil || !slices.ContainsFunc(r.Values, func(reading Reading) bool { return reading.Metric.Counter }) {
		return probe.Process{}, true
	}
	value, err := look.value(r.Runtime)
	runtime, is := asFloat(value)
	if err != nil || !is {
		return probe.Process{}, false
	}
	return ProcessOf(a, runtime)
}

// readRelease adds the release where the answer says one.
func (r Rules) readRelease(look *look, judgement *Judgement) {
	if r.Release == nil {
		return
	}
	if value, err := look.value(r.Release); err == nil {
		judgement.Release = release(value)
	}
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
