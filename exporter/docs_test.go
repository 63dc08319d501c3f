package exporter

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documented is what docs/metrics.md says of a metric.
type documented struct {
	Kind   kind
	Labels string
}

// TestTheDocumentIsTheTable: no metric that is not told of, and none told of that is not there.
func TestTheDocumentIsTheTable(t *testing.T) {
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("^\\| `(\\S+)` \\| ([a-z ]+) \\| ([a-z, ]*?) ?\\| (\\S.*) \\| (\\S.*) \\|$")
	told := map[string]documented{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("not name, type, labels, meaning and when it is absent: %s", line)
			continue
		}
		if _, twice := told[m[1]]; twice {
			t.Errorf("%s is told of twice", m[1])
		}
		told[m[1]] = documented{Kind: kind(m[2]), Labels: m[3]}
	}
	exported := map[string]documented{}
	for _, m := range append(table[:], ownFamily, logFamily) {
		exported[m.name] = documented{Kind: m.kind, Labels: strings.Join(m.labels, ", ")}
	}
	if diff := cmp.Diff(exported, told); diff != "" {
		t.Errorf("docs/metrics.md (-exported +told):\n%s", diff)
	}
}

// TestQueriesUseMetricsThatExist: a query in the document that misspells a metric finds nothing, without a word.
func TestQueriesUseMetricsThatExist(t *testing.T) {
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range table {
		known[m.name] = true
		if m.kind == histogram {
			known[m.name+"_bucket"], known[m.name+"_count"] = true, true
		}
	}
	found := 0
	for _, name := range regexp.MustCompile(`postflight_[a-z_]+`).FindAllString(string(text), -1) {
		found++
		if !known[name] && !strings.HasPrefix(name, prefix+ownPrefix) && !strings.HasPrefix(name, prefix+logPrefix) {
			t.Errorf("there is no %s", name)
		}
	}
	if found <= len(table) {
		t.Errorf("only %d names found", found)
	}
}
