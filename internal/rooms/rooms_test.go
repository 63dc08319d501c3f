// Package rooms holds the architecture to its word: which way imports go, and which library lives where.
package rooms

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// ranks is the table of docs/architecture.md. Imports go strictly down.
var ranks = map[string]int{
	"postflight/probe":            0,
	"postflight/internal/latency": 0,
	"postflight/internal/regular": 0,

	"postflight/internal/expect":  1,
	"postflight/internal/hook":    1,
	"postflight/internal/verdict": 1,

	"postflight/probe/httpprobe":   2,
	"postflight/probe/unitprobe":   2,
	"postflight/internal/schedule": 2,

	"postflight/internal/logpattern": 2,

	"postflight/internal/builtin":     3,
	"postflight/internal/credentials": 3,
	"postflight/internal/discovery":   3,
	"postflight/probe/journalprobe":   3,

	"postflight/internal/config": 4,
	"postflight/internal/state":  4,

	"postflight/internal/deployment": 5,

	"postflight/exporter":        6,
	"postflight/internal/client": 6,
	"postflight/internal/web":    6,

	"postflight/internal/app":   7,
	"postflight/internal/demo":  8,
	"postflight/cmd/postflight": 9,
}

// homes says which packages alone may import a library.
var homes = map[string][]string{
	"github.com/go-resty/resty/v2":        {"postflight/probe/httpprobe"},
	"github.com/robfig/cron/v3":           {"postflight/internal/schedule"},
	"github.com/godbus/dbus/v5":           {"postflight/probe/unitprobe", "postflight/internal/hook"},
	"github.com/coreos/go-systemd/v22/":   {"postflight/probe/unitprobe", "postflight/internal/app"},
	"github.com/prometheus/client_golang": {"postflight/exporter", "postflight/internal/app"},
	"github.com/expr-lang/expr":           {"postflight/internal/expect"},
	"os/exec":                             {"postflight/internal/demo", "postflight/internal/hook", "postflight/probe/journalprobe"},
	"go.uber.org/zap":                     {"postflight/internal/app", "postflight/internal/demo", "postflight/cmd/postflight"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsGoStrictlyDown(t *testing.T) {
	for _, p := range packages(t) {
		rank, known := ranks[p.ImportPath]
		if !known {
			t.Errorf("%s has no rank: give it one here and in docs/architecture.md", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if below, ours := ranks[imported]; ours && below >= rank {
				t.Errorf("%s (rank %d) imports %s (rank %d)", p.ImportPath, rank, imported, below)
			}
		}
	}
}

func TestEachLibraryHasItsHome(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			for library, home := range homes {
				if within(imported, library) && !slices.Contains(home, p.ImportPath) {
					t.Errorf("%s imports %s, which belongs to %s", p.ImportPath, imported, strings.Join(home, ", "))
				}
			}
		}
	}
}

func TestTheVocabularyIsStandardLibraryOnly(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != "postflight/probe" {
			continue
		}
		for _, imported := range p.Imports {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
		return
	}
	t.Error("postflight/probe is not in the list of packages")
}

// packages lists the program: what the main package is made of, tests apart.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", "postflight/cmd/postflight").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var ours []goPackage
	seen := maps.Clone(ranks)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if within(p.ImportPath, "postflight") {
			ours = append(ours, p)
			delete(seen, p.ImportPath)
		}
	}
	for path := range seen {
		t.Errorf("%s has a rank but is not part of the program", path)
	}
	return ours
}

func within(path, library string) bool {
	return path == strings.TrimSuffix(library, "/") || strings.HasPrefix(path, strings.TrimSuffix(library, "/")+"/")
}
