package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"time"
)

const (
	driveCommand = "drive"

	peer     = "prometheus-blackbox-exporter" // Debian's package and its program
	peerRate = 500
	peerGoal = 1.0 / 3

	// The least that the peer can be asked for: the answer's status. It makes a connection of its own each time.
	peerModules = "modules: {http_2xx: {prober: http, timeout: 5s}}\n"
)

// peerFigure compares postflight with the blackbox exporter, by turns as cpuFigure does.
var peerFigure = figure{
	name: fmt.Sprintf("CPU per probe, %d/s, beside blackbox_exporter", peerRate),
	goal: "≤ 0.33 × the peer's",
	measure: func(b *bench) (measured, error) {
		var theirs, ours usage
		for round := range rounds {
			scraped := round == rounds/2
			if err := errors.Join(
				b.peerWindow(&theirs),
				b.probingWindow(peerRate, false, scraped, &ours),
			); err != nil {
				return measured{}, err
			}
		}
		ratio := ours.perRequest() / theirs.perRequest()
		return measured{
			text: fmt.Sprintf("%.2f ×: %.0f µs at %.0f/s, scrape included; the peer %.0f µs at %.0f/s",
				ratio, ours.perRequest(), ours.rate(), theirs.perRequest(), theirs.rate()),
			within: ratio <= peerGoal,
		}, nil
	},
}

func (b *bench) peerWindow(total *usage) error {
	exporter, err := b.servePeer()
	if err != nil {
		return err
	}
	defer exporter.stop()
	driver, err := startSelf(driveCommand, "-port", b.backend.port, "-rate", strconv.Itoa(peerRate), "-exporter", exporter.base)
	if err != nil {
		return err
	}
	defer driver.stop()
	time.Sleep(targetCount*time.Second/peerRate + settling)
	return b.watch(exporter.pid(), total, func() error {
		time.Sleep(window)
		return nil
	})
}

func (b *bench) servePeer() (*daemon, error) {
	program, err := exec.LookPath(peer)
	if err != nil {
		return nil, fmt.Errorf("%w; install Debian's package %s", err, peer)
	}
	modules, err := b.write("blackbox.yml", peerModules)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	d := &daemon{base: "http://" + address}
	d.cmd = exec.Command(program, "--config.file", modules, "--web.listen-address", address, "--log.level", "error")
	d.cmd.Stderr = &d.stderr
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	if err := d.await("/-/healthy", 20*time.Millisecond); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// drive has the exporter probe every target by turns, as a Prometheus would whose scrapes are spread evenly: each at its
// own time, over connections to the exporter that are kept.
func drive(args []string) error {
	flags := flag.NewFlagSet(driveCommand, flag.ContinueOnError)
	port := flags.String("port", "", "of the backend")
	rate := flags.Int("rate", 0, "probes a second")
	exporter := flags.String("exporter", "", "its URL")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	go pace(*rate, 0, func(i int) {
		probed := target(i%targetCount, *port) + "/health"
		if err := askPeer(client, *exporter, probed); err != nil {
			panic(fmt.Sprintf("having %s probed: %v", probed, err)) // the comparison would be worth nothing
		}
	})
	ready("driving")
	return nil
}

func askPeer(client *http.Client, exporter, probed string) error {
	response, err := client.Get(exporter + "/probe?" + url.Values{"module": {"http_2xx"}, "target": {probed}}.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	metrics, err := io.ReadAll(response.Body)
	if err == nil && !bytes.Contains(metrics, []byte("\nprobe_success 1\n")) {
		err = fmt.Errorf("%s: %s", response.Status, metrics)
	}
	return err
}
