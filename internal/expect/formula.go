package expect

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// Formula is a number that is calculated from named texts. It is safe for use by several goroutines.
type Formula struct {
	text    string
	program *Expression
}

// CompileFormula compiles an expression over the names, each of which is a text, that yields a number. It is as strict as
// Compile, and an error is a *SyntaxError.
func CompileFormula(text string, names []string) (*Formula, error) {
	known := make(map[string]any, len(names))
	for _, name := range names {
		known[name] = ""
	}
	e, yields, err := compileOver(known, text, expr.Patch(texts(names)))
	if err != nil {
		return nil, err
	}
	if problem := noNumberProblem(yields); problem != "" {
		return nil, SyntaxErrorAt(text, yields.Location().From, problem)
	}
	return &Formula{text: text, program: e}, nil
}

// String is the formula's text.
func (f *Formula) String() string { return f.text }

// Number is what the formula yields of the texts, in the order of the names. The errors are those of Expression.Holds.
func (f *Formula) Number(values []string) (float64, error) {
	l := look{machine: newMachine(), scope: scope{texts: values}, steps: baseSteps}
	for _, value := range values {
		l.steps += stepsPerByte * int64(len(value))
	}
	value, err := l.value(f.program)
	if err != nil {
		return 0, err
	}
	number, is := asFloat(value)
	if !is {
		return 0, fmt.Errorf(noNumberYielded, kindOf(value))
	}
	if _, err := finite(number); err != nil {
		return 0, err
	}
	return number, nil
}

const noNumberYielded = "the expression yields %s, not a number"

// noNumberProblem says what is wrong where it is known that a formula yields no number.
func noNumberProblem(node ast.Node) string {
	name := typeName(node)
	switch {
	case name == "a number":
		return ""
	case name == "text":
		return fmt.Sprintf(noNumberYielded, name) + "; float(…) makes one of a text"
	case name != "":
		return fmt.Sprintf(noNumberYielded, name)
	case node.Type().Kind() == reflect.Bool:
		return fmt.Sprintf(noNumberYielded, "true or false")
	default:
		return "" // not known before there are texts
	}
}

// texts puts what a name stands for in its place: the text at its index.
type texts []string

// Visit replaces one name.
func (names texts) Visit(node *ast.Node) {
	if name, is := (*node).(*ast.IdentifierNode); is {
		if index := slices.Index(names, name.Value); index >= 0 {
			ast.Patch(node, call(opText, environment(), &ast.IntegerNode{Value: index}))
		}
	}
}

func textAt(operands ...any) (any, error) {
	return operands[0].(*scope).texts[operands[1].(int)], nil
}
