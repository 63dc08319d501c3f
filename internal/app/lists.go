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
	started bool // guarded by the engine's changing
	ctx     context.Context
	stop    context.CancelFunc
}

func (e *engine) listsOf(c config.Service) discovery.Lists {
	return discovery.Lists{Files: c.Files, HTTP: c.HTTP, Agent: "postflight/" + e.options.version}
}

func (e *engine) newListWatch(service string, lists discovery.Lists) *listWatch {
	w := &listWatch{service: service, lists: lists}
	w.ctx, w.stop = context.WithCancel(e.ctx)
	return w
}

// readLists reads all target lists once, for a command that does not watch them.
func (e *engine) readLists(ctx context.Context) {
	e.changing.Lock()
	services := e.services
	e.changing.Unlock()
	for _, s := range services {
		if s.lists != nil {
			e.followLists(s.lists)(s.lists.lists.Read(ctx))
		}
	}
}

// watchLists begins to watch the target lists of all services, and of those that a change brings.
func (e *engine) watchLists() {
	e.changing.Lock()
	defer e.changing.Unlock()
	e.running = true
	e.startLists()
}

// startLists begins to watch what is not watched yet. Whoever calls it holds changing.
func (e *engine) startLists() {
	for _, s := range e.services {
		if w := s.lists; w != nil && !w.started {
			w.started = true
			e.lists.Go(func() { w.lists.Watch(w.ctx, e.followLists(w)) })
		}
	}
}

// followLists takes up what the target lists of a service name, each time that they have been read.
func (e *engine) followLists(w *listWatch) func(discovery.Found) {
	first, problem := true, ""
	return func(found discovery.Found) {
		if found.Problem != "" && found.Problem != problem {
			e.options.log.Warn("target list not read, what it named before stays in effect",
				zap.String("service", w.service), zap.String("problem", found.Problem))
		}
		if first || found.Changed {
			e.discovered(w, found)
		}
		first, problem = false, found.Problem
		e.store.FoldDiscovery(w.service, state.Discovery{
			Targets: len(found.Targets), LastSuccess: found.LastSuccess, Problem: found.Problem,
		})
	}
}

// discovered makes what the target lists of a service name now its targets.
func (e *engine) discovered(w *listWatch, found discovery.Found) {
	e.changing.Lock()
	defer e.changing.Unlock()
	at := slices.IndexFunc(e.services, func(s *service) bool { return s.lists == w })
	if at < 0 {
		return // a change has taken its place meanwhile
	}
	next := slices.Clone(e.services)
	next[at] = next[at].with(e, found)
	e.commit(next)
}
