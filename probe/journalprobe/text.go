package journalprobe

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// number reads one byte, written as a number.
func (d *decoder) number(to *field) error {
	n := 0
	for {
		c, err := d.in.Peek(1)
		if err != nil {
			return err
		}
		if !isDigit(c[0]) {
			to.write([]byte{byte(n)})
			return nil
		}
		if n = 10*n + int(c[0]-'0'); n > 255 {
			return errNoEntry
		}
		d.skip(1)
	}
}

// text reads the rest of a text.
func (d *decoder) text(to *field) error {
	for {
		if _, err := d.in.Peek(1); err != nil {
			return err
		}
		part, _ := d.in.Peek(d.in.Buffered())
		n := plain(part)
		to.write(part[:n])
		if n == len(part) {
			d.skip(n)
			continue
		}
		c := part[n]
		d.skip(n)
		switch c {
		case '"':
			d.skip(1)
			return nil
		case '\\':
			if err := d.escaped(to); err != nil {
				return err
			}
		default:
			return errNoEntry
		}
	}
}

// plain is how many bytes at the beginning of a part of a text stand for themselves.
func plain(part []byte) int {
	for i, c := range part {
		if c == '"' || c == '\\' || c == '\n' {
			return i
		}
	}
	return len(part)
}

// escaped reads a character that is written with a backslash.
func (d *decoder) escaped(to *field) error {
	two, err := d.in.Peek(2)
	if err != nil {
		return err
	}
	var char [utf8.UTFMax]byte
	switch c := two[1]; c {
	case '"', '\\', '/':
		char[0] = c
	case 'n':
		char[0] = '\n'
	case 't':
		char[0] = '\t'
	case 'r':
		char[0] = '\r'
	case 'b':
		char[0] = '\b'
	case 'f':
		char[0] = '\f'
	case 'u':
		r, err := d.codePoint()
		to.write(utf8.AppendRune(char[:0], r))
		return err
	default:
		return errNoEntry
	}
	d.skip(2)
	to.write(char[:1])
	return nil
}

// codePoint reads \u and four digits, and the second half where they are the first of a pair.
func (d *decoder) codePoint() (rune, error) {
	first, err := d.codeUnit()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	if next, err := d.in.Peek(2); err != nil || string(next) != `\u` {
		return utf8.RuneError, err
	}
	second, err := d.codeUnit()
	return utf16.DecodeRune(first, second), err
}

// codeUnit reads \u and four digits.
func (d *decoder) codeUnit() (rune, error) {
	const length = len(`\u1234`)
	written, err := d.in.Peek(length)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(written[2:]), 16, 16)
	if err != nil {
		return 0, errNoEntry
	}
	d.skip(length)
	return rune(n), nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
