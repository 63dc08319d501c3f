package discovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxFiles  = maxTargets // of a list
	maxUnread = 10         // files of a list that are told of by name
)

var errTooManyFiles = errors.New("more than 20,000 files; write the targets of many into one")

// fileList reads Files. A file that cannot be read keeps what it named when it last could; one that a pattern no longer
// finds is gone.
type fileList struct {
	Files
	known map[string]reading // by file
	last  []Target           // of all
}

func newFileList(files Files) *fileList { return &fileList{Files: files} }

func (l *fileList) read(context.Context) ([]Target, error) {
	names, unread := l.find()
	if len(names) > maxFiles {
		return l.last, unreadable(l.String(), errTooManyFiles)
	}
	known := make(map[string]reading, len(names))
	var targets []Target
	for _, name := range names {
		now, err := readFile(name, l.known[name], l.Scheme)
		if err != nil {
			unread = append(unread, unreadable(name, err))
		}
		known[name] = now
		if targets = append(targets, now.targets...); len(targets) > maxTargets {
			return l.last, unreadable(l.String(), errTooManyTargets)
		}
	}
	l.known, l.last = known, targets
	if more := len(unread) - maxUnread; more > 0 {
		unread = append(unread[:maxUnread], fmt.Errorf("and %d more of %s", more, l))
	}
	return targets, errors.Join(unread...)
}

// find lists the files in the order in which they are read, each once.
func (l *fileList) find() (names []string, unread []error) {
	seen := make(map[string]bool)
	for _, pattern := range l.Names {
		found := []string{pattern}
		if strings.ContainsAny(pattern, `*?[\`) {
			var err error
			if found, err = l.match(pattern); err != nil {
				unread = append(unread, unreadable(pattern, err))
			}
		}
		for _, name := range found {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names, unread
}

// match lists the files that a pattern finds, sorted. If their folder cannot be read, those are looked for that it held
// when it last could be. (filepath.Glob would find none, and the targets would be lost without a word.)
func (l *fileList) match(pattern string) ([]string, error) {
	folder, last := filepath.Split(pattern)
	folder = filepath.Clean(folder)
	if _, err := filepath.Match(last, ""); err != nil {
		return nil, errors.New("not a pattern; see that brackets match")
	}
	var found []string
	consider := func(name string) {
		if matches, _ := filepath.Match(last, filepath.Base(name)); matches {
			found = append(found, name)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		for _, name := range slices.Sorted(maps.Keys(l.known)) {
			if filepath.Dir(name) == folder {
				consider(name)
			}
		}
		return found, fmt.Errorf("its folder: %w", plain(err))
	}
	for _, entry := range entries {
		consider(filepath.Join(folder, entry.Name()))
	}
	return found, nil
}

// String names the list in messages.
func (l *fileList) String() string { return strings.Join(l.Names, ", ") }
