package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"postflight/internal/app"
)

// version is set by the linker in releases.
var version = ""

type versionCommand struct{}

func (versionCommand) Run(inv *invocation) error {
	b := buildInfo()
	fmt.Fprintf(inv.stdout, "postflight %s (revision %s, %s)\n", b.Version, b.Revision, b.GoVersion)
	return nil
}

// buildInfo is what the linker and the Go tool wrote into the binary, `unknown` where they wrote nothing.
func buildInfo() app.Build {
	b := app.Build{Version: version, Revision: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
		if b.Version == "" && info.Main.Version != "(devel)" {
			b.Version = info.Main.Version
		}
	}
	if b.Version == "" {
		b.Version = "unknown"
	}
	return b
}
