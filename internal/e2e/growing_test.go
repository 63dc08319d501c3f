package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// growing scrapes all along, and holds every counter of a unit to its word: it never falls.
type growing struct {
	stop    context.CancelFunc
	done    sync.WaitGroup
	scrapes int
	highest map[string]float64
}

// watchCounters begins to scrape.
func (m *machine) watchCounters() *growing {
	ctx, stop := context.WithCancel(m.t.Context())
	g := &growing{stop: stop, highest: map[string]float64{}}
	m.t.Cleanup(g.end)
	g.done.Go(func() {
		again := time.NewTicker(50 * time.Millisecond)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
				if e, err := m.scrape(); err == nil { // otherwise postflight has been killed
					g.take(m.t, e)
				}
			}
		}
	})
	return g
}

func (g *growing) end() {
	g.stop()
	g.done.Wait()
}

func (g *growing) take(t testing.TB, e exposition) {
	g.scrapes++
	for series, value := range e.series {
		name, _, _ := strings.Cut(series, "{")
		if !strings.HasSuffix(name, "_total") || !strings.Contains(series, "unit=") {
			continue
		}
		if highest := g.highest[series]; value < highest {
			t.Errorf("%s falls from %v to %v", series, highest, value)
		}
		g.highest[series] = value
	}
}
