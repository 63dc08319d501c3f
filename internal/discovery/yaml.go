package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxMarks bounds what YAML's nodes take, of which 4 MiB of brackets would make 800 MiB. Ten thousand targets with seven
// labels each of their own stay within it.
const maxMarks = 200_000

var (
	errTooManyMarks = errors.New("more than YAML can be read of within bounds; write the list as JSON, which is read as it comes")
	errSecond       = errors.New("a second document begins here; write one list in a file")
	errMerge        = errors.New("merging with << is not read; write the labels out, or as an alias of all of them")
)

// parseYAML reads a list of the same form as JSON's. A list that is cut short may be a shorter list: only whoever writes
// it can prevent that.
func parseYAML(content []byte, list *targetList) error {
	if marks(content) > maxMarks {
		return errTooManyMarks
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return errEmpty
	case err != nil:
		return notYAML(err)
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return notYAML(err)
	default:
		return &fault{second.Line, "", errSecond}
	}
	return yamlList{list}.read(document.Content[0])
}

// marks counts the characters without which no node begins, apart from the first, and no comment, which takes as much: no
// document has more than three times as many nodes.
func marks(content []byte) int {
	count := 0
	for i, char := range content {
		switch char {
		case ':', '?', ',', '[', '{', '#':
			count++
		case '-':
			if i+1 == len(content) || strings.IndexByte(" \t\r\n\xc2\xe2", content[i+1]) >= 0 {
				count++
			}
		}
	}
	return count
}

var (
	syntaxLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)
	// What YAML's parser says, in contrast to its scanner: of these it counts lines from 0.
	parserError = regexp.MustCompile(`^did not find expected (',' or|'-' indicator|<|key|node content)|^found (duplicate|incompatible|undefined)`)
)

// notYAML tells what YAML's parser says. Of the place it knows the line at most.
func notYAML(err error) error {
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if m := syntaxLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
		if parserError.MatchString(text) {
			line++
		}
	}
	wrong := fmt.Errorf("not YAML: %s; see that colons, quotes, brackets and indentation match", text)
	if line == 0 {
		return wrong
	}
	return &fault{line, "", wrong}
}

type yamlList struct{ list *targetList }

func (r yamlList) read(root *yaml.Node) error {
	if isNull(root) {
		return errEmpty
	}
	if root.Kind != yaml.SequenceNode {
		return &fault{root.Line, "", errNotList}
	}
	for _, item := range root.Content {
		if err := r.list.begin(); err != nil {
			return &fault{item.Line, "", err}
		}
		if err := r.entry(resolve(item)); err != nil {
			return err
		}
	}
	return nil
}

// wrongAt tells of a place within the entry that is being read.
func (r yamlList) wrongAt(node *yaml.Node, place string, err error) error {
	return &fault{node.Line, r.list.path(place), err}
}

func (r yamlList) entry(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return r.wrongAt(node, "", errNotEntry)
	}
	var e entry
	err := r.fields(node, "", func(key, value *yaml.Node) error {
		switch key.Value {
		case "targets":
			return r.targets(&e, value)
		case "labels":
			return r.labels(&e, value)
		}
		return r.wrongAt(key, "", errUnknown(key.Value))
	})
	if err != nil {
		return err
	}
	return r.list.end(e)
}

// fields reads a mapping, and each of its fields by one.
func (r yamlList) fields(node *yaml.Node, place string, one func(key, value *yaml.Node) error) error {
	seen := make(map[string]bool)
	for i := 0; i < len(node.Content); i += 2 {
		key, value := resolve(node.Content[i]), resolve(node.Content[i+1])
		switch {
		case key.ShortTag() == "!!merge":
			return r.wrongAt(key, place, errMerge)
		case seen[key.Value]:
			return r.wrongAt(key, place, errTwice(key.Value))
		}
		seen[key.Value] = true
		if err := one(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (r yamlList) targets(e *entry, node *yaml.Node) error {
	switch {
	case isNull(node): // is none, as Prometheus has it
		return nil
	case node.Kind != yaml.SequenceNode:
		return r.wrongAt(node, ".targets", errNotTargets)
	}
	for i, item := range node.Content {
		item = resolve(item)
		if item.Kind != yaml.ScalarNode || isNull(item) {
			return r.wrongAt(item, targetPlace(i), errNotTarget)
		}
		if err := e.target(item.Value, item.Line); err != nil {
			return r.wrongAt(item, ".targets", err)
		}
	}
	return nil
}

func (r yamlList) labels(e *entry, node *yaml.Node) error {
	switch {
	case isNull(node):
		return nil
	case node.Kind != yaml.MappingNode:
		return r.wrongAt(node, ".labels", errNotLabels)
	}
	return r.fields(node, ".labels", func(key, value *yaml.Node) error {
		text := value.Value // a number or a truth, too, is what is written
		switch {
		case value.Kind != yaml.ScalarNode:
			return r.wrongAt(value, labelPlace(key.Value), errNotValue)
		case isNull(value):
			text = ""
		}
		if err := e.label(key.Value, text); err != nil {
			return r.wrongAt(value, labelPlace(key.Value), err)
		}
		return nil
	})
}

// resolve gives what an alias stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }
