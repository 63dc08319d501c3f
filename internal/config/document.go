package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxSize of a configuration file, in bytes: several thousand targets, or services. Of the worst file of this size, all
// brackets or commas, YAML's nodes take two hundred times as much memory.
const maxSize = 256 << 10

// document gives the root of the one YAML document in content; nil: there is none that can be read, and r has been
// told why.
func document(r *report, content []byte) *yaml.Node {
	if len(content) > maxSize {
		r.say(place{1, 1, ""}, "the file is larger than 256 KiB; is it a configuration file? If so, name its targets in lists: see file_sd_configs")
		return nil
	}
	if !isText(r, content) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.say(place{1, 1, ""}, "the file is empty; write at least services: with a name and targets or units")
		return nil
	case err != nil:
		r.saySyntax(err, content)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.saySyntax(err, content)
	default:
		r.say(place{second.Line, second.Column, ""}, "a second document begins here; write one document in a file")
	}
	if root := doc.Content[0]; !isNull(root) {
		return root
	}
	r.say(place{1, 1, ""}, "the file is empty; write at least services: with a name and targets or units")
	return nil
}

// isText finds the first character that YAML does not allow.
func isText(r *report, content []byte) bool {
	line, column := 1, 1
	for i := 0; i < len(content); {
		char, size := utf8.DecodeRune(content[i:])
		switch {
		case char == utf8.RuneError && size == 1:
			r.say(place{line, column, ""}, "byte 0x%02x is not UTF-8; is it a configuration file, saved as UTF-8?", content[i])
			return false
		case char < ' ' && char != '\t' && char != '\n' && char != '\r', char == 0x7f, char >= 0x80 && char < 0xa0 && char != 0x85,
			char == 0xfffe, char == 0xffff, char == 0xfeff && i > 0:
			r.say(place{line, column, ""}, "character %U cannot stand in YAML; is it a configuration file? If so, take it out", char)
			return false
		case char == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		i += size
	}
	return true
}

var (
	syntaxLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)
	// What yaml's parser says, in contrast to its scanner: of these it counts lines from 0.
	parserError   = regexp.MustCompile(`^did not find expected (',' or|'-' indicator|<|key|node content)|^found (duplicate|incompatible|undefined)`)
	unknownAnchor = regexp.MustCompile(`^yaml: unknown anchor '(.*)' referenced$`)
)

// saySyntax tells what the parser says. Of the place it knows the line at most.
func (r *report) saySyntax(err error, content []byte) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := place{1, 1, ""}
	if m := syntaxLine.FindStringSubmatch(err.Error()); m != nil {
		at.line, _ = strconv.Atoi(m[1])
		text = m[2]
		if parserError.MatchString(text) {
			at.line++
		}
	}
	if m := unknownAnchor.FindStringSubmatch(err.Error()); m != nil {
		before, _, _ := bytes.Cut(content, []byte("*"+m[1]))
		at.line = 1 + bytes.Count(before, []byte("\n"))
		text = "an alias to nothing" // its name is not repeated: it may be a secret that begins with *
	}
	switch {
	case strings.Contains(text, "alphabetic or numeric"), strings.HasPrefix(text, "an alias"):
		text += `; put text that begins with * or & in quotes, such as "*/5 * * * *"`
	case strings.Contains(text, "cannot start any token"):
		text += `; put text that begins with @, % or a backquote in quotes, such as "@every 15s", and indent with spaces, not tabs`
	case strings.Contains(text, "escape character"):
		text += "; put text with backslashes, such as a regular expression, in single quotes"
	case strings.Contains(text, "tab character"):
		text += "; indent with spaces"
	default:
		text += "; see that colons, quotes, brackets and indentation match"
	}
	r.say(at, "not YAML: %s", text)
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }
