package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errCutShort = errors.New("the list ends too early; write a new file beside it and rename that, so that no half of it is read")

// parseJSON reads a list token by token: nothing is kept but targets and labels, and each place is known.
func parseJSON(content []byte, list *targetList) error {
	r := &jsonList{decoder: json.NewDecoder(bytes.NewReader(content)), content: content, line: 1, list: list}
	if err := r.entries(); err != nil {
		return err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return r.wrong(errors.New("more follows the end of the list; write one list in a file"))
	}
	return nil
}

type jsonList struct {
	decoder *json.Decoder
	content []byte
	read    int64 // bytes, and the line that they end in
	line    int
	list    *targetList
}

// wrong tells of the list as a whole, wrongAt of a place within the entry that is being read.
func (r *jsonList) wrong(err error) error { return &fault{r.line, "", err} }

func (r *jsonList) wrongAt(place string, err error) error {
	return &fault{r.line, r.list.path(place), err}
}

// next gives the next token.
func (r *jsonList) next() (json.Token, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, r.broken(err)
	}
	r.goTo(r.decoder.InputOffset())
	return token, nil
}

func (r *jsonList) goTo(at int64) {
	r.line += bytes.Count(r.content[r.read:at], []byte("\n"))
	r.read = at
}

// broken says why there is no next token.
func (r *jsonList) broken(err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.goTo(int64(len(r.content)))
		return r.wrong(errCutShort)
	}
	r.goTo(min(max(r.read, syntax.Offset), int64(len(r.content))))
	return r.wrong(fmt.Errorf("not JSON: %w; see that commas, quotes and brackets match", syntax))
}

func (r *jsonList) entries() error {
	token, err := r.next()
	if err != nil {
		return err
	}
	if token != json.Delim('[') {
		return r.wrong(errNotList)
	}
	return r.items(r.entry)
}

// items reads a list that has begun, and each of its items by one.
func (r *jsonList) items(one func(first json.Token) error) error {
	for {
		token, err := r.next()
		if err != nil || token == json.Delim(']') {
			return err
		}
		if err := one(token); err != nil {
			return err
		}
	}
}

// fields reads an object that has begun, and the value of each of its fields by one.
func (r *jsonList) fields(place string, one func(name string) error) error {
	seen := make(map[string]bool)
	for {
		token, err := r.next()
		if err != nil || token == json.Delim('}') {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return r.wrongAt(place, errTwice(name))
		}
		seen[name] = true
		if err := one(name); err != nil {
			return err
		}
	}
}

func (r *jsonList) entry(first json.Token) error {
	if err := r.list.begin(); err != nil {
		return r.wrong(err)
	}
	if first != json.Delim('{') {
		return r.wrongAt("", errNotEntry)
	}
	var e entry
	err := r.fields("", func(name string) error {
		switch name {
		case "targets":
			return r.targets(&e)
		case "labels":
			return r.labels(&e)
		}
		return r.wrongAt("", errUnknown(name))
	})
	if err != nil {
		return err
	}
	return r.list.end(e)
}

func (r *jsonList) targets(e *entry) error {
	token, err := r.next()
	switch {
	case err != nil || token == nil: // null is none, as Prometheus has it
		return err
	case token != json.Delim('['):
		return r.wrongAt(".targets", errNotTargets)
	}
	return r.items(func(token json.Token) error {
		text, ok := token.(string)
		if !ok {
			return r.wrongAt(targetPlace(len(e.targets)), errNotTarget)
		}
		if err := e.target(text, r.line); err != nil {
			return r.wrongAt(".targets", err)
		}
		return nil
	})
}

func (r *jsonList) labels(e *entry) error {
	token, err := r.next()
	switch {
	case err != nil || token == nil:
		return err
	case token != json.Delim('{'):
		return r.wrongAt(".labels", errNotLabels)
	}
	return r.fields(".labels", func(name string) error {
		token, err := r.next()
		if err != nil {
			return err
		}
		value, ok := token.(string)
		if !ok && token != nil {
			return r.wrongAt(labelPlace(name), errNotValue)
		}
		if err := e.label(name, value); err != nil {
			return r.wrongAt(labelPlace(name), err)
		}
		return nil
	})
}
