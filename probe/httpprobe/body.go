package httpprobe

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

var (
	errBodyTooLarge  = errors.New("the body is too large")
	errTooManyValues = errors.New("the body holds too many values")
	errNoBody        = errors.New("the body is empty")
)

// readBody reads a body to its end, and closes it. What it has read it returns with the error too.
func readBody(answer *http.Response) ([]byte, error) {
	defer answer.Body.Close()
	size := answer.ContentLength // -1 where it is not said, or where the transport decompresses
	switch {
	case size > bodyLimit:
		return nil, errBodyTooLarge
	case size < 0:
		size = 1024
	}
	body := make([]byte, 0, size+1) // with room for the read that sees the end
	for {
		n, err := answer.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > bodyLimit:
			return body[:bodyLimit], errBodyTooLarge
		case err == io.EOF:
			return body, limitValues(body)
		case err != nil:
			return body, err
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

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
