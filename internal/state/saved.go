package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"postflight/probe"
)

// savedVersion is that of what Save writes. A change that an older postflight would misread needs the next one. What an
// older one does not know it may ignore.
const savedVersion = 1

// saved is what outlives the process, as it is written.
type saved struct {
	Version  int            `json:"version"`
	Cursor   string         `json:"cursor,omitempty"` // of the journal
	Units    []savedUnit    `json:"units"`
	Services []savedService `json:"services,omitempty"` // see appendServices
}

type savedUnit struct {
	Service string `json:"service"`
	Unit    string `json:"unit"`
	ledger
	Log *savedLog `json:"log,omitempty"`
}

type savedLog struct {
	Lines   uint64        `json:"lines,omitempty"`
	Dropped uint64        `json:"dropped,omitempty"`
	Until   time.Time     `json:"until,omitzero"`
	Matches []savedMatch  `json:"matches,omitempty"`
	Modules []ModuleCount `json:"modules,omitempty"`
}

type savedMatch struct {
	Pattern  string         `json:"pattern"`
	Severity probe.Severity `json:"severity"`
	Count    uint64         `json:"count"`
}

// FoldCursor takes up how far the journal has been read: all that comes before has been folded.
func (s *Store) FoldCursor(cursor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed(cursor != s.cursor)
	s.cursor = cursor
}

// Cursor is how far the journal has been read; empty: it never was.
func (s *Store) Cursor() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

// Generation is another whenever Save would return something worth writing.
func (s *Store) Generation() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// changed takes up whether what is saved has changed.
func (s *Store) changed(it bool) {
	if it {
		s.generation++
	}
}

// Save returns what has to outlive the process, as JSON: what only grows, and what it counts from.
func (s *Store) Save() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := saved{Version: savedVersion, Cursor: s.cursor, Units: []savedUnit{}}
	for _, service := range s.services {
		for _, unit := range service.units {
			key := unit.state.Key
			all.Units = append(all.Units, savedUnit{
				Service: key.Service, Unit: key.Unit, ledger: unit.ledger, Log: unit.state.Log.saved(),
			})
		}
	}
	return s.appendServices(marshal(all))
}

// Restore takes up what Save returned, before the first Apply; what that does not configure is dropped. On an error
// nothing has changed.
func (s *Store) Restore(text []byte) error {
	found, err := parseSaved(text)
	if err != nil {
		return err
	}
	units := map[probe.Key]*savedUnit{}
	for i := range found.Units {
		u := &found.Units[i]
		key := probe.Key{Service: u.Service, Unit: u.Unit}
		if units[key] != nil {
			return fmt.Errorf("the state is not as it was written: unit %q of service %q is there twice", u.Unit, u.Service)
		}
		if err := u.check(); err != nil {
			return fmt.Errorf("the state is not as it was written: unit %q of service %q: %w", u.Unit, u.Service, err)
		}
		u.openGap() // since it was saved
		if found.Cursor == "" {
			u.miss()
		}
		units[key] = u
	}
	services, err := found.restoredServices()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor, s.restored, s.records = found.Cursor, units, services
	return nil
}

// parseSaved reads what was written, of whatever version it is no more than that at first.
func parseSaved(text []byte) (found saved, err error) {
	var versioned struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &versioned); err != nil {
		return found, fmt.Errorf("the state is not as it was written: %w", err)
	}
	switch v := versioned.Version; {
	case v > savedVersion:
		return found, fmt.Errorf("the state is of version %d, from a newer postflight; this one reads version %d", v, savedVersion)
	case v < 1:
		return found, errors.New("the state is not as it was written: it has no version")
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, fmt.Errorf("the state is not as it was written: %w", err)
	}
	return found, nil
}

// check says what in a unit cannot be, and would break what is built on it.
func (u *savedUnit) check() error {
	switch {
	case len(u.Gaps) > maxGaps:
		return fmt.Errorf("%d gaps", len(u.Gaps))
	case len(u.Ahead) > maxAhead:
		return fmt.Errorf("%d events that wait", len(u.Ahead))
	case u.Log != nil && len(u.Log.Modules) > maxModules+1:
		return fmt.Errorf("%d modules", len(u.Log.Modules))
	}
	for i := range u.Gaps {
		if u.Gaps[i].isOpen() && i < len(u.Gaps)-1 {
			return errors.New("a gap is open that others come after")
		}
	}
	return nil
}

func (l *LogState) saved() *savedLog {
	if l == nil {
		return nil
	}
	s := &savedLog{Lines: l.Lines, Dropped: l.Dropped, Until: l.Until, Modules: l.Modules}
	for _, m := range l.Matches {
		if m.Count > 0 {
			s.Matches = append(s.Matches, savedMatch{m.Pattern.Name, m.Pattern.Severity, m.Count})
		}
	}
	return s
}

// state is a log's as it was when it was saved; what it needs of the patterns is their names.
func (s *savedLog) state() *LogState {
	if s == nil {
		return nil
	}
	l := &LogState{Lines: s.Lines, Dropped: s.Dropped, Until: s.Until, Modules: s.Modules}
	for _, m := range s.Matches {
		l.Matches = append(l.Matches, PatternCount{Pattern: probe.Pattern{Name: m.Pattern, Severity: m.Severity}, Count: m.Count})
	}
	return l
}
