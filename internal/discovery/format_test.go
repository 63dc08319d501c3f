package discovery_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/discovery"
)

// write makes a file in folder and gives its name.
func write(t testing.TB, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// files are a list of files with the default scheme.
func files(names ...string) discovery.Lists {
	return discovery.Lists{Files: []discovery.Files{{Names: names, RefreshInterval: 30 * time.Second, Scheme: "http"}}}
}

// shown gives targets as "URL name=value …".
func shown(targets []discovery.Target) []string {
	var lines []string
	for _, target := range targets {
		line := target.URL
		for _, label := range target.Labels {
			line += fmt.Sprintf(" %s=%q", label.Name, label.Value)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestWhatAListMayHold(t *testing.T) {
	for _, tc := range []struct {
		what, file, content string
		want                []string
	}{
		{"no targets", "a.json", `[]`, nil},
		{"no targets, in YAML", "a.yml", `[]`, nil},
		{"host:port", "a.json", `[{"targets": ["10.0.0.1:8000", "b:8000"]}]`, []string{"http://10.0.0.1:8000", "http://b:8000"}},
		{"a host: the scheme's own port", "a.json", `[{"targets": ["a"]}]`, []string{"http://a"}},
		{"IPv6", "a.json", `[{"targets": ["[::1]:8000"]}]`, []string{"http://[::1]:8000"}},
		{"URLs stay as they are", "a.json", `[{"targets": ["https://a/base", "http://b/"]}]`, []string{"https://a/base", "http://b/"}},
		{"labels, sorted", "a.json", `[{"targets": ["a"], "labels": {"zone": "b", "env": "pröd"}}]`, []string{`http://a env="pröd" zone="b"`}},
		{"labels first", "a.json", `[{"labels": {"env": "prod"}, "targets": ["a"]}]`, []string{`http://a env="prod"`}},
		{"each entry its own labels", "a.json", `[{"targets": ["a"], "labels": {"n": "1"}}, {"targets": ["b"]}]`, []string{`http://a n="1"`, "http://b"}},
		{"empty labels are none", "a.json", `[{"targets": ["a"], "labels": {"env": "", "zone": null}}]`, []string{"http://a"}},
		{"labels for Prometheus alone are left out", "a.json", `[{"targets": ["a"], "labels": {"__meta_dc": "x", "__metrics_path__": "/m", "env": "prod"}}]`, []string{`http://a env="prod"`}},
		{"whatever they are", "a.json", `[{"targets": ["a"], "labels": {"__a-b": "` + strings.Repeat("x", 1000) + `"}}]`, []string{"http://a"}},
		{"__scheme__ is heeded", "a.json", `[{"targets": ["a", "http://b"], "labels": {"__scheme__": "https"}}, {"targets": ["c"]}]`, []string{"https://a", "http://b", "http://c"}},
		{"null is none", "a.json", `[{"targets": null, "labels": null}, {"targets": ["a"]}, {}]`, []string{"http://a"}},
		{"a target twice: the first counts", "a.json", `[{"targets": ["a", "A:80", "http://a/"], "labels": {"n": "1"}}, {"targets": ["a"], "labels": {"n": "2"}}]`, []string{`http://a n="1"`}},
		{"YAML", "a.yml", "- targets: ['a:1', b:2]\n  labels:\n    env: prod\n- targets:\n  - https://c\n", []string{`http://a:1 env="prod"`, `http://b:2 env="prod"`, "https://c"}},
		{"a longer name for YAML", "a.YAML", "- targets: [a]\n  labels:\n", []string{"http://a"}},
		{"YAML takes numbers as they are written", "a.yml", "- targets: [a]\n  labels: {shard: 007, on: true, none: ~}\n", []string{`http://a on="true" shard="007"`}},
		{"YAML's aliases", "a.yml", "- targets: [a]\n  labels: &prod {env: prod}\n- targets: [b]\n  labels: *prod\n", []string{`http://a env="prod"`, `http://b env="prod"`}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			found := files(write(t, t.TempDir(), tc.file, tc.content)).Read(t.Context())
			if found.Problem != "" || found.LastSuccess.IsZero() {
				t.Fatalf("not read: %+v", found)
			}
			if diff := cmp.Diff(tc.want, shown(found.Targets)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatMakesAListUnreadable(t *testing.T) {
	long := strings.Repeat("x", 129)
	var labels []string
	for n := range 33 {
		labels = append(labels, fmt.Sprintf(`"l%d": "x"`, n))
	}
	for _, tc := range []struct{ what, file, content, problem string }{
		{"nothing", "a.json", "", `empty; was it cut short? A list of no targets is written []`},
		{"white space", "a.yml", " \n", `empty; was it cut short? A list of no targets is written []`},
		{"a comment", "a.yml", "# none\n", `empty; was it cut short? A list of no targets is written []`},
		{"null", "a.yml", "~\n", `empty; was it cut short? A list of no targets is written []`},
		{"JSON's null", "a.json", "null", `line 1: not a list; write it such as [{"targets": ["127.0.0.1:8000"]}]`},
		{"not UTF-8", "a.json", "[{\"targets\": [\"\xff\"]}]", `not UTF-8; is it a list of targets, saved as UTF-8?`},
		{"4 MiB and more", "a.json", "[]" + strings.Repeat(" ", 4<<20), `larger than 4 MiB; divide the list into several`},
		{"another format", "a.toml", "[]", `of no known format; let its name end in .json, .yml or .yaml`},

		{"one entry, no list", "a.json", `{"targets": ["a"]}`, `line 1: not a list; write it such as [{"targets": ["127.0.0.1:8000"]}]`},
		{"one entry, no list, in YAML", "a.yml", "targets: [a]", `line 1: not a list; write it such as [{"targets": ["127.0.0.1:8000"]}]`},
		{"targets without an entry", "a.json", "[\n\"a\"]", `line 2, [0]: not an entry; write it such as {"targets": ["127.0.0.1:8000"], "labels": {"env": "prod"}}`},
		{"null as an entry", "a.yml", "- targets: [a]\n-\n", `line 2, [1]: not an entry; write it such as {"targets": ["127.0.0.1:8000"], "labels": {"env": "prod"}}`},
		{"an unknown key", "a.json", "[{\"targets\": [\"a\"],\n \"label\": {}}]", `line 2, [0]: unknown key "label"; an entry has targets and labels`},
		{"an unknown key in YAML", "a.yml", "- targets: [a]\n  tags: b\n", `line 2, [0]: unknown key "tags"; an entry has targets and labels`},
		{"a key twice", "a.json", `[{"targets": ["a"], "targets": ["b"]}]`, `line 1, [0]: "targets" stands here twice; leave one out`},
		{"a key twice in YAML", "a.yml", "- targets: [a]\n  targets: [b]\n", `line 2, [0]: "targets" stands here twice; leave one out`},
		{"a label twice", "a.json", `[{"labels": {"a": "1", "a": "2"}}]`, `line 1, [0].labels: "a" stands here twice; leave one out`},
		{"one target, no list", "a.json", `[{"targets": "a"}]`, `line 1, [0].targets: not a list; write it such as ["127.0.0.1:8000"]`},
		{"one target, no list, in YAML", "a.yml", "- targets: a\n", `line 1, [0].targets: not a list; write it such as ["127.0.0.1:8000"]`},
		{"a number as a target", "a.json", `[{"targets": ["a", 8000]}]`, `line 1, [0].targets[1]: not a target; write it such as "127.0.0.1:8000"`},
		{"null as a target", "a.yml", "- targets: [a, ~]\n", `line 1, [0].targets[1]: not a target; write it such as "127.0.0.1:8000"`},
		{"labels as a list", "a.json", `[{"labels": ["a"]}]`, `line 1, [0].labels: no labels; write them such as {"env": "prod"}`},
		{"labels as a list in YAML", "a.yml", "- labels: [a]\n", `line 1, [0].labels: no labels; write them such as {"env": "prod"}`},
		{"a number as a label", "a.json", `[{"labels": {"n": 1}}]`, `line 1, [0].labels."n": not text; put it in quotes`},
		{"a list as a label", "a.yml", "- labels:\n    n: [a]\n", `line 2, [0].labels."n": not text; put it in quotes`},
		{"merged labels", "a.yml", "- labels: &a {n: m}\n- labels: {<<: *a}\n", `line 2, [1].labels: merging with << is not read; write the labels out, or as an alias of all of them`},

		{"JSON cut short", "a.json", "[{\"targets\": [\"a\",\n\"b", `line 2: the list ends too early; write a new file beside it and rename that, so that no half of it is read`},
		{"JSON cut short between values", "a.json", "[{\"targets\": [\"a\"", `line 1: the list ends too early; write a new file beside it and rename that, so that no half of it is read`},
		{"not JSON", "a.json", "[\n{targets: [a]}]", `line 2: not JSON: invalid character 't'; see that commas, quotes and brackets match`},
		{"a comma too many", "a.json", "[{\"targets\": [\n\"a\",\n]}]", `line 3: not JSON: invalid character ']' looking for beginning of value; see that commas, quotes and brackets match`},
		{"two lists", "a.json", "[] []", `line 1: more follows the end of the list; write one list in a file`},
		{"not YAML", "a.yml", "- targets: [a\n- b: c\n", `line 2: not YAML: did not find expected ',' or ']'; see that colons, quotes, brackets and indentation match`},
		{"two documents", "a.yml", "- targets: [a]\n---\n- targets: [b]\n", `line 2: a second document begins here; write one list in a file`},

		{"no target", "a.json", `[{"targets": [""]}]`, `line 1, [0].targets[0]: "http://" is not a URL of http or https; write it such as http://127.0.0.1:8000`},
		{"another scheme", "a.json", "[{\"targets\": [\"a\",\n\"b\",\n\"ftp://c\"\n]}]", `line 3, [0].targets[2]: "ftp://c" is not a URL of http or https; write it such as http://127.0.0.1:8000`},
		{"a port that is none", "a.yml", "- targets:\n  - a\n- targets:\n  - b:0\n", `line 4, [1].targets[0]: "http://b:0" has no valid port; write 1 to 65535, or leave the colon out`},
		{"a password", "a.json", `[{"targets": ["https://me:hunter2@a"]}]`, `line 1, [0].targets[0]: a target holds no user or password; name a token file under credentials instead (an @ in a path is written %40)`},
		{"a query", "a.json", `[{"targets": ["http://a/?b=c"]}]`, `line 1, [0].targets[0]: "http://a/?…" is more than a base URL; leave out what begins with ? or #, for each check adds its own path`},
		{"a line break", "a.json", `[{"targets": ["a\nb"]}]`, `line 1, [0].targets[0]: "http://a\nb" holds white space or a control character; leave it out, or write a space as %20`},
		{"another scheme for all", "a.json", `[{"targets": ["a"], "labels": {"__scheme__": "unix"}}]`, `line 1, [0].labels."__scheme__": "unix" is no scheme to ask a target by; write http or https`},

		{"a label's name", "a.json", `[{"labels": {"a-b": "x"}}]`, `line 1, [0].labels."a-b": "a-b" cannot name a label; use letters, digits and underscores, no digit first`},
		{"a label's name without letters", "a.yml", "- labels: {\"\": x}\n", `line 1, [0].labels."": "" cannot name a label; use letters, digits and underscores, no digit first`},
		{"a long label", "a.json", `[{"labels": {"a": "` + long + `"}}]`, `line 1, [0].labels."a": the value is longer than 128 bytes; shorten it, or let the name begin with __ to leave it out`},
		{"many labels", "a.json", `[{"labels": {` + strings.Join(labels, ",") + `}}]`, `line 1, [0].labels."l32": more than 32 labels; let the names of those that nobody needs begin with __ to leave them out`},
	} {
		t.Run(tc.what, func(t *testing.T) {
			name := write(t, t.TempDir(), tc.file, tc.content)
			want := discovery.Found{Problem: name + ": " + tc.problem}
			if diff := cmp.Diff(want, files(name).Read(t.Context())); diff != "" {
				t.Error(diff)
			}
		})
	}
}
