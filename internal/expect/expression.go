package expect

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Expression is a condition on an answer, or a value in it. It is safe for use by several goroutines.
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

// Compile compiles a condition: an expression of expr-lang over status, header, body, size and duration (in seconds) that
// yields true or false. An error is a *SyntaxError.
//
// It is stricter than expr: see strict.go for how, and Holds for what is an error.
func Compile(text string) (*Expression, error) {
	e, yields, err := compile(text)
	if err != nil {
		return nil, err
	}
	if problem := typeName(yields); problem != "" {
		return nil, SyntaxErrorAt(text, yields.Location().From, fmt.Sprintf(noBoolProblem, problem))
	}
	return e, nil
}

// CompileValue compiles an expression that yields whatever the answer holds. It is as strict as Compile.
func CompileValue(text string) (*Expression, error) {
	e, _, err := compile(text)
	return e, err
}

// compile gives the expression, and the node that says what it yields as far as that is known.
func compile(text string) (*Expression, ast.Node, error) { return compileOver(vocabulary{}, text) }

// compileOver compiles an expression over other names than an answer's; the options say what they stand for in a scope.
func compileOver(known any, text string, names ...expr.Option) (*Expression, ast.Node, error) {
	if problem := checkText(text); problem != nil {
		return nil, nil, problem
	}
	// Once as it stands, so that expr's own check sees the types that the text has …
	fence := &fence{}
	plain, err := expr.Compile(text, append(language(), expr.Env(known), expr.Patch(fence))...)
	if fence.problem != "" {
		return nil, nil, SyntaxErrorAt(text, fence.place.From, fence.problem)
	}
	if err != nil {
		return nil, nil, syntaxError(text, err)
	}
	// … and once made strict.
	notes := &notes{sources: map[any]string{}, tolerant: map[any]bool{}}
	options := append(language(), expr.Env(&scope{}), expr.Patch(notes))
	options = append(options, names...)
	options = append(options, expr.Patch(&strictness{notes}))
	program, err := expr.Compile(text, append(options, operators()...)...)
	if err != nil {
		return nil, nil, syntaxError(text, err)
	}
	return &Expression{text: text, program: program}, plain.Node(), nil
}

const noBoolProblem = "the expression yields %s, not true or false"

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

// Holds reports whether the condition holds of an answer. An error is: a field or an index that is not there, a field of
// what is no object, an operator on values of different kinds or of the wrong one, a number that is none, and more work
// than the body's size allows.
func (e *Expression) Holds(a Answer) (bool, error) { return newLook(a).holds(e) }

// Value is what the expression yields of an answer: null, true or false, text, a list or an object as they are decoded, and
// a number as a float64 or an int. It may be a part of the answer: treat it as read-only. The errors are those of Holds.
func (e *Expression) Value(a Answer) (any, error) { return newLook(a).value(e) }

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
