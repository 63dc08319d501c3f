// Package docs holds pages to what they say.
package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// page is a page's text.
type page string

func readPage(t *testing.T, file string) page {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return page(text)
}

var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// block is the only one of a language that holds a text.
func (p page) block(t *testing.T, language, holds string) string {
	t.Helper()
	var found []string
	for _, b := range block.FindAllStringSubmatch(string(p), -1) {
		if b[1] == language && strings.Contains(b[2], holds) {
			found = append(found, b[2])
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of %s hold %q, want one", len(found), language, holds)
	}
	return found[0]
}
