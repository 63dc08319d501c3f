package httpprobe

import (
	"bytes"
	"encoding/json"
	"errors"
)

var (
	errTooManyValues = errors.New("the body holds too many values")
	errNoBody        = errors.New("the body is empty")
)

// limitValues refuses JSON that would take many times its text in memory: a megabyte of small objects takes sixty. It
// counts what can begin a value, also within texts, so it is an upper bound.
func limitValues(body []byte) error {
	if len(body) < valueLimit {
		return nil
	}
	values := 0
	for _, beginning := range []string{",", "{", "["} {
		values += bytes.Count(body, []byte(beginning))
	}
	if values > valueLimit && json.Valid(body) {
		return errTooManyValues
	}
	return nil
}

// decode gives a body as encoding/json gives it to an any, or its text and the reason why it is not JSON.
func decode(body []byte) (any, error) {
	if len(body) == 0 {
		return "", errNoBody
	}
	var decoded any
	if err := json.Unmarshal(body, &decoded); err != nil {
		return string(body), err
	}
	return decoded, nil
}
