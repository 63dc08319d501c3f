package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/regular"
)

// polling is how often files are looked at that may change while the daemon runs.
const polling = 2 * time.Second

// followReleaseFiles tells the store which release the files name, now and whenever one changes.
func (e *engine) followReleaseFiles(ctx context.Context) {
	again := time.NewTicker(polling)
	defer again.Stop()
	said := map[string]string{} // what is wrong, by service
	for {
		wrong := map[string]string{}
		for service, file := range e.releaseFiles() {
			release, err := readRelease(file)
			if err == nil {
				e.tookRelease(service, file, release)
				continue
			}
			if wrong[service] = err.Error(); wrong[service] != said[service] {
				e.options.log.Warn("release file not read", zap.String("service", service), zap.Error(err))
			}
		}
		said = wrong
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// releaseFiles are the files that name a release, by service.
func (e *engine) releaseFiles() map[string]string {
	e.changing.Lock()
	defer e.changing.Unlock()
	files := map[string]string{}
	for _, s := range e.services {
		if release := s.config.Release; release != nil && release.File != "" {
			files[s.config.Name] = release.File
		}
	}
	return files
}

// tookRelease tells the store which release a file names, unless a change has meanwhile made another source say that.
func (e *engine) tookRelease(service, file, release string) {
	e.changing.Lock()
	defer e.changing.Unlock()
	s := e.service(service)
	if s != nil && s.config.Release != nil && s.config.Release.File == file {
		e.store.FoldRelease(service, release, time.Now())
	}
}

// releaseSource says where the release is read, so that what another source told is forgotten.
func releaseSource(release *config.Release) string {
	switch {
	case release == nil:
		return ""
	case release.File != "":
		return "file " + release.File
	default:
		return "check " + release.Check + ": " + release.From.String()
	}
}

// readRelease reads the first line of a file that names a release.
func readRelease(name string) (string, error) {
	const most = 4 << 10
	content, err := regular.Read(name, most)
	if err != nil {
		return "", fmt.Errorf("reading the release: %s: %w", name, err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(content)), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("reading the release: %s: it is empty", name)
	}
	return line, nil
}
