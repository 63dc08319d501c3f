package probe

import "context"

// A Prober looks once when it is asked. It keeps to the context's deadline. An error means that it could not measure,
// which is not a failure of what is looked at; the Result still says what is known, and its Reason why.
//
// A Prober may be used by several goroutines at once.
type Prober interface {
	Probe(ctx context.Context) (Result, error)
}

// A Watcher tells what it sees as it happens, from one goroutine at a time, until the context ends. What it cannot
// see it tells too: a Result with Outcome Error. It returns only when the context has ended, or for good with an error.
type Watcher interface {
	Watch(ctx context.Context, tell func(Result)) error
}
