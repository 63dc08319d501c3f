package state

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// savedVersion is that of what Save writes. A change that an older postflight would misread needs the next one.
const savedVersion = 1

// saved is what outlives the process, as it is written.
type saved struct {
	Version int    `json:"version"`
	Cursor  string `json:"cursor,omitempty"`
}

// FoldCursor takes up how far the journal has been read: all that comes before has been folded.
func (s *Store) FoldCursor(cursor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cursor != s.cursor {
		s.cursor = cursor
		s.generation++
	}
}

// Cursor is how far the journal has been read; empty: it never was.
func (s *Store) Cursor() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

// Generation is another whenever Save would write something else than before.
func (s *Store) Generation() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// Save returns what has to outlive the process, as JSON: what only grows, and what it counts from.
func (s *Store) Save() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := json.Marshal(saved{Version: savedVersion, Cursor: s.cursor})
	if err != nil {
		panic(fmt.Sprintf("state: %v", err)) // nothing in it can fail to be written
	}
	return text
}

// Restore takes up what Save returned. It is for a Store that has folded nothing yet; what was saved of a unit awaits the
// Apply that configures it, and what the first Apply does not configure is dropped. On an error nothing has changed.
func (s *Store) Restore(text []byte) error {
	var found saved
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&found); err != nil {
		return fmt.Errorf("not a state file: %w", err)
	}
	if found.Version > savedVersion {
		return fmt.Errorf("version %d of a state file is from a newer postflight; this one reads version %d", found.Version, savedVersion)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = found.Cursor
	return nil
}
