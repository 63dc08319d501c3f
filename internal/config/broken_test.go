package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// Each file under testdata/broken holds a configuration and all that is wrong with it.
func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no broken files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) != 2 {
				t.Fatalf("want a configuration and its errors: %v", err)
			}
			c, err := parsed(archive.Files[0].Name, archive.Files[0].Data)
			if err == nil {
				t.Fatalf("accepted as:\n%s", c.YAML())
			}
			got := err.Error() + "\n"
			if *update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Error(diff)
			}
			for _, secret := range []string{"hunter2", "hun%ter2", "hünter2", "123456"} {
				if strings.Contains(got, secret) {
					t.Error("a message repeats a password")
				}
			}
		})
	}
}

func TestFilesThatAreNoText(t *testing.T) {
	for _, tc := range []struct{ name, content, want string }{
		{"empty", "", "f.yml:1:1: the file is empty; write at least services: with a name and targets or units"},
		{"NUL", "services:\n  - \x00", "f.yml:2:5: character U+0000 cannot stand in YAML; is it a configuration file? If so, take it out"},
		{"binary", "\x7fELF\x02\x01", "f.yml:1:1: character U+007F cannot stand in YAML; is it a configuration file? If so, take it out"},
		{"Latin-1", "# caf\xe9\n", "f.yml:1:6: byte 0xe9 is not UTF-8; is it a configuration file, saved as UTF-8?"},
		{"UTF-16", "\xff\xfes\x00e\x00", "f.yml:1:1: byte 0xff is not UTF-8; is it a configuration file, saved as UTF-8?"},
		{"columns count characters", "# 数据库 \x01", "f.yml:1:7: character U+0001 cannot stand in YAML; is it a configuration file? If so, take it out"},
		{"large", strings.Repeat("#\n", 1<<20), "f.yml:1:1: the file is larger than 256 KiB; is it a configuration file? If so, name its targets in lists: see file_sd_configs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse("f.yml", []byte(tc.content))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Depth and aliases cost nothing but a message.
func TestBombsAreDefused(t *testing.T) {
	for name, content := range map[string]string{
		"brackets":   strings.Repeat("[", 100_000),
		"mappings":   "services: " + strings.Repeat("{a: ", 100_000),
		"indents":    strings.Repeat("- ", 100_000),
		"unknown":    "services: [" + strings.Repeat("x,", 100_000) + "]",
		"keys alike": strings.Repeat("a: 1\n", 50_000),
	} {
		if _, err := Parse("f.yml", []byte(content)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestByteOrderMarkIsLetPass(t *testing.T) {
	if _, err := Parse("f.yml", append([]byte("\xef\xbb\xbf"), minimal...)); err != nil {
		t.Error(err)
	}
}

func TestLinesOfWindowsAreLetPass(t *testing.T) {
	if _, err := Parse("f.yml", bytes.ReplaceAll(minimal, []byte("\n"), []byte("\r\n"))); err != nil {
		t.Error(err)
	}
}

func TestNonsenseIsToldInBounds(t *testing.T) {
	_, err := Parse("f.yml", []byte("services: ["+strings.Repeat("x,", 5000)+"]"))
	var all Errors
	if !errors.As(err, &all) || len(all) != 1001 {
		t.Fatalf("%d errors", len(all))
	}
	if got, want := all[1000].Error(), "f.yml:1:2010: there may be more; mend these first"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
