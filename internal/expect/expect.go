// Package expect judges the answer to a request: what was wanted of it, and what was read from it.
package expect

import (
	"net/http"
	"time"

	"postflight/probe"
)

// Answer is what came back for one request. Body is decoded once and shared: treat it as read-only.
type Answer struct {
	Status   int
	Header   http.Header
	Body     any    // decoded JSON (nil, bool, float64, string, []any, map[string]any), or the text where it is none
	NotJSON  error  // why Body is text; nil: Body is decoded JSON
	Raw      []byte // the body as it came, for excerpts; read-only too
	Size     int64  // of the body in bytes, after decompression
	Duration time.Duration

	Sent     time.Time // just before the request was written
	Answered time.Time // when the first byte of the answer came
}

// Judgement is what an expectation makes of an answer.
type Judgement struct {
	Outcome    probe.Outcome
	Reason     probe.Reason
	Wanted     string
	Got        string
	Values     []probe.Value
	Unread     []*probe.Metric // that the answer did not yield
	Assertions []probe.Assertion
	Release    string // which release the answer says is running; empty: it does not say
}

// Expectation judges one answer. It is a pure function of the answer and safe for use by several goroutines.
type Expectation interface {
	Judge(Answer) Judgement
}

// Func is an Expectation written in Go.
type Func func(Answer) Judgement

// Judge calls f.
func (f Func) Judge(a Answer) Judgement { return f(a) }
