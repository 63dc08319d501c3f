package expect

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Expression is a condition on an answer. It is safe for use by several goroutines.
type Expression struct {
	text    string
	program *vm.Program
}

// vocabulary is what an expression may name, with the types that are known before there is an answer.
type vocabulary struct {
	Status   int               `expr:"status"`
	Header   map[string]string `expr:"header"`
	Body     any               `expr:"body"`
	Size     int               `expr:"size"`
	Duration float64           `expr:"duration"` // seconds
}

// scope is what an expression sees of one answer. steps is what is left of the work that this one look may cost.
type scope struct {
	Status   int     `expr:"status"`
	Header   any     `expr:"header"` // an http.Header: no map is made for it
	Body     any     `expr:"body"`
	Size     int     `expr:"size"`
	Duration float64 `expr:"duration"`

	steps int64
}

// What one evaluation may cost. A step is some nanoseconds: a byte of a text looked at; an element of a list is several.
// The steps grow with the body and with nothing else, so the time does, too.
const (
	baseSteps     = 1_000_000
	stepsPerByte  = 100
	elementSteps  = 16
	memoryBudget  = 1_000_000 // elements of the lists that an expression makes
	initialStack  = 8
	noBoolProblem = "the expression yields %s, not true or false"
)

// Compile compiles an expression of expr-lang over status, header, body, size and duration (in seconds) that yields true
// or false. An error is a *SyntaxError.
//
// It is stricter than expr: see strict.go for how, and Holds for what is an error.
func Compile(text string) (*Expression, error) {
	if problem := checkText(text); problem != nil {
		return nil, problem
	}
	// Once as it stands, so that expr's own check sees the types that the text has …
	fence := &fence{}
	plain, err := expr.Compile(text, append(language(), expr.Env(vocabulary{}), expr.Patch(fence))...)
	if fence.problem != "" {
		return nil, syntaxErrorAt(text, fence.place.From, fence.problem)
	}
	if err != nil {
		return nil, syntaxError(text, err)
	}
	if yields := typeName(plain.Node()); yields != "" {
		return nil, syntaxErrorAt(text, plain.Node().Location().From, fmt.Sprintf(noBoolProblem, yields))
	}
	// … and once made strict.
	reading := &reading{sources: map[any]string{}, tolerant: map[any]bool{}}
	options := append(language(), expr.Env(&scope{}), expr.Patch(reading), expr.Patch(&strictness{reading}))
	program, err := expr.Compile(text, append(options, operators()...)...)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	return &Expression{text: text, program: program}, nil
}

// language is the part of expr that an expression may use. What could cost more than time linear in the body, what looks
// at anything but the answer, and what answers quietly where there is nothing is left out.
func language() []expr.Option {
	options := []expr.Option{expr.Optimize(false), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins()}
	for name := range allowed {
		options = append(options, expr.EnableBuiltin(name))
	}
	return options
}

// String is the expression's text.
func (e *Expression) String() string { return e.text }

// Holds reports whether the expression holds of an answer. An error is: a field or an index that is not there, a field of
// what is no object, an operator on values of different kinds or of the wrong one, a number that is none, and more work
// than the body's size allows.
func (e *Expression) Holds(a Answer) (bool, error) {
	if a.Header == nil {
		a.Header = http.Header{}
	}
	machine := vm.VM{MemoryBudget: memoryBudget, Stack: make([]any, 0, initialStack)}
	result, err := machine.Run(e.program, &scope{
		Status: a.Status, Header: a.Header, Body: a.Body, Size: int(a.Size), Duration: a.Duration.Seconds(),
		steps: baseSteps + stepsPerByte*max(a.Size, int64(len(a.Raw))),
	})
	if err != nil {
		return false, inWords(err)
	}
	held, isBool := result.(bool)
	if !isBool {
		return false, fmt.Errorf(noBoolProblem, kindOf(result))
	}
	return held, nil
}

// inWords is an error of expr's machine, on one line.
func inWords(err error) error {
	var ours *operandError
	if errors.As(err, &ours) {
		return ours
	}
	var at *file.Error
	if !errors.As(err, &at) {
		return errors.New(Excerpt(err.Error()))
	}
	var wrongType *runtime.TypeAssertionError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("column %d: a value of another kind than is wanted there", at.Column+1)
	}
	return fmt.Errorf("column %d: %s", at.Column+1, Excerpt(at.Message))
}

// typeName is what an expression yields where that is known, and is not true or false.
func typeName(node ast.Node) string {
	if isNull(node) {
		return "null"
	}
	switch node.Type().Kind() {
	case reflect.Bool, reflect.Interface:
		return ""
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map:
		return "an object"
	default:
		return "a number"
	}
}
