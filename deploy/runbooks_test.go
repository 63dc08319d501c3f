package deploy

import (
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever is paged finds a section of the alert's name, and no section is about an alert that there is not.
func TestEachAlertHasARunbookThatTellsAll(t *testing.T) {
	var wanted []string
	for _, alert := range alerts(t) {
		wanted = append(wanted, alert.Alert)
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)

	text := read(t, "../docs/runbooks.md")
	headings := regexp.MustCompile(`(?m)^## (Postflight\w+)$`).FindAllStringSubmatchIndex(text, -1)
	var told []string
	for i, at := range headings {
		name, section := text[at[2]:at[3]], text[at[1]:]
		if i+1 < len(headings) {
			section = text[at[1]:headings[i+1][0]]
		}
		told = append(told, name)
		var parts []string
		for _, m := range regexp.MustCompile(`(?m)^\*\*([^*]+)\.\*\* \S`).FindAllStringSubmatch(section, -1) {
			parts = append(parts, m[1])
		}
		want := []string{"It means", "Users notice", "Look first", "Usual causes", "Mend", "It resolves"}
		if diff := cmp.Diff(want, parts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	slices.Sort(told)
	if diff := cmp.Diff(wanted, told); diff != "" {
		t.Errorf("sections of docs/runbooks.md (-alerts +sections):\n%s", diff)
	}
}
