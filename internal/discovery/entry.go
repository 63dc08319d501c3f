package discovery

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// How much a list may hold.
const (
	maxTargets    = 20_000 // and entries
	maxLabels     = 32     // of a target
	maxLabelValue = 128    // bytes
)

var (
	errTooManyTargets = errors.New("more than 20,000 targets; divide the list into several, or its targets among services")
	errTooManyEntries = errors.New("more than 20,000 entries; write targets that have the same labels as one entry")
)

// fault is what is wrong at one place of a list.
type fault struct {
	line int
	path string // such as [0].targets[1]; empty: the whole list
	err  error
}

func (f *fault) Error() string {
	if f.path == "" {
		return fmt.Sprintf("line %d: %v", f.line, f.err)
	}
	return fmt.Sprintf("line %d, %s: %v", f.line, f.path, f.err)
}

func (f *fault) Unwrap() error { return f.err }

// written is a target as it is written.
type written struct {
	text string
	line int
}

// entry is one of a list's entries: targets that have the same labels.
type entry struct {
	targets []written
	labels  []Label
	scheme  string // of its label __scheme__
}

func (e *entry) target(text string, line int) error {
	if len(e.targets) == maxTargets {
		return errTooManyTargets
	}
	e.targets = append(e.targets, written{text, line})
	return nil
}

// label takes a label as Prometheus would: one that is empty is none, and those that begin with __ are for itself alone.
func (e *entry) label(name, value string) error {
	switch {
	case name == "__scheme__":
		if value != "http" && value != "https" {
			return fmt.Errorf("%s is no scheme to ask a target by; write http or https", Quote(value))
		}
		e.scheme = value
	case strings.HasPrefix(name, "__"):
	case !labelName.MatchString(name):
		return fmt.Errorf("%s cannot name a label; use letters, digits and underscores, no digit first", Quote(name))
	case !utf8.ValidString(value):
		return errors.New("the value is not UTF-8; save the list as UTF-8")
	case len(value) > maxLabelValue:
		return fmt.Errorf("the value is longer than %d bytes; shorten it, or let the name begin with __ to leave it out", maxLabelValue)
	case value == "":
	case len(e.labels) == maxLabels:
		return fmt.Errorf("more than %d labels; let the names of those that nobody needs begin with __ to leave them out", maxLabels)
	default:
		e.labels = append(e.labels, Label{name, value})
	}
	return nil
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
