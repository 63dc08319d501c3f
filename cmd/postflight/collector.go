package main

import (
	"runtime/debug"

	"postflight/internal/config"
)

// tuneCollector keeps a daemon with few checks small. Go lets a heap of 1 MiB grow to 4 MiB before it collects; half of
// that saves 3 MiB, and what the collector then does more is nothing beside a few probes a second. With many checks it
// is the CPU that counts, and Go's own setting stays. So it does where GOGC is set.
func tuneCollector(cfg *config.Config, getenv func(string) string) {
	const few, percent = 100, 50
	checks := 0
	for _, service := range cfg.Services {
		checks += len(service.Targets) * len(service.Checks)
		if len(service.Files)+len(service.HTTP) > 0 { // nobody knows how many targets they name
			return
		}
	}
	if checks <= few && getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
