package config

import (
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// shownText is text of any kind. YAML's encoder writes some that it would read otherwise, so it is told how: on lines of
// their own where they stand there as they are, else in quotes.
type shownText string

func (t shownText) MarshalYAML() (any, error) {
	text := string(t)
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: textTag, Value: text}
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }),
		strings.Contains("\n"+text, "\n\t"), strings.HasPrefix(strings.TrimLeft(text, "\n"), " "):
		node.Style = yaml.DoubleQuotedStyle
	case strings.Contains(text, "\n"):
		node.Style = yaml.LiteralStyle
	default:
		return text, nil
	}
	return node, nil
}
