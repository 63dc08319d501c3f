package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	ratioGoal = 1.15

	// The CPU is taken in turns, bare and postflight, so that both meet the same machine. All of postflight's
	// windows together are one scrape interval, and there is one scrape in them.
	rounds         = 3
	window         = 5 * time.Second
	scrapeInterval = rounds * window

	// settling is what passes after every target has been asked once.
	settling = 500 * time.Millisecond
)

// grid is the scheduler's.
const grid = 10 * time.Millisecond

// cpuFigure compares postflight with a bare loop that starts each request at its own time: that is the goal. A second
// one starts them on the scheduler's grid, and so shares wake-ups as postflight does. It takes that saving out of the
// comparison, and shows what the checks and the metrics by themselves cost.
func cpuFigure(rate int, reuse bool) figure {
	connections := "fresh connections"
	if reuse {
		connections = "reused connections"
	}
	return figure{
		name: fmt.Sprintf("CPU per probe, %d/s, %s", rate, connections),
		goal: fmt.Sprintf("≤ %.2f × bare", ratioGoal),
		measure: func(b *bench) (measured, error) {
			var alone, gridded, ours usage
			for round := range rounds {
				scraped := round == rounds/2
				if err := errors.Join(
					b.bareWindow(rate, reuse, 0, &alone),
					b.bareWindow(rate, reuse, grid, &gridded),
					b.probingWindow(rate, reuse, scraped, &ours),
				); err != nil {
					return measured{}, err
				}
			}
			return compare(alone, gridded, ours), nil
		},
	}
}

func compare(alone, gridded, ours usage) measured {
	toAlone, toGridded := ours.perRequest()/alone.perRequest(), ours.perRequest()/gridded.perRequest()
	return measured{
		text: fmt.Sprintf("%.2f × (%.2f × a bare loop on our grid): %.0f µs at %.0f/s, %d %% of it for the scrape; bare %.0f µs at %.0f/s (%.0f µs at %.0f/s)",
			toAlone, toGridded, ours.perRequest(), ours.rate(), 100*ours.scraping/ours.cpu,
			alone.perRequest(), alone.rate(), gridded.perRequest(), gridded.rate()),
		within: toAlone <= ratioGoal,
	}
}

// usage is what a process used, and what it did with it.
type usage struct {
	cpu, elapsed time.Duration
	requests     int
	scraping     time.Duration // the part of cpu while it was being scraped
}

func (u usage) perRequest() float64 { return u.cpu.Seconds() * 1e6 / float64(u.requests) } // µs
func (u usage) rate() float64       { return float64(u.requests) / u.elapsed.Seconds() }

func (b *bench) bareWindow(rate int, reuse bool, grid time.Duration, total *usage) error {
	bare, err := startSelf(bareCommand, "-port", b.backend.port, "-rate", strconv.Itoa(rate), "-grid", grid.String(), fmt.Sprintf("-reuse=%t", reuse))
	if err != nil {
		return err
	}
	defer bare.stop()
	time.Sleep(targetCount*time.Second/time.Duration(rate) + settling)
	return b.watch(bare.pid(), total, func() error {
		time.Sleep(window)
		return nil
	})
}

func (b *bench) probingWindow(rate int, reuse, scraped bool, total *usage) error {
	every := targetCount * time.Second / time.Duration(rate)
	daemon, err := b.probeReady(targetCount, check{use: "health", schedule: "@every " + every.String(), reuse: reuse})
	if err != nil {
		return err
	}
	defer daemon.stop()
	time.Sleep(settling)
	return b.watch(daemon.pid(), total, func() error {
		end := time.Now().Add(window)
		time.Sleep(window / 2)
		if scraped {
			before, err := cpuTime(daemon.pid())
			if err != nil {
				return err
			}
			if _, err := daemon.get("/metrics", asPrometheus); err != nil {
				return err
			}
			after, err := cpuTime(daemon.pid())
			if err != nil {
				return err
			}
			total.scraping = after - before
		}
		time.Sleep(time.Until(end))
		return nil
	})
}

// watch adds to total what the process uses, and how many requests are answered, during a while.
func (b *bench) watch(pid int, total *usage, while func() error) error {
	begun := time.Now()
	served, err := b.backend.served()
	if err != nil {
		return err
	}
	cpu, err := cpuTime(pid)
	if err != nil {
		return err
	}
	if err := while(); err != nil {
		return err
	}
	cpuAfter, err := cpuTime(pid)
	if err != nil {
		return err
	}
	servedAfter, err := b.backend.served()
	if err != nil {
		return err
	}
	total.cpu += cpuAfter - cpu
	total.requests += servedAfter - served
	total.elapsed += time.Since(begun)
	return nil
}
