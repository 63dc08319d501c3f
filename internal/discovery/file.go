package discovery

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"postflight/internal/regular"
)

var (
	errNotThere  = errors.New("not there; create it, or take it out of the configuration")
	errForbidden = errors.New("permission denied; let the user that postflight runs as read it")
	errNotFile   = errors.New("not a file; leave it out of the pattern, or move it")
	errExtension = errors.New("of no known format; let its name end in .json, .yml or .yaml")
)

// reading is what was last read. The zero reading is of nothing.
type reading struct {
	sum     [sha256.Size]byte // of the content: what has not changed is not parsed again
	targets []Target
}

// again gives the reading of content, which may be that of before.
func (r reading) again(content []byte, parse parser, scheme string) (reading, error) {
	sum := sha256.Sum256(content)
	if sum == r.sum {
		return r, nil
	}
	targets, err := targetsOf(content, parse, scheme)
	if err != nil {
		return r, err
	}
	return reading{sum, targets}, nil
}

// readFile reads a file; if it cannot, what it was before stays.
func readFile(name string, before reading, scheme string) (reading, error) {
	parse, err := parserOf(name)
	if err != nil {
		return before, err
	}
	content, err := regular.Read(name, maxSize)
	if err != nil {
		return before, plain(err)
	}
	return before.again(content, parse, scheme)
}

func parserOf(name string) (parser, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		return parseJSON, nil
	case ".yml", ".yaml":
		return parseYAML, nil
	}
	return nil, errExtension
}

// plain says what the system says of a file, without its name, and what to do.
func plain(err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errNotThere
	case errors.Is(err, fs.ErrPermission):
		return errForbidden
	case errors.Is(err, regular.ErrOther):
		return errNotFile
	case errors.As(err, &path):
		return path.Err
	}
	return err
}
