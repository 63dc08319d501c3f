package journalprobe

import (
	"bufio"
	"errors"
	"io"
)

// bufferSize is how much is read of journalctl at once. An entry may be much longer.
const bufferSize = 64 << 10

// errNoEntry says that a line is no entry of the journal.
var errNoEntry = errors.New("not an entry of the journal")

// decoder reads the entries that journalctl writes as JSON, one a line. What it keeps of one is bounded, however long the
// line. A value is a text; or null where there is none to show; or an array of its bytes where they are not all printable;
// or an array of these where the field is there several times.
type decoder struct {
	in   *bufio.Reader
	name field // of the field that is being read
}

func newDecoder(in io.Reader) *decoder {
	return &decoder{in: bufio.NewReaderSize(in, bufferSize), name: field{limit: maxField}}
}

// next reads one entry. It returns errNoEntry for a line that is none, and goes on with the next line then; io.EOF at the
// end, and io.ErrUnexpectedEOF at an end that is not a line's.
func (d *decoder) next(e *entry) error {
	e.reset()
	if _, err := d.in.Peek(1); err != nil {
		return err
	}
	err := d.object(e)
	if err == nil {
		err = d.take('\n')
	}
	switch {
	case errors.Is(err, errNoEntry):
		return errors.Join(err, d.skipLine())
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// skipLine skips the rest of a line. Where it ends is seen by the next entry.
func (d *decoder) skipLine() error {
	for {
		_, err := d.in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

func (d *decoder) object(e *entry) error {
	if err := d.take('{'); err != nil {
		return err
	}
	for {
		if err := d.member(e); err != nil {
			return err
		}
		if another, err := d.comma('}'); !another {
			return err
		}
	}
}

// member reads a name and its value.
func (d *decoder) member(e *entry) error {
	d.name.reset()
	if err := d.take('"'); err != nil {
		return err
	}
	if err := d.text(&d.name); err != nil {
		return err
	}
	if err := d.take(':'); err != nil {
		return err
	}
	if f, asked := fieldsByName[string(d.name.text)]; asked {
		return d.value(&e[f], 0)
	}
	return d.value(nil, 0)
}

// value reads a value that is within so many arrays.
func (d *decoder) value(to *field, depth int) error {
	c, err := d.peek()
	switch {
	case err != nil:
		return err
	case c == '"':
		d.skip(1)
		to.begin()
		return d.text(to)
	case c == '[' && depth < 2:
		d.skip(1)
		return d.array(to, depth+1)
	default:
		return d.null()
	}
}

func (d *decoder) null() error {
	for _, c := range []byte("null") {
		if err := d.take(c); err != nil {
			return err
		}
	}
	return nil
}

// array reads the rest of an array. Bytes that follow one another are one value.
func (d *decoder) array(to *field, depth int) error {
	if c, err := d.peek(); err != nil || c == ']' {
		d.skip(1)
		return err
	}
	for inBytes := false; ; {
		c, err := d.peek()
		switch {
		case err != nil:
			return err
		case !isDigit(c):
			inBytes = false
			err = d.value(to, depth)
		default:
			if !inBytes {
				to.begin()
			}
			inBytes = true
			err = d.number(to)
		}
		if err != nil {
			return err
		}
		if another, err := d.comma(']'); !another {
			return err
		}
	}
}

// comma reads what follows an element, and reports whether another one comes: the end is that byte.
func (d *decoder) comma(end byte) (another bool, err error) {
	c, err := d.peek()
	switch {
	case err != nil:
		return false, err
	case c != ',' && c != end:
		return false, errNoEntry
	}
	d.skip(1)
	return c == ',', nil
}

// take reads that byte, which must come next.
func (d *decoder) take(want byte) error {
	c, err := d.peek()
	switch {
	case err != nil:
		return err
	case c != want:
		return errNoEntry
	}
	d.skip(1)
	return nil
}

// peek gives the next byte that is not blank.
func (d *decoder) peek() (byte, error) {
	for {
		b, err := d.in.Peek(1)
		switch {
		case err != nil:
			return 0, err
		case b[0] != ' ' && b[0] != '\t':
			return b[0], nil
		}
		d.skip(1)
	}
}

// skip skips what has been looked at.
func (d *decoder) skip(n int) { _, _ = d.in.Discard(n) }
