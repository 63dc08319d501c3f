package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const documentation = "../../docs/configuration.md"

// The page is made of the table: go test ./internal/config -run Documentation -update
func TestDocumentation(t *testing.T) {
	example, err := os.ReadFile("testdata/example.yml")
	if err != nil {
		t.Fatal(err)
	}
	want := page(t, string(example))
	if *update {
		if err := os.WriteFile(documentation, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/configuration.md is not what the table says (go test ./internal/config -run Documentation -update):\n%s", diff)
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// foreign is how the first line of another program's file begins.
var foreign = regexp.MustCompile(`^# (prometheus\.yml|\.github/)`)

// configurations are the YAML blocks of a page, but for those that say in their first line that they are of another
// program's file.
func configurations(page []byte) (blocks [][]byte) {
	for _, block := range yamlBlock.FindAllSubmatch(page, -1) {
		if !foreign.Match(block[1]) {
			blocks = append(blocks, block[1])
		}
	}
	return blocks
}

func TestEveryBlockOfTheDocumentationLoads(t *testing.T) {
	atLeast := map[string]int{"../../docs/configuration.md": 2, "../../README.md": 3, "../../README.zh-CN.md": 3}
	for _, pattern := range []string{"../../*.md", "../../*/*.md", "../../docs/*/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			content, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			blocks := configurations(content)
			for _, block := range blocks {
				if _, err := parsed(page, block); err != nil {
					t.Errorf("%v\n%s", err, block)
				}
			}
			if len(blocks) < atLeast[page] {
				t.Errorf("%s: %d configurations found, at least %d are expected", page, len(blocks), atLeast[page])
			}
			delete(atLeast, page)
		}
	}
	for page := range atLeast {
		t.Errorf("%s is not there", page)
	}
}

// Every key of the table is in the example, every example and every fallback of the table can be read, and every key is told.
func TestTable(t *testing.T) {
	content, err := os.ReadFile("testdata/example.yml")
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	paths(root.Content[0], "", used)
	for _, k := range keys {
		if !used[k.path] {
			t.Errorf("%s is not in testdata/example.yml", k.path)
		}
		if k.doc == "" || k.example == "" || (k.fallback == "") == (k.otherwise == "") {
			t.Errorf("%s: it has no doc, no example, or not exactly one of fallback and otherwise", k.path)
		}
		w := &walker{report: &report{}, table: newTable()}
		for what, text := range map[string]string{"example": k.example, "fallback": k.fallback} {
			if what == "fallback" && text == "" {
				continue
			}
			if what == "fallback" && k.kind.tag == "" {
				text = fmt.Sprintf("%q", text)
			}
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
				t.Errorf("%s: its %s is not YAML: %v", k.path, what, err)
				continue
			}
			w.walk(doc.Content[0], k.kind, place{path: k.path}, k.path, k.example)
		}
		if err := w.err(); err != nil {
			t.Errorf("an example or fallback is wrong: %v", err)
		}
	}
}

// paths notes the path of each key as the table has it.
func paths(node *yaml.Node, at string, used map[string]bool) {
	switch node.Kind {
	case yaml.SequenceNode:
		for _, item := range node.Content {
			paths(item, at+"[]", used)
		}
	case yaml.MappingNode:
		for i := 0; i < len(node.Content); i += 2 {
			name := strings.TrimPrefix(at+"."+node.Content[i].Value, ".")
			if strings.HasSuffix(at, ".credentials") || strings.HasSuffix(at, ".headers") {
				name = at + ".<name>"
			}
			used[name] = true
			paths(node.Content[i+1], name, used)
		}
	}
}

// page makes docs/configuration.md of the table.
func page(t *testing.T, example string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(preface + logPatterns(t) + "\n## Keys\n")
	for _, parent := range parents() {
		heading := "`" + parent + "`"
		if parent == "" {
			heading = "Top of the file"
		}
		fmt.Fprintf(&b, "\n### %s\n\n| key | type | default | example | meaning |\n| --- | --- | --- | --- | --- |\n", heading)
		for _, k := range newTable().below[parent] {
			_, own := k.split()
			otherwise := k.otherwise
			if k.fallback != "" {
				otherwise = "`" + k.fallback + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` | %s |\n", own, k.kind.described(), otherwise, k.example, k.doc)
		}
	}
	fmt.Fprintf(&b, "\n## Every key once\n\n```yaml\n%s```\n", example)
	return b.String()
}

// parents lists the mappings of the table in the order in which they come up.
func parents() []string {
	var parents []string
	for _, k := range keys {
		if parent, _ := k.split(); !slices.Contains(parents, parent) {
			parents = append(parents, parent)
		}
	}
	return parents
}

func (k kind) described() string {
	switch {
	case k.form == list:
		return strings.TrimSuffix("list of "+k.items.name+"s, "+k.limits, ", ")
	case k.form == byName && k.items.form == scalar:
		return "mapping of " + k.items.name + "s by name"
	case k.form == byName:
		return "mapping by name"
	case k.limits != "":
		return k.name + ", " + k.limits
	default:
		return k.name
	}
}

const preface = `# Configuration

postflight reads one YAML file: ` + "`postflight serve --config postflight.yml`" + `. Without a file, ` + "`--target`" + `, ` + "`--unit`" + ` and ` + "`--service`" + ` make the configuration of one service.
The smallest file is

` + "```yaml" + `
services:
  - name: proxy-system
    targets: ["http://127.0.0.1:8000"]
    units: [proxy-system.service]
` + "```" + `

It runs the four [built-in checks](../README.md#what-it-checks) against the target and watches the unit. [Every key once](#every-key-once) stands at the end of this page.

` + "`postflight config validate FILE`" + ` says all that is wrong at once, each with its file, line, column and key, and what to write instead. A mistake within an expression is shown below that, with a caret under it.
` + "`postflight config show --config FILE`" + ` prints the configuration in effect, with every default filled in, the built-in checks in the terms of one's own, and ` + "`<secret>`" + ` for each secret.
` + "`postflight config schema`" + ` prints a JSON schema, with which an editor completes and explains the keys: save it, and begin the file with
` + "`# yaml-language-server: $schema=postflight.schema.json`" + `.

The daemon reads the file anew when it changes, on SIGHUP and on ` + "`POST /-/reload`" + `: all of it or, where anything in it is wrong, nothing. What is the same as before goes on undisturbed.

The file is read strictly. Unknown keys, keys that are there twice, values of the wrong type, keys without a value, anchors, aliases, tags, a second document
and an empty file are errors. It is UTF-8, and at most 256 KiB.

- A **duration** is a number with its unit, or several: ` + "`500ms`, `5s`, `1h30m`" + `. There are no days: write ` + "`24h`" + `.
- A **schedule** that begins with ` + "`@` or `*`" + ` stands in quotes, or YAML takes it for something else.
- A **file** is relative to the configuration file unless it is absolute.
- A **secret** stands in this file or, better, in a file of its own, whose key ends in ` + "`_file`" + `. That is read again when it changes.
- A **name** has up to 64 of the characters ` + "`a-z A-Z 0-9 . _ -`" + `.

## Expressions

An expression asks something of an answer: whether a condition holds of it (` + "`that`" + `), or for a value that stands in it (` + "`from`, `each`" + `). It is one of [expr-lang](https://expr-lang.org/docs/language-definition), over
` + "`status`" + ` (a number), ` + "`header`" + ` (text by name, in capitals or not), ` + "`body`" + ` (what its JSON holds, else its text), ` + "`size`" + ` (bytes) and ` + "`duration`" + ` (seconds).
It stands in quotes, or YAML may take it for something else. It is compiled when the file is read.

` + "```yaml" + `
services:
  - name: shop
    targets: ["http://127.0.0.1:8080"]
    checks:
      - name: orders
        path: /api/orders
        expect:
          assertions:
            - {name: json, that: 'header["Content-Type"] startsWith "application/json"'}
            - {name: some, that: 'body.total > 0'}
            - {name: no-error, that: 'not ("error" in body)'}
            - {name: few-waiting, that: '(body?.waiting ?? 0) < 100'}      # 0 where there is no such field, or null in it
            - {name: all-run, that: 'all(body.queues, .state in ["idle", "busy"])'}
        values:
          - {metric: queues_busy, from: 'count(body.queues, .state == "busy")'}
` + "```" + `

A field that is not there is an error, and so is comparing a text with a number: an expression that errs does not hold, and yields nothing. ` + "`?.`, `??` and `in`" + ` are the ways to ask.
Null is ` + "`nil`" + `.
Functions: ` + "`all`, `none`, `any`, `one`, `count`, `filter`, `map`, `sum`, `find`, `findIndex`, `findLast`, `findLastIndex`, `len`, `keys`, `values`, `trim`, `lower`, `upper`, `min`, `max`, `abs`, `ceil`, `floor`, `round`, `int`, `float`" + `.
`
