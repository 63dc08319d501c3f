package expect

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// SyntaxError says what is wrong with an expression, and where in its text.
type SyntaxError struct {
	Line, Column int // from 1, in characters
	Problem      string

	line string // the line of the text
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

const widest = 100 // characters of a line that is shown

// Caret is the line of the text that is wrong, and below it a caret under the place. Of a long line only what is near.
func (e *SyntaxError) Caret() string {
	line, column := []rune(e.line), e.Column-1
	if skip := column - widest/2; skip > 0 && len(line) > widest {
		line, column = line[skip:], widest/2
		line[0] = '…'
	}
	if len(line) > widest {
		line = line[:widest]
		line[widest-1] = '…'
	}
	indent := make([]rune, column)
	for i := range indent {
		indent[i] = ' '
		if i < len(line) && line[i] == '\t' {
			indent[i] = '\t'
		}
	}
	return string(line) + "\n" + string(indent) + "^"
}

// SyntaxErrorAt is a problem at a character of an expression's text, counted from 0.
func SyntaxErrorAt(text string, from int, problem string) *SyntaxError {
	runes := []rune(text)
	before := string(runes[:min(max(from, 0), len(runes))])
	line := strings.Count(before, "\n")
	return &SyntaxError{
		Line:    line + 1,
		Column:  utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
		Problem: problem,
		line:    strings.TrimSuffix(strings.Split(text, "\n")[line], "\r"),
	}
}

// syntaxError is what expr says, without its drawing.
func syntaxError(text string, err error) *SyntaxError {
	var at *file.Error
	if errors.As(err, &at) {
		return SyntaxErrorAt(text, at.From, worded(at.Message))
	}
	return SyntaxErrorAt(text, 0, worded(err.Error()))
}

func oneLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

const (
	maxText  = 4 << 10 // bytes of an expression
	maxNodes = 1000    // of its tree
	maxDepth = 12      // of brackets; expr's compiler needs twice the time for each level of a < (…) < b
)

// checkText refuses what is not worth compiling.
func checkText(text string) *SyntaxError {
	switch {
	case strings.TrimSpace(text) == "":
		return SyntaxErrorAt(text, 0, "an empty expression")
	case len(text) > maxText:
		return SyntaxErrorAt("", 0, fmt.Sprintf("an expression of %d bytes; at most %d are allowed", len(text), maxText))
	case !utf8.ValidString(text):
		return SyntaxErrorAt("", 0, "the text is not UTF-8")
	}
	tokens, err := lexer.Lex(file.NewSource(text))
	if err != nil {
		return syntaxError(text, err)
	}
	depth := 0
	for _, token := range tokens {
		if token.Kind != lexer.Bracket {
			continue
		}
		if !strings.Contains("([{", token.Value) {
			depth--
		} else if depth++; depth > maxDepth {
			return SyntaxErrorAt(text, token.From, fmt.Sprintf("more than %d brackets within each other", maxDepth))
		}
	}
	return nil
}
