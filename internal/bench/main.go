// Command bench measures a built postflight against its goals and prints one table. Nothing in it is a test: a figure
// beyond its goal is printed as such, and only what cannot be measured ends it with 1.
//
// The backend and the bare loop that postflight is compared with run as children, so that the CPU of each process is its
// own.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case backendCommand:
			return serveBackend()
		case bareCommand:
			return askPaced(args[1:])
		case driveCommand:
			return drive(args[1:])
		}
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	binary := flags.String("postflight", "./postflight", "the built program")
	only := flags.String("only", "", "measure only the figures whose name holds this")
	if err := flags.Parse(args); err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "postflight-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	backend, err := startBackend()
	if err != nil {
		return err
	}
	defer backend.stop()
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	return measureAll(&bench{binary: path, directory: directory, backend: backend}, *only, out)
}

// bench is what every measurement needs.
type bench struct {
	binary    string
	directory string // for configuration files
	backend   *backend
}

// figure is one goal, and how it is measured.
type figure struct {
	name    string
	goal    string
	measure func(*bench) (measured, error)
}

// measured is one cell of the table: what came, and whether that is within the goal.
type measured struct {
	text   string
	within bool
}

func measureAll(b *bench, only string, out io.Writer) error {
	const row = "%-46s  %-24s  %-6s  %s\n"
	fmt.Fprintf(out, row, "figure", "goal", "", "measured")
	for _, f := range figures() {
		if !strings.Contains(f.name, only) {
			continue
		}
		got, err := f.measure(b)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", f.name, err)
		}
		verdict := "within"
		if !got.within {
			verdict = "beyond"
		}
		fmt.Fprintf(out, row, f.name, f.goal, verdict, got.text)
	}
	return nil
}

func figures() []figure {
	var all []figure
	for _, reuse := range []bool{false, true} {
		for _, rate := range []int{500, 2000} {
			all = append(all, cpuFigure(rate, reuse))
		}
	}
	return append(all, latenessFigure, startFigure, memoryFigure, seriesFigure, judgingFigure,
		reloadFigure(manyTargets), reloadFigure(manyServices), reloadFigure(manyListed), manyMemoryFigure, peerFigure)
}

// median is the middle one of all, which are sorted for that.
func median[T cmp.Ordered](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}
