package main

import (
	"flag"
	"fmt"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"
)

const bareCommand = "bare"

// askPaced is what postflight is compared with: one GET, and its whole body read, at each of rate absolute times a
// second, by turns of every target. It is the same client over a transport with the same settings as the prober's, and
// nothing else: no deadline, no phases, no judgement, no state, no metrics. With a grid the times are moved to its next
// point, as the scheduler has them, so that several requests share one wake-up.
func askPaced(args []string) error {
	flags := flag.NewFlagSet(bareCommand, flag.ContinueOnError)
	port := flags.String("port", "", "of the backend")
	rate := flags.Int("rate", 0, "requests a second")
	grid := flags.Duration("grid", 0, "of the times; 0: none")
	reuse := flags.Bool("reuse", false, "keep connections")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client := bareClient(*reuse)
	urls := make([]string, targetCount)
	for i := range urls {
		urls[i] = target(i, *port) + "/health"
	}
	go pace(*rate, *grid, func(i int) {
		if response, err := client.R().Get(urls[i%len(urls)]); err != nil || len(response.Body()) != len(healthBody) {
			panic(fmt.Sprintf("%s answered %v: %v", urls[i%len(urls)], response, err)) // the comparison would be worth nothing
		}
	})
	ready("asking")
	return nil
}

// pace starts each request at its own time, counted from the start: one that is late does not put off the others.
func pace(rate int, grid time.Duration, ask func(int)) {
	start := time.Now()
	for i := 0; ; i++ {
		after := time.Duration(i) * time.Second / time.Duration(rate)
		if grid > 0 {
			after = (after + grid - 1).Truncate(grid)
		}
		if wait := time.Until(start.Add(after)); wait > 0 {
			time.Sleep(wait)
		}
		go ask(i)
	}
}

func bareClient(reuse bool) *resty.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return resty.NewWithClient(&http.Client{Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableKeepAlives:      !reuse,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              protocols,
	}}).SetHeader("User-Agent", "postflight/bench")
}
