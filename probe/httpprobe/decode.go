package httpprobe

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

var errNoBody = errors.New("the body is empty")

// decode gives a body as encoding/json gives it to an any, or its text and the reason why it is not JSON.
//
// encoding/json says what is JSON: one value, nothing behind it, at most 10,000 levels deep. Building the value is
// done here, which takes half of the time: it was the most that a probe added to its request.
func decode(body []byte) (any, error) {
	if len(body) == 0 {
		return "", errNoBody
	}
	if !json.Valid(body) {
		var anything any
		return string(body), json.Unmarshal(body, &anything)
	}
	b := builder{text: body}
	decoded, err := b.value()
	if err != nil {
		return string(body), err
	}
	return decoded, nil
}

// builder builds the value of a text that is known to be JSON.
type builder struct {
	text []byte
	at   int // what comes next
}

func (b *builder) value() (any, error) {
	switch b.next() {
	case '{':
		return b.object()
	case '[':
		return b.list()
	case '"':
		return b.string()
	case 't':
		b.at += len("true")
		return true, nil
	case 'f':
		b.at += len("false")
		return false, nil
	case 'n':
		b.at += len("null")
		return nil, nil
	default:
		return b.number()
	}
}

// next is the next character that means something.
func (b *builder) next() byte {
	for {
		switch c := b.text[b.at]; c {
		case ' ', '\t', '\r', '\n':
			b.at++
		default:
			return c
		}
	}
}

func (b *builder) object() (any, error) {
	object := map[string]any{}
	for b.at++; b.next() != '}'; {
		key, err := b.string()
		if err != nil {
			return nil, err
		}
		b.next()
		b.at++ // the colon
		if object[key], err = b.value(); err != nil {
			return nil, err
		}
		if b.next() == ',' {
			b.at++
		}
	}
	b.at++
	return object, nil
}

func (b *builder) list() (any, error) {
	list := []any{}
	for b.at++; b.next() != ']'; {
		element, err := b.value()
		if err != nil {
			return nil, err
		}
		list = append(list, element)
		if b.next() == ',' {
			b.at++
		}
	}
	b.at++
	return list, nil
}

// string leaves to encoding/json what holds escapes, or bytes that are not UTF-8.
func (b *builder) string() (string, error) {
	b.next()
	start := b.at
	inner := b.text[start+1:]
	inner = inner[:bytes.IndexByte(inner, '"')]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		b.at += len(inner) + len(`""`)
		return string(inner), nil
	}
	for b.at++; b.text[b.at] != '"'; b.at++ {
		if b.text[b.at] == '\\' {
			b.at++
		}
	}
	b.at++
	var unquoted string
	err := json.Unmarshal(b.text[start:b.at], &unquoted)
	return unquoted, err
}

func (b *builder) number() (any, error) {
	start := b.at
	for b.at < len(b.text) && partOfNumber(b.text[b.at]) {
		b.at++
	}
	number, err := strconv.ParseFloat(string(b.text[start:b.at]), 64)
	if err != nil { // beyond what a float64 can hold
		return nil, err
	}
	return number, nil
}

func partOfNumber(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}
