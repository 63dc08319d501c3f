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
	"postflight/internal/hook"
	"postflight/internal/verdict"
)

type verifyCommand struct {
	looking
	Release string `help:"Version that was deployed." placeholder:"VERSION"`
	Output  string `help:"text, json or junit." enum:"text,json,junit" default:"text"`
	policy
	daemon
	onFailure
}

// policy is what the command line says of the verification's policy; what is left out stays as configured.
type policy struct {
	SettleTimeout *time.Duration `help:"At most this long until everything passes once (default 60s)." placeholder:"DURATION"`
	Window        *time.Duration `help:"How long to observe after that (default 30s)." placeholder:"DURATION"`
	Interval      *time.Duration `help:"How often checks run meanwhile (default 1s)." placeholder:"DURATION"`
	Consecutive   *int           `help:"Passes in a row that each check must end with (default 5)." placeholder:"N"`
	MaxRestarts   *int           `help:"Automatic restarts that are let pass (default 0)." placeholder:"N"`
	MaxSlowdown   *float64       `help:"How many times slower than before the deployment requests may be until the verdict warns; 0: not compared (default 3). A daemon knows how fast they were." placeholder:"N"`
}

func (c verifyCommand) Run(inv *invocation) error {
	onFailure, err := c.hook(inv.getenv)
	if err != nil {
		return err
	}
	server, err := c.where(c.source, inv.getenv)
	if err != nil {
		return err
	}
	var doc verdict.Document
	if server != "" {
		doc, err = c.verifyAt(inv, server, onFailure)
	} else {
		doc, err = c.verifyHere(inv, onFailure)
	}
	if err != nil {
		return err
	}
	if output := doc.Rollback.Output; output != "" && onFailure != nil {
		fmt.Fprintf(inv.stderr, "%s printed:\n%s\n", onFailure, strings.TrimSuffix(output, "\n"))
	}
	if err := write(inv.stdout, c.Output, doc); err != nil {
		return untoldError{err}
	}
	code, known := codes[doc.Verdict]
	if !known { // nobody said that it passed
		code = exitInconclusive
	}
	return exitCode(code)
}

// verifyHere verifies in this process.
func (c verifyCommand) verifyHere(inv *invocation, onFailure *hook.Hook) (verdict.Document, error) {
	cfg, log, closeLog, err := c.prepare(inv)
	if err != nil {
		return verdict.Document{}, err
	}
	defer closeLog()
	if err := one(cfg); err != nil {
		return verdict.Document{}, err
	}
	service := cfg.Services[0]
	service.Verification = c.over(service.Verification)
	if err := config.CheckPolicy(service.Verification); err != nil {
		return verdict.Document{}, usageError{err}
	}
	shown := newProgress(inv, service.Name)
	defer shown.end()
	doc, err := app.Verify(inv.ctx, app.VerifyOptions{
		Config:     cfg,
		Build:      buildInfo(),
		Log:        log,
		BusAddress: inv.getenv("DBUS_SYSTEM_BUS_ADDRESS"),
	}, app.Deployment{
		Service:   service.Name,
		Release:   c.Release,
		Policy:    service.Verification,
		OnFailure: onFailure,
		Events:    shown.tell,
	})
	return doc, asUsage(err)
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
	return notOne(names)
}

func notOne(names []string) error {
	return usageError{errors.New("a verification is of one service: choose it with --service, one of " + strings.Join(names, ", "))}
}

// over lays what the command line says over a policy.
func (p policy) over(base verdict.Policy) verdict.Policy {
	set(&base.SettleTimeout, p.SettleTimeout)
	set(&base.Window, p.Window)
	set(&base.Interval, p.Interval)
	set(&base.Consecutive, p.Consecutive)
	set(&base.MaxRestarts, p.MaxRestarts)
	set(&base.MaxSlowdown, p.MaxSlowdown)
	return base
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func write(to io.Writer, format string, d verdict.Document) error {
	switch format {
	case "text":
		_, err := io.WriteString(to, d.Text())
		return err
	case "junit":
		report, err := d.JUnit()
		if err != nil {
			return err
		}
		_, err = to.Write(report)
		return err
	default:
		encoder := json.NewEncoder(to)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(d)
	}
}
