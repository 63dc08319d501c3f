package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	latenessGoal = 0.015 // seconds; a bound of the histogram
	startGoal    = 50 * time.Millisecond
	memoryGoal   = 20 << 10 // KiB
	seriesGoal   = 30
)

// In these seconds each check has run so many times at least, wherever in the second its place is.
const (
	latenessRuns = 10
	latenessTime = latenessRuns*time.Second + time.Second/2
)

var latenessFigure = figure{
	name: fmt.Sprintf("lateness, %d checks each second", targetCount),
	goal: "p99 ≤ 15 ms, none missed",
	measure: func(b *bench) (measured, error) {
		daemon, err := b.probeReady(targetCount, check{use: "health", schedule: "@every 1s"})
		if err != nil {
			return measured{}, err
		}
		defer daemon.stop()
		time.Sleep(settling)
		before, err := daemon.scrape()
		if err != nil {
			return measured{}, err
		}
		time.Sleep(latenessTime)
		after, err := daemon.scrape()
		if err != nil {
			return measured{}, err
		}
		const lag = "postflight_scheduler_lag_seconds"
		withinBefore, allBefore, known := before.within(lag, latenessGoal)
		within, all, _ := after.within(lag, latenessGoal)
		if !known || all == allBefore {
			return measured{}, errors.New("the histogram of lateness tells nothing of the goal")
		}
		share := 100 * float64(within-withinBefore) / float64(all-allBefore)
		missed := after.sum("postflight_probes_skipped_total")
		ran := before.runs()
		for target, runs := range after.runs() {
			missed += max(0, latenessRuns-(runs-ran[target]))
		}
		return measured{fmt.Sprintf("%.2f %% of %d starts within 15 ms, %.0f missed", share, all-allBefore, missed), share >= 99 && missed == 0}, nil
	},
}

// fourChecks are all built-in checks of one target, with credentials, so that every metric is there.
var fourChecks = []check{{use: "health"}, {use: "auth"}, {use: "db-monitor"}, {use: "queue-status"}}

var startFigure = figure{
	name: "start to first /metrics, four checks",
	goal: "< 50 ms",
	measure: func(b *bench) (measured, error) {
		file, err := b.configure(1, fourChecks...)
		if err != nil {
			return measured{}, err
		}
		var took []time.Duration
		for range 9 {
			begun := time.Now()
			daemon, err := b.serve(file)
			if err != nil {
				return measured{}, err
			}
			err = daemon.await("/metrics", time.Millisecond)
			took = append(took, time.Since(begun))
			daemon.stop()
			if err != nil {
				return measured{}, err
			}
		}
		return measured{fmt.Sprintf("%.0f ms, the median of %d starts; the slowest %.0f ms", milliseconds(median(took)), len(took),
			milliseconds(slices.Max(took))), median(took) < startGoal}, nil
	},
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

var memoryFigure = figure{
	name: "memory, four checks",
	goal: "≤ 20 MiB",
	measure: func(b *bench) (measured, error) {
		// More often than anyone would, so that a few seconds are worth some minutes.
		often := slices.Clone(fourChecks)
		for i := range often {
			if often[i].use != "auth" { // it has a minimal interval
				often[i].schedule = "@every 200ms"
			}
		}
		file, err := b.configure(1, often...)
		if err != nil {
			return measured{}, err
		}
		var daemons [5]*daemon // one by itself differs by half a MiB from the next
		for i := range daemons {
			if daemons[i], err = b.serveReady(file); err != nil {
				return measured{}, err
			}
			defer daemons[i].stop()
		}
		for range 10 {
			time.Sleep(time.Second)
			for _, d := range daemons {
				if _, err := d.get("/metrics", asPrometheus); err != nil {
					return measured{}, err
				}
			}
		}
		var resident, anonymous []int
		for _, d := range daemons {
			all, err := memory(d.pid(), "VmRSS")
			if err != nil {
				return measured{}, err
			}
			own, err := memory(d.pid(), "RssAnon")
			if err != nil {
				return measured{}, err
			}
			resident, anonymous = append(resident, all), append(anonymous, own)
		}
		return measured{fmt.Sprintf("%.1f MiB resident (VmRSS), the median of %d daemons, from %.1f to %.1f; %.1f MiB of it not the program's own file",
			mebibytes(median(resident)), len(daemons), mebibytes(slices.Min(resident)), mebibytes(slices.Max(resident)), mebibytes(median(anonymous))),
			median(resident) <= memoryGoal}, nil
	},
}

func mebibytes(kib int) float64 { return float64(kib) / 1024 }

// seriesFigure counts a check's own series, those with the label check. What the backend's answers say comes on top,
// once a target: it is told in the table, but no goal is set for it, since it is the data that was asked for.
var seriesFigure = figure{
	name: "series per check",
	goal: "≤ 30",
	measure: func(b *bench) (measured, error) {
		daemon, err := b.probeReady(1, fourChecks...)
		if err != nil {
			return measured{}, err
		}
		defer daemon.stop()
		got, err := daemon.scrape()
		if err != nil {
			return measured{}, err
		}
		all, own := got.series("check")
		perCheck := float64(own) / float64(len(fourChecks))
		return measured{fmt.Sprintf("%.1f; with all that four checks read of one target, and the program's own, %d", perCheck, all),
			perCheck <= seriesGoal}, nil
	},
}
