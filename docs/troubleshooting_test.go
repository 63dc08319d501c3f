package docs

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"
)

// Whoever looks for what postflight has told them finds it on the page only as long as postflight says so.
func TestWhatTheTroubleshootingQuotesIsSaid(t *testing.T) {
	quotes := quotesOf(readPage(t, "troubleshooting.md"))
	if len(quotes) < 60 {
		t.Fatalf("only %d quotes found; has the page's form changed?", len(quotes))
	}
	said := append(textsOfTheProgram(t), textsOfTheSystem()...)
	for _, quote := range quotes {
		letters := 0
		for part := range strings.SplitSeq(quote, "…") {
			n := strings.Count(strings.Map(onlyLetters, part), "x")
			letters += n
			if n > 0 && !slices.ContainsFunc(said, func(text string) bool { return strings.Contains(text, part) }) {
				t.Errorf("%q: nothing says %q", quote, part)
			}
		}
		if letters < 10 {
			t.Errorf("%q: too little of it is the same each time", quote)
		}
	}
}

// The test above would be worth nothing if it found everything.
func TestATextThatNobodySaysIsMissed(t *testing.T) {
	said := textsOfTheProgram(t)
	for _, row := range []struct {
		text string
		want bool
	}{
		{"state file not written, tried again each second", true},
		{"state file not written, tried again each minute", false},
		{" cannot be part of a unit's name", true}, // after what a format puts in
		{"unit x: y cannot be part of a unit's name", false},
		{"or is another machine's; entries that came after it may be missing", true},   // two literals
		{"this needs the token of --web.api-token-file, and none is configured", true}, // a constant, and a literal
		{"this needs the token of --web.api-token-file, state file not written", false},
	} {
		if got := slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, row.text) }); got != row.want {
			t.Errorf("%q: %t", row.text, got)
		}
	}
}

// Metrics that a page names are those that docs/metrics.md has, which a test holds to the code.
func TestTheMetricsThatPagesForOperatorsNameExist(t *testing.T) {
	known := string(readPage(t, "metrics.md"))
	names := regexp.MustCompile(`\bpostflight_[a-z_]+[a-z]\b`)
	for _, file := range []string{"security.md", "troubleshooting.md", "upgrade.md"} {
		for _, name := range names.FindAllString(string(readPage(t, file)), -1) {
			if !strings.Contains(known, "`"+name+"`") {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
}

// Each route of docs/api.md, which a test holds to the code, has its row in who may do what.
func TestWhoMayUseEachRouteIsSaid(t *testing.T) {
	told := string(readPage(t, "security.md"))
	routes := regexp.MustCompile("(?m)^\\| (?:\\[)?`((?:GET|POST) /[^`?]*)").FindAllStringSubmatch(string(readPage(t, "api.md")), -1)
	if len(routes) < 10 {
		t.Fatalf("only %d routes found; has the page's form changed?", len(routes))
	}
	for _, route := range routes {
		if !strings.Contains(told, "`"+route[1]+"`") {
			t.Errorf("%s: who may?", route[1])
		}
	}
}

// quotesOf are what the page says that postflight says: the blocks of text, line by line, and the column "it says" of tables.
func quotesOf(p page) (quotes []string) {
	for _, b := range block.FindAllStringSubmatch(string(p), -1) {
		if b[1] == "text" {
			quotes = append(quotes, strings.Split(strings.TrimSpace(b[2]), "\n")...)
		}
	}
	code := regexp.MustCompile("`([^`]+)`")
	column := -1
	for line := range strings.Lines(string(p)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if at := slices.IndexFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) == "it says" }); at >= 0 || len(cells) < 3 {
			column = at // of a table that begins; of none
			continue
		}
		if column < 0 {
			continue
		}
		for _, quote := range code.FindAllStringSubmatch(cells[column], -1) {
			quotes = append(quotes, quote[1])
		}
	}
	return quotes
}

// varying stands in a text for what differs.
const varying = "\x00"

// textsOfTheSystem are those that come from Go and the kernel.
func textsOfTheSystem() (texts []string) {
	for _, why := range []error{syscall.ENOENT, syscall.EACCES} {
		err := &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: varying, Net: "unix"}, Err: os.NewSyscallError("connect", why)}
		texts = append(texts, err.Error())
	}
	return texts
}

// textsOfTheProgram are the texts in the source but for tests: literals and constants, joined where they are added.
func textsOfTheProgram(t *testing.T) (texts []string) {
	t.Helper()
	for _, root := range []string{"../cmd", "../exporter", "../internal", "../probe"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			found, err := textsOfPackage(path)
			texts = append(texts, found...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

func textsOfPackage(directory string) (texts []string, err error) {
	names, err := filepath.Glob(filepath.Join(directory, "*.go"))
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, parseErr := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		err = errors.Join(err, parseErr)
		files = append(files, file)
	}
	constants := map[string]ast.Expr{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, is := n.(*ast.ValueSpec); is && len(spec.Names) == len(spec.Values) {
				for i, name := range spec.Names {
					constants[name.Name] = spec.Values[i]
				}
			}
			return true
		})
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			expression, is := n.(ast.Expr)
			if !is {
				return true
			}
			text, isText := textOf(expression, constants)
			if isText {
				texts = append(texts, text)
			}
			return !isText
		})
	}
	return texts, err
}

var verb = regexp.MustCompile(`%[-+# 0]*[0-9.]*[a-zA-Z]`)

// textOf is the text that an expression makes, as far as it is known.
func textOf(e ast.Expr, constants map[string]ast.Expr) (text string, isText bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return verb.ReplaceAllLiteralString(text, varying), e.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		left, leftIs := operand(e.X, constants)
		right, rightIs := operand(e.Y, constants)
		return left + right, e.Op == token.ADD && (leftIs || rightIs)
	}
	return "", false
}

// operand is one that is added to another: what is not known of it is left open.
func operand(e ast.Expr, constants map[string]ast.Expr) (text string, isText bool) {
	if name, is := e.(*ast.Ident); is {
		e = constants[name.Name]
		if _, is := e.(*ast.BasicLit); !is {
			return varying, false
		}
	}
	if text, isText = textOf(e, constants); !isText {
		return varying, false
	}
	return text, true
}

func onlyLetters(r rune) rune {
	if unicode.IsLetter(r) {
		return 'x'
	}
	return -1
}
