package expect

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// allowed are the functions that an expression may call, and what each takes as its first operand.
var allowed = map[string]string{
	"all": wantsList, "none": wantsList, "any": wantsList, "one": wantsList,
	"filter": wantsList, "map": wantsList, "count": wantsList, "sum": wantsList,
	"find": wantsList, "findIndex": wantsList, "findLast": wantsList, "findLastIndex": wantsList,
	"len": wantsSized, "keys": wantsObject, "values": wantsObject,
	"trim": wantsText, "lower": wantsText, "upper": wantsText,
	"min": wantsNumbers, "max": wantsNumbers,
	"abs": wantsNumber, "ceil": wantsNumber, "floor": wantsNumber, "round": wantsNumber,
	"int": wantsScalar, "float": wantsScalar,
}

// fence refuses what an expression may not use. It sees the tree as it was written.
type fence struct {
	place   file.Location
	problem string
}

func (f *fence) refuse(node ast.Node, format string, args ...any) {
	if f.problem == "" {
		f.place, f.problem = node.Location(), fmt.Sprintf(format, args...)
	}
}

// Visit refuses a node, or does not.
func (f *fence) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value == "$env" {
			f.refuse(n, "$env cannot be used here")
		}
		if _, is := allowed[n.Value]; is {
			f.refuse(n, "%s is a function: say of what, in brackets", n.Value)
		}
	case *ast.CallNode:
		f.refuse(n, "there is no function %s", n.Callee)
	case *ast.VariableDeclaratorNode:
		f.refuse(n, "let cannot be used here")
	case *ast.SequenceNode:
		f.refuse(n, "one expression is wanted, not several")
	case *ast.SliceNode:
		f.refuse(n, "a part of a list cannot be taken here")
	case *ast.BytesNode:
		f.refuse(n, "bytes cannot be used here; write a text")
	case *ast.PredicateNode:
		if inner := ast.Find(n.Node, isPredicate); inner != nil {
			f.refuse(inner, "a condition on elements within another would take too long")
		}
	case *ast.BinaryNode:
		if n.Operator == "matches" {
			f.checkPattern(n)
		}
	}
}

func isPredicate(node ast.Node) bool {
	_, is := node.(*ast.PredicateNode)
	return is
}

func (f *fence) checkPattern(n *ast.BinaryNode) {
	pattern, constant := n.Right.(*ast.StringNode)
	if !constant {
		f.refuse(n.Right, "a pattern has to be a text in quotes")
		return
	}
	if _, err := compilePattern(pattern.Value); err != nil {
		f.refuse(n.Right, "%v", err)
	}
}

// pattern is a regular expression and what it costs for each byte of a text.
type pattern struct {
	*regexp.Regexp
	steps int64
}

func compilePattern(text string) (*pattern, error) {
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	return &pattern{compiled, 1 + int64(len(program.Inst))/4}, nil
}

// notes say, before anything is changed, how each operand was written, and which access to a field ?? stands behind.
type notes struct {
	sources  map[any]string // by node
	tolerant map[any]bool   // by member node
}

// Visit notes one node.
func (r *notes) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		r.sources[n] = Excerpt(n.Node.String())
	case *ast.BinaryNode:
		if n.Operator != "??" {
			return
		}
		asked := n.Left
		if chain, is := asked.(*ast.ChainNode); is {
			asked = chain.Node
		}
		r.tolerant[asked] = true
	}
}

// strictness puts checked operators in place of expr's own, which take an absent field for null, and null for a text that
// holds nothing.
type strictness struct{ *notes }

// Visit replaces one node.
func (s *strictness) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		s.replaceMember(node, n)
	case *ast.BinaryNode:
		replaceOperator(node, n)
	case *ast.UnaryNode:
		if n.Operator == "-" || n.Operator == "+" {
			ast.Patch(node, call(opNumber, n))
		}
	case *ast.BuiltinNode:
		replaceFunction(node, n)
	}
}

func (s *strictness) replaceMember(node *ast.Node, n *ast.MemberNode) {
	source := &ast.StringNode{Value: s.sources[n]}
	switch {
	case n.Optional:
		// The member stays, so that expr skips the rest of a chain behind null. What it reads is a list of one: what was
		// asked for. Null has no list.
		n.Node, n.Property = call(opAskOptional, n.Node, n.Property, source), &ast.IntegerNode{}
	case s.tolerant[n]:
		ast.Patch(node, call(opAsk, n.Node, n.Property, source))
	default:
		ast.Patch(node, call(opField, n.Node, n.Property, source))
	}
}

func replaceOperator(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "==", "!=":
		if isNull(n.Left) || isNull(n.Right) {
			return // asking for null is what everything may be compared with
		}
		ast.Patch(node, call(n.Operator, environment(), n.Left, n.Right))
	case "<", "<=", ">", ">=":
		ast.Patch(node, call(n.Operator, n.Left, n.Right))
	case "in", "contains", "startsWith", "endsWith":
		ast.Patch(node, call(n.Operator, environment(), n.Left, n.Right))
	case "matches":
		compiled, err := compilePattern(n.Right.(*ast.StringNode).Value)
		if err != nil {
			return // the fence has refused it
		}
		ast.Patch(node, call(n.Operator, environment(), n.Left, &ast.ConstantNode{Value: compiled}))
	case "+", "-", "*", "/", "%", "**", "^":
		ast.Patch(node, call(n.Operator, n.Left, n.Right))
	case "..":
		n.Left, n.Right = whole(n.Left), whole(n.Right)
	}
}

func replaceFunction(node *ast.Node, n *ast.BuiltinNode) {
	for i, operand := range n.Arguments {
		if _, is := operand.(*ast.PredicateNode); is {
			continue
		}
		n.Arguments[i] = call(opTake, environment(), operand, &ast.StringNode{Value: allowed[n.Name]})
	}
	switch n.Name {
	case "sum", "float", "int":
		ast.Patch(node, call(opNumber, n))
	case "keys", "values":
		ast.Patch(node, call(n.Name, n.Arguments...))
	}
}

// whole is an end of a range: what is no whole number makes a range of nothing, which every condition holds of.
func whole(node ast.Node) ast.Node {
	if _, is := node.(*ast.IntegerNode); is {
		return node
	}
	return call(opTake, environment(), node, &ast.StringNode{Value: wantsWhole})
}

func isNull(node ast.Node) bool {
	_, is := node.(*ast.NilNode)
	return is
}

func environment() ast.Node { return &ast.IdentifierNode{Value: "$env"} }

// call is a call of one of our operators, at the place of its first operand that has one.
func call(operator string, operands ...ast.Node) ast.Node {
	node := &ast.CallNode{Callee: &ast.IdentifierNode{Value: prefix + operator}, Arguments: operands}
	node.SetLocation(operands[0].Location())
	return node
}
