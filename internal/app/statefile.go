package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/renameio/v2"
	"go.uber.org/zap"

	"postflight/internal/state"
)

// saving is how often what has changed is written at most. Each write waits for the disk.
const saving = time.Second

// stateFile keeps what has to outlive the process. Whatever goes wrong with it, the daemon goes on in memory and says so.
type stateFile struct {
	path    string // empty: nothing is kept
	store   *state.Store
	log     *zap.Logger
	failed  func() // is told of each write that failed
	written uint64 // the generation of the store that the file has
	wrong   bool   // the last write failed
	hidden  bool   // the file is there and cannot be read: it is not replaced
}

// load takes up what the file has. A file that means nothing to us is set aside, so that it can be looked at.
func (f *stateFile) load() {
	if f.path == "" {
		return
	}
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

// keep writes what has changed, at most once a second, and at the end.
func (f *stateFile) keep(ctx context.Context) error {
	if f.path == "" || f.hidden {
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
		}
	}
}

// save writes what has changed. The file is whole at any moment: the old one or the new one.
func (f *stateFile) save() {
	if f.path == "" || f.hidden {
		return
	}
	generation := f.store.Generation() // before it is saved: what changes meanwhile is written the next time
	if generation == f.written && !f.wrong {
		return
	}
	err := renameio.WriteFile(f.path, f.store.Save(), 0o640)
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
