package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/google/renameio/v2"
	"go.uber.org/zap"

	"postflight/internal/state"
)

const (
	// saving is how often what has changed is written by itself. Each write waits for the disk.
	saving = time.Second
	// diskPatience is how long an answer waits for a write that has to come before it.
	diskPatience = 100 * time.Millisecond
)

// stateFile keeps what has to outlive the process. Whatever goes wrong with it, the daemon goes on in memory and says so.
type stateFile struct {
	path    string // empty: nothing is kept
	store   *state.Store
	log     *zap.Logger
	failed  func()             // is told of each write that failed
	asked   chan chan struct{} // to write now; what is sent is closed when that is done
	written uint64             // the generation of the store that the file has
	wrong   bool               // the last write failed
	hidden  bool               // the file is there and cannot be read: it is not replaced
}

func newStateFile(path string, store *state.Store, log *zap.Logger, failed func()) *stateFile {
	return &stateFile{path: path, store: store, log: log, failed: failed, asked: make(chan chan struct{})}
}

// isKept reports whether the file is ever written.
func (f *stateFile) isKept() bool { return f.path != "" && !f.hidden }

// load takes up what the file has. A file that means nothing to us is set aside, so that it can be looked at.
func (f *stateFile) load() {
	if f.path == "" {
		return
	}
	f.sweep()
	text, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		f.hidden = true
		f.failed()
		f.log.Error("state file not read, what is counted is kept in memory only", zap.Error(err))
		return
	}
	if err := f.store.Restore(text); err != nil {
		f.failed()
		f.setAside(err)
	}
}

// sweep removes what a kill in the middle of a write has left: new files that did not come to replace the old one.
func (f *stateFile) sweep() {
	unfinished := regexp.MustCompile(`^\.` + regexp.QuoteMeta(filepath.Base(f.path)) + `[0-9]+$`)
	directory := filepath.Dir(f.path)
	entries, err := os.ReadDir(directory)
	if err != nil {
		return // whoever reads the file says why
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() && unfinished.MatchString(entry.Name()) {
			if err := os.Remove(filepath.Join(directory, entry.Name())); err != nil {
				f.log.Warn("unfinished state file not removed", zap.Error(err))
			}
		}
	}
}

// setAside renames a file that means nothing to us. There is one of that name: an older one goes.
func (f *stateFile) setAside(why error) {
	aside := f.path + ".set-aside"
	if err := os.Rename(f.path, aside); err != nil {
		f.hidden = true
		f.log.Error("state file not understood and not set aside, what is counted is kept in memory only",
			zap.String("file", f.path), zap.NamedError("why", why), zap.Error(err))
		return
	}
	f.log.Error("state file not understood, counting begins anew", zap.String("file", f.path), zap.String("set_aside", aside), zap.Error(why))
}

// keep writes what has changed, once a second and when it is asked to.
func (f *stateFile) keep(ctx context.Context) error {
	if !f.isKept() {
		<-ctx.Done()
		return nil
	}
	again := time.NewTicker(saving)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			f.save()
		case done := <-f.asked:
			f.save()
			close(done)
		}
	}
}

// keptFirst gives the page, of which no count is seen that is not in the file yet: if we were killed then, the next of us
// would show less, and a counter that falls is taken for one that began anew. A page that is made of one snapshot has it
// when it begins to be written.
func (f *stateFile) keptFirst(page http.Handler) http.Handler {
	if !f.isKept() {
		return page
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.ServeHTTP(&keptFirst{ResponseWriter: w, keep: sync.OnceFunc(f.keepNow)}, r)
	})
}

// keptFirst is an answer that is kept before anybody sees it.
type keptFirst struct {
	http.ResponseWriter
	keep func()
}

func (k *keptFirst) Write(b []byte) (int, error) {
	k.keep()
	return k.ResponseWriter.Write(b)
}

// keepNow has what has changed written. A disk that takes long holds up nobody.
func (f *stateFile) keepNow() {
	enough := time.NewTimer(diskPatience)
	defer enough.Stop()
	done := make(chan struct{})
	select {
	case f.asked <- done:
	case <-enough.C:
		return
	}
	select {
	case <-done:
	case <-enough.C:
	}
}

// save writes what has changed. The file is whole at any moment: the old one or the new one.
func (f *stateFile) save() {
	if !f.isKept() {
		return
	}
	generation := f.store.Generation() // before it is saved: what changes meanwhile is written the next time
	if generation == f.written && !f.wrong {
		return
	}
	err := renameio.WriteFile(f.path, f.store.Save(), 0o640, renameio.WithTempDir(filepath.Dir(f.path)))
	switch {
	case err != nil:
		f.failed()
		if !f.wrong {
			f.log.Error("state file not written, tried again each second", zap.Error(fmt.Errorf("writing %s: %w", f.path, err)))
		}
	case f.wrong:
		f.log.Info("state file written again", zap.String("file", f.path))
	}
	f.wrong = err != nil
	if err == nil {
		f.written = generation
	}
}
