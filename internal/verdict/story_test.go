package verdict_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"postflight/internal/verdict"
)

// Each file is one deployment: what happened, in the words of timelines.txtar, and the document and the report of it.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(path string) bool { return filepath.Base(path) == "timelines.txtar" })
	if len(files) == 0 {
		t.Fatal("no stories")
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			d := played(t, string(archive.Files[0].Data))
			asJSON, err := json.MarshalIndent(d, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			want := &txtar.Archive{Comment: archive.Comment, Files: []txtar.File{
				archive.Files[0],
				{Name: "document.json", Data: append(asJSON, '\n')},
				{Name: "report.txt", Data: []byte(d.Text())},
			}}
			if *update {
				if err := os.WriteFile(path, txtar.Format(want), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(want))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		})
	}
}

// played is what there is to tell once all has happened and been decided.
func played(t *testing.T, events string) verdict.Document {
	t.Helper()
	line := parseTimeline(t, events)
	v, err := verdict.New(line.plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range line.moments {
		m.happen(v)
	}
	return v.At(start.Add(time.Hour))
}
