package expect

import (
	"regexp"
	"strings"
)

// wordings are what expr says of a text, and the same with what to do about it.
var wordings = []struct {
	said    *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`^unexpected (token EOF|end of expression)$`), `it ends too early; write what is missing, or close what is open`},
	{regexp.MustCompile(`^unexpected token Operator\("="\)$`), `= compares nothing; write ==`},
	{regexp.MustCompile(`^unexpected token Operator\("&"\)$`), `& is no operator; write and`},
	{regexp.MustCompile(`^unexpected token \w+\("(.*)"\)$`), `$1 cannot stand here; see what is missing before it, or too much`},
	{regexp.MustCompile(`^literal not terminated$`), `a text that does not end; close its quotes`},
	{regexp.MustCompile(`^expected name$`), `a field's name is wanted here`},
	{regexp.MustCompile(`^invalid (?:float|integer) literal: .*`), `the number is too large, or none; write a smaller one`},
	{regexp.MustCompile(`^invalid operation: % .*`), `% is for whole numbers, and for any that the body holds; write int(…) around others`},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types (?:int|float64) and string\)$`), `$1 is not for a number and text; write the number without quotes`},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types string and (?:int|float64)\)$`), `$1 is not for text and a number; write float(…) around the text`},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types (.+) and (.+)\)$`), `$1 is not for <$2> and <$3>`},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched type (.+)\)$`), `$1 is not for <$2>`},
	{regexp.MustCompile(`^unknown name (null|None)$`), `unknown name $1; write nil`},
}

// goTypes are what expr calls what an expression is made of.
var goTypes = strings.NewReplacer(
	"<int>", "a number", "<float64>", "a number", "<string>", "text", "<bool>", "true or false", "<nil>", "null", "<unknown>", "a value of the answer",
	"<map[string]interface {}>", "an object", "<map[string]string>", "the headers", "<[]interface {}>", "a list", "<[]int>", "a list",
)

// worded is what expr says in words for those who write expressions. What has no wording stays on one line.
func worded(text string) string {
	text = oneLine(text)
	for _, w := range wordings {
		if w.said.MatchString(text) {
			return goTypes.Replace(w.said.ReplaceAllString(text, w.instead))
		}
	}
	return text
}
