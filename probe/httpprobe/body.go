package httpprobe

import (
	"errors"
	"io"
	"net/http"
)

var errBodyTooLarge = errors.New("the body is too large")

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
