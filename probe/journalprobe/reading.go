package journalprobe

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"postflight/probe"
)

const (
	// tellEvery is how long what has been read waits for more before it is told. In journald it has waited for up to half a
	// second already.
	tellEvery = 20 * time.Millisecond

	// maxFindings is how many matches and events wait at most, but for those of the last entry.
	maxFindings = 200
)

// reading is what outlives one journalctl. It belongs to the goroutine that calls Watch.
type reading struct {
	program string
	units   *units
	moved   func(cursor string)

	after string    // the cursor of the last entry that was told; empty: there is none
	since time.Time // where to go on should it be worth nothing

	entry *entry
	pipe  *os.File // that is being read

	// What has been read and not told, besides what the units hold:
	began    time.Time // when the first of it was read; zero: there is none
	findings int
	cursor   []byte    // of the last entry
	stamp    time.Time // likewise
}

func newReading(o Options, tell func(probe.Result)) *reading {
	now := time.Now()
	r := &reading{
		program: o.Journalctl, units: newUnits(o, now, tell), moved: o.Moved,
		after: o.Cursor, since: now, entry: newEntry(),
	}
	if known := r.units.known(); !known.IsZero() {
		r.since = known
	}
	return r
}

// run reads what there is and follows what comes, until the context ends or it goes wrong.
func (r *reading) run(ctx context.Context) error {
	start := time.Now()
	from, lost, err := find(ctx, r.program, r.after, r.since)
	if err != nil {
		return err
	}
	if lost != nil {
		r.units.missed(start, lost)
	}
	if from, err = r.catchUp(ctx, from); err != nil {
		return err
	}
	return r.follow(ctx, from)
}

// catchUp reads what there is, and gives the place after it. It is not left to following, since from systemd 250 on that
// shows the entries of the machine's present run only.
func (r *reading) catchUp(ctx context.Context, from place) (place, error) {
	before := r.after
	err := r.read(ctx, from, func() {})
	if err != nil || from.cursor == "" && r.after == before {
		return from, err
	}
	if r.after == before {
		r.move(from.cursor)
	}
	return place{cursor: r.after, told: true}, nil
}

// follow reads what comes.
func (r *reading) follow(ctx context.Context, from place) error {
	err := r.read(ctx, from, r.units.observable, "--follow", "--no-tail")
	if err == nil {
		err = errors.New("journalctl no longer follows the journal")
	}
	return err
}

// read reads what a journalctl with these arguments shows, and calls begun once it runs.
func (r *reading) read(ctx context.Context, from place, begun func(), args ...string) error {
	args = append(args, "--no-pager", "--quiet", "--all", "--output=json", "--output-fields="+askedFields())
	args = append(args, from.args()...)
	for _, name := range slices.Sorted(maps.Keys(r.units.byName)) {
		args = append(args, "--unit="+name)
	}
	_, err := run(ctx, r.program, args, func(out *os.File) error {
		r.pipe = out
		begun()
		return r.entries(from)
	})
	return err
}

// entries reads the entries that come through the pipe, until its end.
func (r *reading) entries(from place) error {
	defer r.flush()
	d := newDecoder(r)
	for first := true; ; {
		switch err := d.next(r.entry); {
		case errors.Is(err, errNoEntry):
			continue
		case errors.Is(err, io.ErrUnexpectedEOF): // journalctl was ended while it wrote
			return io.EOF
		case err != nil:
			return err
		}
		if !first || !from.told || !r.entry.is(fieldCursor, from.cursor) {
			r.take(r.entry)
		}
		first = false
	}
}

// Read reads the pipe. When what has been read has waited for long enough, it is told.
func (r *reading) Read(b []byte) (int, error) {
	for {
		n, err := r.pipe.Read(b)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		r.flush()
	}
}

func (r *reading) take(e *entry) {
	if r.began.IsZero() {
		r.began = time.Now()
		r.wakeAt(r.began.Add(tellEvery))
	}
	r.cursor = append(r.cursor[:0], e[fieldCursor].text...)
	r.stamp = e.time(fieldStamp)
	r.findings += r.units.take(e)
	if r.findings >= maxFindings {
		r.flush()
	}
}

// flush tells what has been read.
func (r *reading) flush() {
	if r.began.IsZero() {
		return
	}
	r.units.flush(r.began)
	r.move(string(r.cursor))
	r.since = r.stamp.Add(time.Microsecond)
	r.began, r.findings = time.Time{}, 0
	r.wakeAt(time.Time{})
}

func (r *reading) move(cursor string) {
	r.after = cursor
	r.moved(cursor)
}

// wakeAt makes Read return to us by then; the zero time: not before there is something to read.
func (r *reading) wakeAt(t time.Time) {
	_ = r.pipe.SetReadDeadline(t) // which a pipe can always do, unless it is closed
}
