package discovery_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// times gives a list of n items.
func times(n int, begin, item, between, end string) string {
	return begin + strings.Repeat(item+between, n-1) + item + end
}

func TestHowMuchAListMayHold(t *testing.T) {
	const tooMany = "more than 20,000 targets; divide the list into several, or its targets among services"
	for _, tc := range []struct{ what, file, content, problem string }{
		{"20,000 targets", "a.json", times(20_000, `[{"targets":[`, `"a"`, ",", "]}]"), ""},
		{"20,001 targets", "a.json", times(20_001, `[{"targets":[`, `"a"`, ",", "]}]"), "line 1, [0].targets: " + tooMany},
		{"20,001 targets in YAML", "a.yml", times(20_001, "- targets:\n", "  - a", "\n", "\n"), "line 20002, [0].targets: " + tooMany},
		{"20,001 targets in entries", "a.json", times(10_001, "[", `{"targets":["a","b"]}`, ",", "]"), "line 1, [10000].targets[0]: " + tooMany},
		{"20,000 entries", "a.json", times(20_000, "[", "{}", ",", "]"), ""},
		{"20,001 entries", "a.json", times(20_001, "[", "{}", ",", "]"), "line 1: more than 20,000 entries; write targets that have the same labels as one entry"},
		{"20,001 entries in YAML", "a.yml", times(20_001, "", "- {}", "\n", ""), "line 20001: more than 20,000 entries; write targets that have the same labels as one entry"},
		{"10,000 targets with labels of their own in YAML", "a.yml", times(10_000, "", "- targets: ['http://10.0.0.1:8000/base']\n  labels: {env: prod, zone: eu-1, host: a-1, team: core, tier: web}\n", "", ""), ""},
		{"more values in YAML than it is read of", "a.yml", times(200_001, "[", "{}", ",", "]"), "more than YAML can be read of within bounds; write the list as JSON, which is read as it comes"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			name := write(t, t.TempDir(), tc.file, tc.content)
			want := ""
			if tc.problem != "" {
				want = name + ": " + tc.problem
			}
			if got := files(name).Read(t.Context()).Problem; got != want {
				t.Errorf("got:  %s\nwant: %s", got, want)
			}
		})
	}
}

// A file may be full of the dearest things that its format knows. All that is ever allocated for it is counted, so no
// more than that can be held at once.
func TestMemoryIsBounded(t *testing.T) {
	const most, size, marks = 160 << 20, 4 << 20, 200_000
	for _, tc := range []struct {
		what, file, begin, again, end string
		times                         int
	}{
		{"targets", "a.json", `[{"targets":[`, `"a",`, `"a"]}]`, size/4 - 10},
		{"entries", "a.json", `[`, `{},`, `{}]`, size/3 - 10},
		{"brackets", "a.json", ``, `[`, ``, size},
		{"keys", "a.json", `[{"labels":{`, `"__a":"",`, `"b":""}}]`, size/9 - 10},
		{"one long text", "a.json", `[{"targets":["`, `a`, `"]}]`, size - 30},
		{"YAML's texts", "a.yml", "[", "a,", "]", marks - 1},
		{"YAML's pairs", "a.yml", "{", "?-,", "}", marks/2 - 1},
		{"YAML's keys", "a.yml", "- labels:\n", "   __a:\n", "", marks - 2},
		{"YAML's brackets", "a.yml", "", "[", "", marks},
		{"YAML's comments on entries", "a.yml", "", "- #\n", "", marks / 2},
		{"YAML's one long text", "a.yml", "- targets: [", "a ", "]", size/2 - 10},
	} {
		t.Run(tc.what, func(t *testing.T) {
			content := tc.begin + strings.Repeat(tc.again, tc.times) + tc.end
			lists := files(write(t, t.TempDir(), tc.file, content))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			found := lists.Read(t.Context())
			runtime.ReadMemStats(&after)
			if strings.Contains(found.Problem, "larger than") || strings.Contains(found.Problem, "within bounds") {
				t.Fatalf("want it read: %s", found.Problem)
			}
			took := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d KiB: %d MiB allocated", len(content)>>10, took>>20)
			if took > most {
				t.Errorf("%d MiB were allocated, at most %d MiB are allowed", took>>20, most>>20)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	var json, yaml strings.Builder
	before := "["
	for n := range 10_000 {
		address := fmt.Sprintf("10.0.%d.%d:8000", n/250, n%250)
		fmt.Fprintf(&json, "%s\n{\"targets\": [%q], \"labels\": {\"env\": \"prod\", \"host\": \"backend-%d\"}}", before, address, n)
		before = ","
		fmt.Fprintf(&yaml, "- targets: [%q]\n  labels: {env: prod, host: backend-%d}\n", address, n)
	}
	json.WriteString("]")
	for name, content := range map[string]string{"10000.json": json.String(), "10000.yml": yaml.String()} {
		b.Run(name, func(b *testing.B) {
			lists := files(write(b, b.TempDir(), name, content))
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				if found := lists.Read(b.Context()); len(found.Targets) != 10_000 {
					b.Fatal(found.Problem)
				}
			}
		})
	}
}
