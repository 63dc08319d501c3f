package logpattern_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/logpattern"
	"postflight/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

const pid = 4711

func compile(t testing.TB, patterns ...logpattern.Pattern) *logpattern.Set {
	t.Helper()
	set, err := logpattern.Compile(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// builtin reads the lines of a unit without patterns of its own.
func builtin(t testing.TB) *logpattern.Reader {
	return compile(t, logpattern.Builtin()...).Reader()
}

// lookingFor is a pattern of one's own.
func lookingFor(name, match string) logpattern.Pattern {
	return logpattern.Pattern{Pattern: probe.Pattern{Name: name, Severity: probe.SeverityWarning}, Match: match}
}
