package journalprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// place is where to go on reading.
type place struct {
	cursor string    // of an entry in the journal; empty: there is none
	told   bool      // that entry has been told; it is not to be told again
	since  time.Time // where there is no cursor
}

// args are what makes journalctl begin there. --after-cursor would be wrong: up to systemd 252 at least it takes the cursor's entry
// for granted, and where that is gone, or of none of the units asked for, it leaves out another one in its stead.
func (p place) args() []string {
	if p.cursor == "" {
		return []string{"--since=" + instant(p.since)}
	}
	return []string{"--cursor=" + p.cursor}
}

// instant is a time as systemd reads it: see systemd.time(7).
func instant(t time.Time) string { return fmt.Sprintf("@%d.%06d", t.Unix(), t.Nanosecond()/1000) }

// find makes sure that the journal can be read, and finds the place to go on after that cursor; where there is none, after
// that time. lost says that entries may have been missed.
func find(ctx context.Context, program, after string, since time.Time) (p place, lost, err error) {
	if after != "" {
		found, err := look(ctx, program, "--cursor="+after)
		switch {
		case err != nil && !isAboutCursor(err):
			return place{}, nil, err
		case found == after:
			return place{cursor: after, told: true}, nil, nil
		case found != "":
			return place{cursor: found}, gap(after, found), nil
		}
		lost = gap(after, "")
	}
	found, err := look(ctx, program, "--until="+instant(since))
	return place{cursor: found, told: true, since: since}, lost, err
}

// isAboutCursor reports whether it is the cursor that journalctl will have none of. Whatever else goes wrong may pass.
func isAboutCursor(err error) bool {
	var complaint complaint
	return errors.As(err, &complaint) && strings.Contains(string(complaint), "cursor")
}

// look gives the cursor of the one entry that journalctl shows when it looks from there; empty: there is none.
//
// It does without JSON, since with that journalctl says nothing of files that it may not read. It only shows what is left,
// if need be nothing, for ever: any user may read what he wrote himself.
func look(ctx context.Context, program, from string) (cursor string, err error) {
	var shown []byte
	args := []string{"--no-pager", "--output=verbose", "--output-fields=_BOOT_ID", "--lines=1", "--show-cursor", from}
	said, err := run(ctx, program, args, func(out *os.File) error {
		var err error
		if shown, err = io.ReadAll(io.LimitReader(out, maxShown)); err != nil {
			return err
		}
		return io.EOF
	})
	if why := unreadable(said); why != nil {
		return "", why
	}
	return shownCursor(string(shown)), err
}

const maxShown = 64 << 10

// shownCursor is the cursor of the entry that is shown. Where there is no entry, journalctl may show the cursor of another.
func shownCursor(shown string) string {
	cursor, none := "", false
	for line := range strings.Lines(shown) {
		none = none || strings.HasPrefix(line, "-- No entries --")
		if found, ok := strings.CutPrefix(line, "-- cursor: "); ok {
			cursor = strings.TrimSpace(found)
		}
	}
	if none {
		return ""
	}
	return cursor
}

// unreadable says, from what journalctl said, why the journal cannot be read; nil: it can.
func unreadable(said string) error {
	switch {
	case strings.Contains(said, "insufficient permissions"), strings.Contains(said, "You are currently not seeing messages from"):
		return errors.New("not allowed to read the journal: add the user that postflight runs as to the group systemd-journal, " +
			"and start it again")
	case strings.Contains(said, "No journal files were found"):
		return errors.New("there is no journal: journald keeps none (Storage=none in journald.conf), or not where journalctl " +
			"looks for it")
	}
	return nil
}

// gap says that entries after a cursor may have been missed, where reading has to go on with the one that was found; nil if
// that is the very next one of the journal.
func gap(after, found string) error {
	from, to := parse(after), parse(found)
	if from.sequence == to.sequence && from.number != 0 && to.number == from.number+1 {
		return nil
	}
	when := ""
	if !from.time.IsZero() {
		when = " at " + from.time.UTC().Format("2006-01-02 15:04:05 MST")
	}
	return fmt.Errorf("the journal does not hold the place where reading stopped%s: it has been cleared since, or is another "+
		"machine's; entries that came after it may be missing", when)
}
