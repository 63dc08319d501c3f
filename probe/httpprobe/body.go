package httpprobe

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

var (
	errBodyTooLarge = errors.New("the body is too large")
	errNoBody       = errors.New("the body is empty")
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
			return body, nil
		case err != nil:
			return body, err
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

// decode gives a body as encoding/json does, or its text and the reason why it is not JSON. encoding/json gives up at
// 10,000 levels of nesting, at numbers beyond a float64, and at anything behind the first value.
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
