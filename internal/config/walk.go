package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is what the walk made of one node.
type value struct {
	place
	node   *yaml.Node        // of a scalar, as it was written
	got    any               // of a scalar; nil: it is wrong, which has been told
	items  []*value          // of a list
	fields map[string]*value // of a mapping, or by name
	names  []string          // of fields, as they stand in the file
	wrong  bool              // not what was wanted here, which has been told
}

// field gives the value of a key; nil: there is none.
func (v *value) field(name string) *value {
	if v == nil {
		return nil
	}
	return v.fields[name]
}

// list gives the items of a list.
func (v *value) list(name string) []*value {
	if f := v.field(name); f != nil {
		return f.items
	}
	return nil
}

// get gives what was read of a key, or otherwise where there is nothing, or nothing right.
func get[T any](v *value, name string, otherwise T) T {
	if f := v.field(name); f != nil && f.got != nil {
		return f.got.(T)
	}
	return otherwise
}

// walker goes over the nodes once, along the table.
type walker struct {
	*report
	table table
}

// walk reads a node that should be of a kind. pattern is its path as the table has it.
func (w *walker) walk(node *yaml.Node, k kind, at place, pattern, example string) *value {
	at.line, at.column = node.Line, node.Column
	v := &value{place: at}
	if node.Anchor != "" {
		w.say(at, "anchors are not allowed; write the value out wherever it is wanted")
	}
	want := map[form]yaml.Kind{scalar: yaml.ScalarNode, list: yaml.SequenceNode, mapping: yaml.MappingNode, byName: yaml.MappingNode}[k.form]
	switch {
	case node.Style&yaml.TaggedStyle != 0:
		w.say(at, "tags are not allowed; leave it out")
		v.wrong = true
	case node.Kind == yaml.AliasNode:
		w.say(at, `aliases are not allowed; write the value out, or in quotes if it is text that begins with *`)
		v.wrong = true
	case isNull(node):
		w.say(at, "there is no value; write one, or leave this out")
		v.wrong = true
	case node.Kind != want:
		w.say(at, "a %s is wanted here, not %s; %s", k.name, describeNode(node), w.instead(k, pattern, example))
		v.wrong = true
	case k.form == scalar:
		w.scalar(v, node, k)
	case k.form == list:
		w.list(v, node, k, pattern)
	default:
		w.fields(v, node, k, pattern)
	}
	return v
}

// list reads the items of a list, as many as there may be.
func (w *walker) list(v *value, node *yaml.Node, k kind, pattern string) {
	items := node.Content
	if k.most > 0 && len(items) > k.most {
		w.say(v.place, "the list has %d items; write %d at most", len(items), k.most)
		items = items[:k.most]
	}
	for i, item := range items {
		if w.full() {
			break
		}
		place := place{path: fmt.Sprintf("%s[%d]", v.path, i)}
		v.items = append(v.items, w.walk(item, *k.items, place, pattern+"[]", ""))
	}
}

// scalar reads the text of a node.
func (w *walker) scalar(v *value, node *yaml.Node, k kind) {
	if problem := wrongTag(node, k); problem != "" {
		w.say(v.place, "%s", problem)
		v.wrong = true
		return
	}
	v.node = node
	got, err := k.parse(node.Value)
	if err != nil {
		w.sayOf(v, err)
		v.wrong = true
		return
	}
	v.got = got
}

// wrongTag says that a scalar is of another type than is wanted; empty: it is not.
func wrongTag(node *yaml.Node, k kind) string {
	tag := node.ShortTag()
	switch {
	case k.takes(tag):
		return ""
	case k.tag == textTag && k.secret:
		return describeNode(node) + " is not text; write it in quotes"
	case k.tag == textTag:
		return fmt.Sprintf("%s is not text; write it in quotes: %q", describeNode(node), node.Value)
	case tag == textTag && k.takes((&yaml.Node{Kind: yaml.ScalarNode, Value: node.Value}).ShortTag()):
		return quote(node.Value) + " is text; leave the quotes out"
	case k.tag == booleanTag:
		return quote(node.Value) + " is neither true nor false; write true or false"
	case k.tag == decimalTag:
		return quote(node.Value) + " is not a number; write one such as 1 or 0.5"
	default:
		return fmt.Sprintf("%s is not a whole number; write one from %s", quote(node.Value), k.limits)
	}
}

// takes reports whether a scalar of this YAML type may stand here.
func (k kind) takes(tag string) bool {
	return k.tag == "" || tag == k.tag || k.tag == decimalTag && tag == numberTag
}

// fields reads the keys of a mapping, or its names.
func (w *walker) fields(v *value, node *yaml.Node, k kind, pattern string) {
	v.fields = map[string]*value{}
	lines := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, content := node.Content[i], node.Content[i+1]
		at := place{name.Line, name.Column, join(v.path, name)}
		if name.Kind != yaml.ScalarNode {
			w.say(at, "a key is plain text, not %s; write a key", describeNode(name))
			continue
		}
		if name.Anchor != "" {
			w.say(at, "anchors are not allowed; leave it out")
		}
		if first, twice := lines[name.Value]; twice {
			w.say(at, "this key is here twice, first in line %d; keep one of them", first)
			continue
		}
		lines[name.Value] = name.Line
		var field *value
		if k.form == byName {
			field = w.named(name, content, k, at, pattern)
		} else {
			field = w.known(name, content, at, pattern)
		}
		if field != nil {
			v.fields[name.Value] = field
			v.names = append(v.names, name.Value)
		}
	}
}

// named reads what stands by a name of one's own choice.
func (w *walker) named(name, content *yaml.Node, k kind, at place, pattern string) *value {
	if err := k.named(name.Value); err != nil {
		w.say(at, "%s", err)
		return nil
	}
	return w.walk(content, *k.items, at, pattern+".<name>", "")
}

// known reads what stands by a key of the table.
func (w *walker) known(name, content *yaml.Node, at place, pattern string) *value {
	k, ok := w.table.find(pattern, name.Value)
	if !ok {
		w.say(at, "%s", w.unknown(name, pattern))
		return nil
	}
	return w.walk(content, k.kind, at, k.path, k.example)
}

// unknown tells what may have been meant by a key that is not in the table.
func (w *walker) unknown(name *yaml.Node, pattern string) string {
	if name.ShortTag() == "!!merge" {
		return "merge keys are not allowed; write the keys out"
	}
	if name.Value == "insecure_skip_verify" {
		return "certificates are always verified; leave it out, and name the file with the authority's certificate as ca_file"
	}
	names := w.table.names(pattern)
	if meant, ok := nearest(name.Value, names); ok {
		return "unknown key; did you mean " + meant + "?"
	}
	var elsewhere []string
	for _, k := range keys {
		if parent, own := k.split(); own == name.Value {
			elsewhere = append(elsewhere, parent)
		}
	}
	if len(elsewhere) > 0 {
		if elsewhere[0] == "" {
			elsewhere[0] = "the top of the file"
		}
		return "unknown key here; it belongs in " + strings.Join(elsewhere, " or ")
	}
	return "unknown key; leave it out, or write one of " + strings.Join(names, ", ")
}

// instead tells what to write where a node has the wrong form.
func (w *walker) instead(k kind, pattern, example string) string {
	switch {
	case example != "":
		return "write it such as " + example
	case k.form == mapping:
		return "write one or more of the keys " + strings.Join(w.table.names(pattern), ", ")
	default:
		return "write one"
	}
}

// join makes the path of a key. A key that is no plain word may be anything at all.
func join(path string, name *yaml.Node) string {
	own := name.Value
	if name.Kind != yaml.ScalarNode || !validName.MatchString(own) {
		own = "?"
	}
	if path == "" {
		return own
	}
	return path + "." + own
}

func describeNode(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch node.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	default:
		return "text"
	}
}
