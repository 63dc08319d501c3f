package httpprobe

import (
	"context"
	"errors"
	"io"
	"net/http"
)

const (
	usualBody = 4 << 10  // bytes; the most that there is room for from the start, whatever an answer claims
	smallBody = 32 << 10 // bytes, that any body may take
	places    = 8        // for bodies that are larger
)

var (
	errBodyTooLarge = errors.New("the body is too large")
	errNoRoom       = errors.New("there was no room for a large body in time")
)

// largeBodies bounds what large bodies take in memory, however many probes there are. One that grows large takes a place
// until it has been judged, and they are decoded and judged one at a time: small objects take up to fifty times their
// text.
type largeBodies struct {
	place chan struct{} // holds one of each body that is large
	turn  chan struct{} // holds one while such a body is decoded and judged
}

func newLargeBodies() *largeBodies {
	return &largeBodies{place: make(chan struct{}, places), turn: make(chan struct{}, 1)}
}

// intake reads one body, and keeps the room that it takes until done.
type intake struct {
	large  *largeBodies
	placed bool // it has a place
	turned bool // and its turn
	waited bool // for either: what came too late then came too late because of us
}

// read reads a body to its end, and closes it. What it has read it returns with the error too.
func (in *intake) read(ctx context.Context, answer *http.Response) ([]byte, error) {
	defer answer.Body.Close()
	size := answer.ContentLength // -1 where it is not said, or where the transport decompresses
	switch {
	case answer.StatusCode == http.StatusSwitchingProtocols:
		return nil, nil // what follows is no body but a connection, which no deadline ends
	case size > bodyLimit:
		return nil, errBodyTooLarge
	case size < 0:
		size = 1024
	}
	body := make([]byte, 0, min(size, usualBody)+1) // with room for the read that sees the end
	for {
		n, err := answer.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > bodyLimit:
			return body[:bodyLimit], errBodyTooLarge
		case err == io.EOF:
			return body, limitValues(body)
		case err != nil:
			return body, in.blame(err)
		}
		if len(body) == cap(body) {
			if body, err = in.grow(ctx, body); err != nil {
				return body, err
			}
		}
	}
}

// grow gives a body that has filled its room twice as much.
func (in *intake) grow(ctx context.Context, body []byte) ([]byte, error) {
	room := min(2*len(body), bodyLimit+1)
	switch {
	case len(body) < smallBody:
		room = min(room, smallBody)
	case !in.placed:
		if in.placed = in.take(ctx, in.large.place); !in.placed {
			return body, errNoRoom
		}
	}
	grown := make([]byte, len(body), room)
	copy(grown, body)
	return grown, nil
}

// awaitTurn returns once the body may be decoded and judged.
func (in *intake) awaitTurn(ctx context.Context) error {
	if !in.placed {
		return nil
	}
	if in.turned = in.take(ctx, in.large.turn); !in.turned {
		return errNoRoom
	}
	return nil
}

// take reports whether there was room before ctx ended.
func (in *intake) take(ctx context.Context, room chan<- struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	default:
	}
	in.waited = true
	select {
	case room <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// blame turns running out of time into what it is, where waiting for room took a part of that time.
func (in *intake) blame(err error) error {
	if in.waited && isTimeout(err) {
		return errNoRoom
	}
	return err
}

func (in *intake) done() {
	if in.turned {
		<-in.large.turn
	}
	if in.placed {
		<-in.large.place
	}
}
