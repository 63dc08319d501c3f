package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"postflight/internal/app"
	"postflight/internal/config"
	"postflight/internal/verdict"
)

type verifyCommand struct {
	looking
	Release string `help:"Version that was deployed." placeholder:"VERSION"`
	Output  string `help:"text or json." enum:"text,json" default:"text"`
	policy
}

// policy is what the command line says of the verification's policy; what is left out stays as configured.
type policy struct {
	SettleTimeout *time.Duration `help:"At most this long until everything passes once (default 60s)." placeholder:"DURATION"`
	Window        *time.Duration `help:"How long to observe after that (default 30s)." placeholder:"DURATION"`
	Interval      *time.Duration `help:"How often checks run meanwhile (default 1s)." placeholder:"DURATION"`
	Consecutive   *int           `help:"Passes in a row that each check must end with (default 5)." placeholder:"N"`
	MaxRestarts   *int           `help:"Automatic restarts that are let pass (default 0)." placeholder:"N"`
}

func (c verifyCommand) Run(inv *invocation) error {
	cfg, log, closeLog, err := c.prepare(inv)
	if err != nil {
		return err
	}
	defer closeLog()
	if err := one(cfg); err != nil {
		return err
	}
	progress := io.Discard
	if c.Output == "text" {
		progress = inv.stderr
	}
	service := cfg.Services[0]
	service.Verification = c.over(service.Verification)
	if err := config.CheckPolicy(service.Verification); err != nil {
		return usageError{err}
	}
	doc, err := app.Verify(inv.ctx, app.VerifyOptions{
		Config:     cfg,
		Build:      buildInfo(),
		Log:        log,
		BusAddress: inv.getenv("DBUS_SYSTEM_BUS_ADDRESS"),
	}, app.Deployment{
		Service:  service.Name,
		Release:  c.Release,
		Policy:   service.Verification,
		Progress: func(d verdict.Document) { announce(progress, d) },
	})
	if err != nil {
		return asUsage(err)
	}
	if err := write(inv.stdout, c.Output, doc); err != nil {
		return untoldError{err}
	}
	return exitCode(codes[doc.Verdict])
}

var codes = map[verdict.State]int{
	verdict.Passed:       exitPassed,
	verdict.Failed:       exitFailed,
	verdict.Inconclusive: exitInconclusive,
}

// one refuses a configuration that leaves open which service was deployed.
func one(cfg *config.Config) error {
	if len(cfg.Services) == 1 {
		return nil
	}
	names := make([]string, len(cfg.Services))
	for i, service := range cfg.Services {
		names[i] = service.Name
	}
	return usageError{errors.New("a verification is of one service: choose it with --service, one of " + strings.Join(names, ", "))}
}

// over lays what the command line says over a policy.
func (p policy) over(base verdict.Policy) verdict.Policy {
	set(&base.SettleTimeout, p.SettleTimeout)
	set(&base.Window, p.Window)
	set(&base.Interval, p.Interval)
	set(&base.Consecutive, p.Consecutive)
	set(&base.MaxRestarts, p.MaxRestarts)
	return base
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// announce tells that a verification has come into another state.
func announce(to io.Writer, d verdict.Document) {
	if d.State.Decided() {
		return
	}
	fmt.Fprintf(to, "%s %s: %s\n", time.Now().Format(time.TimeOnly), d.Service, d.State)
}

func write(to io.Writer, format string, d verdict.Document) error {
	if format == "text" {
		_, err := io.WriteString(to, d.Text())
		return err
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}
