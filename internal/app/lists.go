package app

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/discovery"
	"postflight/internal/state"
)

// listWatch watches the target lists of one service, for as long as the configuration has them so.
type listWatch struct {
	service string
	lists   discovery.Lists
	ctx     context.Context
	stop    context.CancelFunc

	// Guarded by the engine's changing:
	started bool
	known   []discovery.Target // from before they were watched; these stay until every list has been read
}

func (e *engine) listsOf(c config.Service) discovery.Lists {
	return discovery.Lists{Files: c.Files, HTTP: c.HTTP, Agent: "postflight/" + e.options.version}
}

func (e *engine) newListWatch(service string, lists discovery.Lists, known []discovery.Target) *listWatch {
	w := &listWatch{service: service, lists: lists, known: known}
	w.ctx, w.stop = context.WithCancel(e.ctx)
	return w
}

// readLists reads all target lists once, before anything runs.
func (e *engine) readLists(ctx context.Context) {
	for _, s := range e.services {
		if w := s.lists; w != nil {
			found := w.lists.Read(ctx)
			e.followLists(w)(found)
			w.known = found.Targets
		}
	}
}

// watchLists begins to watch the target lists of all services, and of those that a change brings.
func (e *engine) watchLists() {
	e.changing.Lock()
	defer e.changing.Unlock()
	e.watching = true
	e.startLists()
}

// startLists begins to watch what is not watched yet, once they are watched at all. Whoever calls it holds changing.
func (e *engine) startLists() {
	for _, s := range e.services {
		if w := s.lists; e.watching && w != nil && !w.started {
			w.started = true
			e.lists.Go(func() { w.lists.Watch(w.ctx, e.followLists(w)) })
		}
	}
}

// followLists takes up what the target lists of a service name, each time that they have been read.
func (e *engine) followLists(w *listWatch) func(discovery.Found) {
	first, complete, problem := true, false, ""
	return func(found discovery.Found) {
		if found.Problem != "" && found.Problem != problem {
			e.options.log.Warn("target list not read, what it named before stays in effect",
				zap.String("service", w.service), zap.String("problem", found.Problem))
		}
		read := !found.LastSuccess.IsZero() // all of them, at least once
		e.discovered(w, found, first || found.Changed || read != complete)
		first, complete, problem = false, read, found.Problem
	}
}

// discovered makes what the target lists of a service name now its targets, where that has changed, and tells the store how
// reading them goes.
func (e *engine) discovered(w *listWatch, found discovery.Found, changed bool) {
	e.changing.Lock()
	defer e.changing.Unlock()
	at := slices.IndexFunc(e.services, func(s *service) bool { return s.lists == w })
	if at < 0 {
		return // a change has taken its place meanwhile
	}
	if changed {
		targets := found.Targets
		if found.LastSuccess.IsZero() {
			targets = append(slices.Clip(targets), w.known...)
		}
		next := slices.Clone(e.services)
		next[at] = next[at].with(e, targets)
		e.commit(next)
	}
	e.store.FoldDiscovery(w.service, state.Discovery{
		Targets: len(found.Targets), LastSuccess: found.LastSuccess, Problem: found.Problem,
	})
}
