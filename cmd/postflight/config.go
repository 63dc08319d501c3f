package main

import (
	"fmt"

	"postflight/internal/config"
)

type configCommand struct {
	Validate validateCommand `cmd:"" help:"Say all that is wrong with configuration files, each with file, line, column and key. Exits 0 or 2."`
	Show     showCommand     `cmd:"" help:"Print the configuration in effect: defaults filled in, secrets as <secret>."`
	Schema   schemaCommand   `cmd:"" help:"Print the JSON schema of the configuration, for editors."`
}

type validateCommand struct {
	File []string `arg:"" help:"Configuration files."`
}

func (c validateCommand) Run(inv *invocation) error {
	valid := true
	for _, file := range c.File {
		if _, err := config.Load(file); err != nil {
			fmt.Fprintln(inv.stderr, err)
			valid = false
			continue
		}
		fmt.Fprintf(inv.stdout, "%s: valid\n", file)
	}
	if !valid {
		return exitCode(exitUsage)
	}
	return nil
}

type showCommand struct {
	source
}

func (c showCommand) Run(inv *invocation) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	_, err = inv.stdout.Write(cfg.YAML())
	return err
}

type schemaCommand struct{}

func (schemaCommand) Run(inv *invocation) error {
	_, err := inv.stdout.Write(config.Schema())
	return err
}
