package verdict_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/verdict"
)

// docs/verification.md tells every cause, in the order in which they are told.
func TestEveryCauseIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/verification.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []verdict.Cause
	_, causes, _ := strings.Cut(string(page), "\n## Causes\n")
	causes, _, _ = strings.Cut(causes, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ").FindAllStringSubmatch(causes, -1) {
		told = append(told, verdict.Cause(row[1]))
	}
	if diff := cmp.Diff(verdict.Causes(), told); diff != "" {
		t.Errorf("causes in the order of their importance (-wanted +on the page):\n%s", diff)
	}
}
