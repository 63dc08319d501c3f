package verdict

import (
	"cmp"
	"slices"
	"strings"
)

// clue is all that points to one cause.
type clue struct {
	cause       Cause
	severity    Severity
	preexisting bool
	units       []string
	checks      []string
	targets     []string

	detail, wanted, got string // the first one's
	remedy              string // where the cause's hint is not enough; likewise

	wasWell      bool // of a check that fails: it passed before the deployment
	diedBefore   bool // of a unit: its process died before the deployment, too
	silent       bool // of a check: as where there is no process, or a proxy says that there is none
	databaseless bool // of a check: as where the backend has no database

	lines    []Evidence // of logs
	evidence []Evidence
}

// explains reports whether c accounts for other: what a process dies of for its death, a process that is not there for the
// silence, and a database that is not for what needs it.
func (c *clue) explains(other *clue) bool {
	switch c.cause {
	case MissingDependency, PortInUse, OOMKilled, Watchdog, CrashLoop, StartLimitHit, UnitMissing, UnitFailed:
		return other.silent || other.isDeath() && c.cause != other.cause && c.isOf(other.units)
	case DatabaseUnreachable:
		return other.databaseless || other.isDeath() && c.isOf(other.units)
	default:
		return false
	}
}

// isDeath reports whether c says that a process ends, and not why.
func (c *clue) isDeath() bool {
	return c.cause == CrashLoop || c.cause == StartLimitHit || c.cause == UnitFailed
}

// isOf reports whether c is about all of these units.
func (c *clue) isOf(units []string) bool {
	elsewhere := func(unit string) bool { return !slices.Contains(c.units, unit) }
	return !slices.ContainsFunc(units, elsewhere)
}

// add takes what another clue to the same cause knows.
func (c *clue) add(other *clue) {
	c.units = addNew(c.units, other.units)
	c.checks = addNew(c.checks, other.checks)
	c.targets = addNew(c.targets, other.targets)
	c.silent = c.silent && other.silent
	c.databaseless = c.databaseless && other.databaseless
	c.lines = append(c.lines, other.lines...)
	c.evidence = addNew(c.evidence, other.evidence)
}

// rank orders findings that mean different things.
func (c *clue) rank() int {
	switch {
	case c.severity == SeverityWarning:
		return 2
	case c.preexisting:
		return 1
	default:
		return 0
	}
}

func addNew[T comparable](to, more []T) []T {
	for _, one := range more {
		if !slices.Contains(to, one) {
			to = append(to, one)
		}
	}
	return to
}

func (c *clue) summary() string { return c.fill(c.advice().summary) }

func (c *clue) hint() string { return c.fill(cmp.Or(c.remedy, c.advice().hint)) }

func (c *clue) advice() advice {
	if c.cause == AuthBypassed && c.preexisting {
		return stillBypassed
	}
	_, advice := adviceOn(c.cause)
	return advice
}

func (c *clue) fill(template string) string {
	unit := ""
	if len(c.units) > 0 {
		unit = c.units[0]
	}
	return oneLine(strings.NewReplacer(
		"{units}", list(c.units), "{unit}", unit, "{checks}", list(c.checks), "{targets}", list(c.targets),
		"{detail}", c.detail, "{wanted}", c.wanted, "{got}", c.got,
	).Replace(template))
}
