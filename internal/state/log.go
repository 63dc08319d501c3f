package state

import (
	"slices"
	"time"

	"postflight/probe"
)

const (
	maxModules  = 20 // missing modules that are told apart; the others are counted together
	maxEvidence = 5  // lines that are kept of each severity
)

// LogState is what is known of a unit's log. It is never changed.
type LogState struct {
	Observable bool
	Why        string // it is out of reach; empty while nothing is known yet

	Lines   uint64 // since the log was first read; only grows, as do the counts below
	Dropped uint64
	Until   time.Time      // up to when it has been read: of the last entry, or when reading began; zero: it never has been
	Matches []PatternCount // by pattern, in the order of the configuration
	Modules []ModuleCount  // that the log says are missing, those that came first; then otherModule

	// Evidence holds the newest lines that a pattern of severity error or warning matched, in their order.
	Evidence []probe.Match
}

// PatternCount is how many lines a pattern matched.
type PatternCount struct {
	Pattern probe.Pattern
	Count   uint64
}

// ModuleCount is in how many lines the log says that a module is missing.
type ModuleCount struct {
	Module string `json:"module"`
	Count  uint64 `json:"count"`
}

// HasRun reports whether there is a result yet, be it that the log is out of reach.
func (l *LogState) HasRun() bool { return l.Observable || l.Why != "" }

// expected reports whether the log may yet tell what there is to tell.
func (l *LogState) expected() bool { return l != nil && (l.Observable || !l.HasRun()) }

// outcome is that of the last result.
func (l *LogState) outcome() probe.Outcome {
	if l.Observable {
		return probe.Pass
	}
	return probe.Error
}

// configured returns the state of a log in which these patterns are looked for: nil where there are none. A pattern
// keeps its count for as long as its name and its severity stay, for under these it is shown.
func (l *LogState) configured(patterns []probe.Pattern) *LogState {
	if len(patterns) == 0 {
		return nil
	}
	next := LogState{}
	if l != nil {
		next = *l
	}
	next.Matches = make([]PatternCount, len(patterns))
	for i, p := range patterns {
		next.Matches[i].Pattern = p
		if l == nil {
			continue
		}
		if j := l.pattern(p.Name); j >= 0 && l.Matches[j].Pattern.Severity == p.Severity {
			next.Matches[i].Count = l.Matches[j].Count
		}
	}
	return &next
}

func (l *LogState) pattern(name string) int {
	return slices.IndexFunc(l.Matches, func(c PatternCount) bool { return c.Pattern.Name == name })
}

// after is the state once a result has been taken up.
func (l *LogState) after(r probe.Result) *LogState {
	next := *l
	next.Observable, next.Why = r.Outcome != probe.Error, ""
	if !next.Observable {
		next.Why = r.Got
		return &next
	}
	next.Lines += r.Log.Lines
	next.Dropped += r.Log.Dropped
	switch {
	case !r.Log.Until.IsZero():
		next.Until = r.Log.Until
	case next.Until.IsZero():
		next.Until = r.Start
	}
	if len(r.Log.Matches) > 0 {
		next.Matches = slices.Clone(next.Matches)
		next.Modules = slices.Clone(next.Modules)
		next.Evidence = slices.Clone(next.Evidence)
	}
	for _, m := range r.Log.Matches {
		next.count(m)
	}
	return &next
}

// says reports whether there is anything to count in what was read.
func says(log *probe.Log) bool {
	return log.Lines > 0 || log.Dropped > 0 || len(log.Matches) > 0 || len(log.Events) > 0
}

func (l *LogState) count(m probe.Match) {
	i := l.pattern(m.Pattern)
	if i < 0 {
		return // it was looked for before the last change of the configuration
	}
	l.Matches[i].Count++
	if m.Module != "" {
		l.countModule(cleanLabel(m.Module))
	}
	if m.Severity == probe.SeverityError || m.Severity == probe.SeverityWarning {
		l.keep(m)
	}
}

func (l *LogState) countModule(module string) {
	places := maxModules
	if l.module(otherLabel) >= 0 {
		places++
	}
	i := l.module(module)
	if i < 0 && len(l.Modules) >= places {
		module = otherLabel
		i = l.module(module)
	}
	if i < 0 {
		i = len(l.Modules)
		l.Modules = append(l.Modules, ModuleCount{Module: module})
	}
	l.Modules[i].Count++
}

func (l *LogState) module(module string) int {
	return slices.IndexFunc(l.Modules, func(c ModuleCount) bool { return c.Module == module })
}

// keep makes a line evidence, in place of the oldest of its severity where there are enough.
func (l *LogState) keep(m probe.Match) {
	same := func(e probe.Match) bool { return e.Severity == m.Severity }
	n := 0
	for _, e := range l.Evidence {
		if same(e) {
			n++
		}
	}
	if n == maxEvidence {
		oldest := slices.IndexFunc(l.Evidence, same)
		l.Evidence = slices.Delete(l.Evidence, oldest, oldest+1)
	}
	l.Evidence = append(l.Evidence, m)
}
