package discovery

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func seed(f *testing.F, more ...string) {
	for _, text := range append(more,
		`[]`,
		`[{"targets": ["10.0.0.1:8000", "https://a/b"], "labels": {"env": "prod", "__scheme__": "https", "__meta_x": "y"}}]`,
		"[{\"targets\": [\"a\",\n\"b:x\"]}, {\"labels\": null}]",
		`[{"targets": ["\ud800", "a\u0000"], "labels": {"a": "1", "a": "2"}}]`,
		`[{"targets": ["a"`, `[[[[`, `{"targets": []}`, `[{"targets": 1}]`,
	) {
		f.Add([]byte(text))
	}
}

// checkTargets holds whatever was read of a list to what all else relies on.
func checkTargets(t *testing.T, targets []Target) {
	t.Helper()
	if len(targets) > maxTargets {
		t.Errorf("%d targets", len(targets))
	}
	for _, target := range targets {
		if _, err := ReadTarget(target.URL); err != nil {
			t.Error(err)
		}
		if len(target.Labels) > maxLabels || !slices.IsSortedFunc(target.Labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("labels %v", target.Labels)
		}
		for i, label := range target.Labels {
			if !labelName.MatchString(label.Name) || strings.HasPrefix(label.Name, "__") || label.Value == "" || len(label.Value) > maxLabelValue ||
				i > 0 && target.Labels[i-1].Name == label.Name {
				t.Errorf("labels %v", target.Labels)
			}
		}
	}
}

// What is read of JSON is a list to encoding/json as well, with the same targets.
func FuzzJSON(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		targets, err := targetsOf(content, parseJSON, "http")
		if err != nil {
			return
		}
		checkTargets(t, targets)
		var groups []struct {
			Targets []string          `json:"targets"`
			Labels  map[string]string `json:"labels"`
		}
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&groups); err != nil {
			t.Fatalf("read, but encoding/json says: %v", err)
		}
		count := 0
		for _, group := range groups {
			for _, text := range group.Targets {
				if !strings.HasSuffix(targets[count].URL, text) {
					t.Errorf("target %d is %q, want %q", count, targets[count].URL, text)
				}
				count++
			}
		}
		if count != len(targets) {
			t.Errorf("%d targets, want %d", len(targets), count)
		}
	})
}

// What YAML makes of a list is bounded by what is counted beforehand.
func FuzzYAML(f *testing.F) {
	seed(f, "- targets: [a]\n  labels: &l {env: prod}\n- targets:\n  - b\n  labels: *l\n", "- ? a\n  : b\n", "[?,?,a: ,\"b\":c]", "- - - a\n-\r- b", "--- []\n---\n[]", "&a [*a]", "- <<: {}\n", "- #\n# a")
	f.Fuzz(func(t *testing.T, content []byte) {
		targets, err := targetsOf(content, parseYAML, "http")
		if err == nil {
			checkTargets(t, targets)
		}
		var document yaml.Node
		if yaml.Unmarshal(content, &document) == nil {
			if nodes, marks := count(&document), marks(content); nodes > 3*marks+2 {
				t.Errorf("%d nodes of %d marks", nodes, marks)
			}
		}
	})
}

func count(node *yaml.Node) int {
	nodes := 1
	for _, child := range node.Content {
		nodes += count(child)
	}
	return nodes
}
