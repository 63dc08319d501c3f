package expect

import (
	"fmt"
	"net/http"

	"github.com/expr-lang/expr/vm"
)

// scope is what an expression sees of one answer. steps is what is left of the work that one expression may cost.
type scope struct {
	Status   int     `expr:"status"`
	Header   any     `expr:"header"` // an http.Header: no map is made for it
	Body     any     `expr:"body"`
	Size     int     `expr:"size"`
	Duration float64 `expr:"duration"`

	texts []string // a formula's, in place of an answer
	steps int64
}

// What one evaluation may cost. A step is some nanoseconds: a byte of a text looked at; an element of a list is several.
// The steps grow with the body and with nothing else, so the time does, too.
const (
	baseSteps    = 1_000_000
	stepsPerByte = 100
	elementSteps = 16
	memoryBudget = 1_000_000 // elements of the lists that an expression makes
	initialStack = 8
)

// look evaluates expressions over one answer, one after another: they share the machine. It belongs to one goroutine.
type look struct {
	machine vm.VM
	scope   scope
	steps   int64 // that one expression may take
}

func newLook(a Answer) *look {
	if a.Header == nil {
		a.Header = http.Header{}
	}
	return &look{
		machine: newMachine(),
		scope:   scope{Status: a.Status, Header: a.Header, Body: a.Body, Size: int(a.Size), Duration: a.Duration.Seconds()},
		steps:   baseSteps + stepsPerByte*max(a.Size, int64(len(a.Raw))),
	}
}

func newMachine() vm.VM {
	return vm.VM{MemoryBudget: memoryBudget, Stack: make([]any, 0, initialStack)}
}

func (l *look) value(e *Expression) (any, error) {
	l.scope.steps = l.steps
	value, err := l.machine.Run(e.program, &l.scope)
	if err != nil {
		return nil, inWords(err)
	}
	return value, nil
}

func (l *look) holds(e *Expression) (bool, error) {
	value, err := l.value(e)
	if err != nil {
		return false, err
	}
	held, isBool := value.(bool)
	if !isBool {
		return false, fmt.Errorf(noBoolProblem, kindOf(value))
	}
	return held, nil
}
