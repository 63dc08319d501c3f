package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	heading   = regexp.MustCompile(`(?m)^#+ `)
	tableRow  = regexp.MustCompile("(?m)^\\| (`[^`]*`|\\d) \\|")
	comment   = regexp.MustCompile(`(?m) *#.*$`)
)

// Both have as many headings, and the same tables, commands and configurations, with the same output.
func TestTheReadmesAreInStep(t *testing.T) {
	t.Parallel()
	type outline struct{ Headings, Rows, Blocks []string }
	outlineOf := func(file string) outline {
		content, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		o := outline{Rows: tableRow.FindAllString(string(content), -1)}
		for _, block := range codeBlock.FindAllString(string(content), -1) {
			o.Blocks = append(o.Blocks, comment.ReplaceAllString(block, ""))
		}
		o.Headings = heading.FindAllString(codeBlock.ReplaceAllString(string(content), ""), -1)
		return o
	}
	english := outlineOf("README.md")
	if len(english.Headings) == 0 || len(english.Rows) == 0 || len(english.Blocks) == 0 {
		t.Fatalf("nothing to compare: %+v", english)
	}
	if diff := cmp.Diff(english, outlineOf("README.zh-CN.md")); diff != "" {
		t.Errorf("README.zh-CN.md differs from README.md:\n%s", diff)
	}
}
