package verdict

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/verification.md tells every cause, in the order in which they are told.
func TestEveryCauseIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/verification.md")
	if err != nil {
		t.Fatal(err)
	}
	var wanted, told []string
	for _, a := range advices {
		wanted = append(wanted, string(a.cause))
	}
	_, causes, _ := strings.Cut(string(page), "\n## Causes\n")
	causes, _, _ = strings.Cut(causes, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ").FindAllStringSubmatch(causes, -1) {
		told = append(told, row[1])
	}
	if diff := cmp.Diff(wanted, told); diff != "" {
		t.Errorf("causes in the order of their importance (-wanted +on the page):\n%s", diff)
	}
}
